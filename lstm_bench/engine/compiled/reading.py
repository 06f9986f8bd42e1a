"""From torch's operations to those of the form: a recording read as a graph of whole rows.

Every dimension of a tensor has a role: R replicates, U units, B sequences, or 1; the recording of a
cell of one replicate has no R. What follows from parameters alone is left to torch, once a pass:
such a tensor is a matrix or a vector of the form.
Nodes beside those of the form: `mm` (matrix, node), `slice` (node, start), `cat` (nodes), `sum`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from lstm_bench.engine.compiled.form import Graph, Node, Refused, Size, Sizes
from lstm_bench.engine.compiled.recording import B, Call, Recording, Ref, refs
from lstm_bench.engine.compiled.spelling import POINTWISE, as_number

SAME = {"alias", "clone", "contiguous", "lift_fresh", "_to_copy", "view_as"}
VIEWS = {"view", "_unsafe_view", "reshape", "unsqueeze", "squeeze", "permute", "transpose", "t",
         "expand", "select"}  # fmt: skip
UNCHANGED = {"view", "_unsafe_view", "expand", "alias", "contiguous"}
FILLED = {"ones_like": 1.0, "zeros_like": 0.0}


class Read(NamedTuple):
    """A tensor that depends on the sequences: its node, and the role of each dimension."""

    node: Node
    roles: str


class Reading:
    """`leaves` are the tensors of parameters alone, by number, that the graph reads."""

    def __init__(self, recording: Recording, trace: Recording, sample: Sizes) -> None:
        self.sample = sample  # the sizes of the trace
        self.graph = Graph()
        self.read: dict[int, Read] = {}
        self.shapes: dict[int, tuple[Any, ...]] = {}
        self.concrete: dict[int, tuple[int, ...]] = {}
        self.leaves: list[tuple[int, bool]] = []  # number, and whether it is turned
        self.same: dict[int, int] = {}  # views of parameters that show all of them
        self.turned: set[int] = set()  # of these, those with rows for columns
        self.columns = "RUB" if len(trace.leaves[0][1]) == 3 else "UB"  # of a state
        self.state = self.columns if "R" in self.columns else "BU"
        self.parts, self.R = 0, trace.leaves[0][1][0] if "R" in self.columns else None
        for number, (name, shape) in enumerate(recording.leaves):
            self.shapes[number], self.concrete[number] = shape, trace.leaves[number][1]
            size = shape[1] if len(shape) == len(self.state) else None
            if name.startswith("state "):
                node = self.graph.node("state", self.parts, Size.of(0), size=size)
                self.parts += 1
            elif name == "input":
                node = self.graph.node("input", Size.of(0), size=size)
            else:
                continue
            if size is None or self.concrete[number][1] == 1:
                raise Refused("a part of the state of one unit, or of another shape than (R, h, B)")
            self.read[number] = Read(node, self.state)
        for call, traced in zip(recording.calls, trace.calls):
            for place, (out, shape) in enumerate(zip(call.outs, call.shapes)):
                self.shapes[out.number] = shape
                self.concrete[out.number] = traced.shapes[place]
            given = refs((call.args, call.kwargs))
            if any(ref.number in self.read for ref in given):
                self.translate(call)
            elif (
                call.name in UNCHANGED
                and self.concrete[given[0].number] == self.concrete[call.outs[0].number]
            ):
                self.same[call.outs[0].number] = self.source(given[0].number)
            elif call.name == "t" and self.R is None:
                turned, of = call.outs[0].number, given[0].number
                self.same[turned] = self.source(of)
                if of not in self.turned:
                    self.turned.add(turned)
        self.after = [self.whole(ref) for ref in recording.after]

    def whole(self, ref: Ref) -> Node:
        """A part of the state after the step."""
        if ref.number not in self.read:
            raise Refused("a state that does not depend on the sequences")
        node, roles = self.read[ref.number]
        if roles != self.state or node.size is None:
            raise Refused("a state of another shape than (R, h, B)")
        return node

    def leaf(self, number: int, turned: bool = False) -> int:
        """The place of a tensor of parameters alone among those that the graph reads."""
        key = self.source(number), turned != (number in self.turned)
        if key not in self.leaves:
            self.leaves.append(key)
        return self.leaves.index(key)

    def source(self, number: int) -> int:
        return self.same.get(number, number)

    def translate(self, call: Call) -> None:
        name, args = call.name.removeprefix("unsafe_"), call.args
        if name in SAME or name == "detach":
            node, roles = self.read[args[0].number]
            if name == "detach" and node.op != "const":
                node = self.graph.node("stop", node, size=node.size)
            self.read[call.outs[0].number] = Read(node, roles)
        elif name in VIEWS:
            self.view(call)
        elif name in FILLED:
            self.constant(call, FILLED[name])
        elif name == "full_like":
            self.constant(call, args[1])
        elif name in ("bmm", "baddbmm", "mm", "addmm"):
            self.product(call)
        elif name in ("slice", "split", "split_with_sizes"):
            self.part(call)
        elif name == "cat":
            self.joined(call)
        elif name in ("sum", "mean", "var"):
            self.reduced(call)
        elif name in POINTWISE:
            self.pointwise(call)
        else:
            raise Refused(f"torch's {name}")

    def constant(self, call: Call, value: float) -> None:
        roles = self.read[call.args[0].number].roles
        self.read[call.outs[0].number] = Read(self.graph.const(as_number(value)), roles)

    def view(self, call: Call) -> None:
        node, roles = self.read[call.args[0].number]
        was, now = self.concrete[call.args[0].number], self.concrete[call.outs[0].number]
        rank = len(was)
        match call.name:
            case "permute":
                roles = "".join(roles[_axis(i, rank)] for i in call.args[1])
            case "transpose" | "t":
                a, b = (_axis(i, rank) for i in (call.args[1:] or (Size.of(0), Size.of(1))))
                order = list(roles)
                order[a], order[b] = order[b], order[a]
                roles = "".join(order)
            case "select":
                axis = _axis(call.args[1], rank)
                if was[axis] != 1:
                    raise Refused("one unit, or one sequence, taken out of many")
                roles = roles[:axis] + roles[axis + 1 :]
            case "expand":
                roles = roles.rjust(len(now), "1")
                old = (1,) * (len(now) - rank) + was
                wide = {self.R: "R", B: "B"}
                roles = "".join(
                    r if a == b else wide.get(b, "U") for r, a, b in zip(roles, old, now)
                )
            case _:
                left = [(size, role) for size, role in zip(was, roles) if role != "1"]
                roles = ""
                for size in now:
                    if left and size == left[0][0]:
                        roles += left.pop(0)[1]
                    elif size == 1:
                        roles += "1"
                    else:
                        raise Refused(f"torch's {call.name} of dimensions joined or parted")
                if left:
                    raise Refused(f"torch's {call.name} of dimensions joined or parted")
        self.read[call.outs[0].number] = Read(node, roles)

    def units(self, ref: Ref) -> Node:
        """A node with its units, not one that is broadcast to them."""
        node, roles = self.read[ref.number]
        if node.size is None and "U" in roles:
            raise Refused("units that are the same number")
        return node

    def product(self, call: Call) -> None:
        *added, a, b = call.args[:3]
        if call.kwargs:
            raise Refused("a scaled product")
        turned = a.number in self.read  # sequences are rows
        if turned == (b.number in self.read):
            raise Refused("a product of two things that both depend on the sequences")
        own, matrix = (a, b.number) if turned else (b, a.number)
        node, roles = self.units(own), self.read[own.number].roles
        if roles != (self.columns[:-2] + "BU" if turned else self.columns):
            raise Refused("a product that sums over other things than units")
        shape = self.shapes[matrix]
        rows = shape[-1 if turned else -2] if len(shape) == len(self.state) else None
        if rows is None or (self.R is not None and self.concrete[matrix][0] != self.R):
            raise Refused("a product with a matrix that is not each replicate's own")
        found = self.graph.node("mm", self.leaf(matrix, turned), node, size=rows)
        self.read[call.outs[0].number] = Read(found, roles)
        for ref in added:
            other = self.operand(ref, self.concrete[call.outs[0].number], roles)
            self.read[call.outs[0].number] = Read(self.graph.apply("add", found, other), roles)

    def part(self, call: Call) -> None:
        node, roles = self.read[call.args[0].number]
        was = self.concrete[call.args[0].number]
        defaults = (None, Size.of(0), None, None, Size.of(1))
        given = (*call.args, *defaults[len(call.args) :])
        dim = call.kwargs.get("dim", given[2] if call.name != "slice" else given[1])
        axis = _axis(dim or Size.of(0), len(was))
        start = Size.of(0)
        if call.name == "slice":
            first, step = given[2], given[4]
            if step != Size.of(1):
                raise Refused("every other unit")
            start = first or start
            if start.at(self.sample) < 0:  # counted from the end
                start = self.shapes[call.args[0].number][axis].plus(start)
        for (out,), shape in zip(call.outs, call.shapes):
            if self.concrete[out] == was:
                self.read[out] = Read(node, roles)
            elif roles[axis] == "U":
                source = self.units(call.args[0])
                found = self.graph.node("slice", source, start, size=shape[axis])
                self.read[out] = Read(found, roles)
            else:
                raise Refused("some of the sequences or replicates")
            start = start.plus(shape[axis])

    def joined(self, call: Call) -> None:
        refs_ = list(call.args[0])
        dim = call.args[1] if len(call.args) > 1 else call.kwargs.get("dim", Size.of(0))
        if any(r.number not in self.read for r in refs_):
            raise Refused("torch's cat of a parameter and a state")
        (roles, *others) = (self.read[r.number].roles for r in refs_)
        axis = _axis(dim, len(roles))
        if roles[axis] != "U" or any(other != roles for other in others):
            raise Refused("torch's cat of replicates or sequences")
        size = self.shapes[call.outs[0].number][axis]
        node = self.graph.node("cat", *map(self.units, refs_), size=size)
        self.read[call.outs[0].number] = Read(node, roles)

    def reduced(self, call: Call) -> None:
        roles = self.read[call.args[0].number].roles
        node, g = self.units(call.args[0]), self.graph
        if len(call.args) < 2 or not call.args[1]:
            raise Refused(f"torch's {call.name} over replicates and sequences")
        axes = {_axis(i, len(roles)) for i in call.args[1]}
        if {roles[a] for a in axes} - {"1"} != {"U"}:
            raise Refused(f"torch's {call.name} over replicates or sequences")
        kept = call.kwargs.get("keepdim", call.args[2] if len(call.args) > 2 else False)
        roles = "".join(
            "1" if i in axes else r for i, r in enumerate(roles) if kept or i not in axes
        )
        assert node.size is not None
        count = g.node("count", node.size)
        value = g.node("sum", node)
        if call.name != "sum":
            value = g.apply("div", value, count)
        if call.name == "var":
            off = g.apply("sub", node, value)
            correction = call.kwargs.get("correction")
            less = as_number(1.0 if correction is None else correction)
            value = g.apply(
                "div", g.node("sum", g.apply("mul", off, off)), g.apply("sub", count, less)
            )
        self.read[call.outs[0].number] = Read(value, roles)

    def operand(self, value: Any, shape: tuple[int, ...], roles: str) -> Node:
        """An argument of an operation unit by unit whose result has this shape and these roles."""
        if not isinstance(value, Ref):
            return self.graph.const(as_number(value))
        own = self.concrete[value.number]
        if value.number in self.read:
            node, mine = self.read[value.number]
            for a, b in zip(mine[::-1], roles[::-1]):
                if a not in ("1", b):
                    raise Refused("an operation on dimensions that do not match")
            return node
        places = {role: i for i, role in enumerate(roles)}
        sizes = (1,) * (len(shape) - len(own)) + own
        if "B" in places and sizes[places["B"]] != 1:
            raise Refused("a parameter with a number for each sequence")
        if "U" not in places or sizes[places["U"]] == 1:
            return self.graph.node("vector", self.leaf(value.number), Size.of(0))
        size = self.shapes[value.number][places["U"] - (len(shape) - len(own))]
        row = self.R is None and len(own) > 1  # (1, h), where a vector of the form is (h, 1)
        return self.graph.node("vector", self.leaf(value.number, row), Size.of(0), size=size)

    def pointwise(self, call: Call) -> None:
        shape = self.concrete[call.outs[0].number]
        given = [self.read[r.number].roles for r in refs(call.args) if r.number in self.read]
        rank = len(shape)
        roles = "".join(
            next((r[i - rank] for r in given if len(r) >= rank - i and r[i - rank] != "1"), "1")
            for i in range(rank)
        )
        args = [self.operand(a, shape, roles) for a in call.args if a is not None]
        kwargs = {k: as_number(v) for k, v in call.kwargs.items() if isinstance(v, (float, Size))}
        node = POINTWISE[call.name](self.graph, *args, **kwargs)
        if (
            node.size is None
            and node.op != "const"
            and "U" in roles
            and not all(
                self.read[r.number].node.size is None
                for r in refs(call.args)
                if r.number in self.read
            )
        ):
            raise Refused(f"torch's {call.name} of units that are the same number")
        self.read[call.outs[0].number] = Read(node, roles)


def _axis(size: Size, rank: int) -> int:
    return int(size.constant) % rank
