"""The C++ of one loop over units: tiles of products first, then what follows from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lstm_bench.engine.compiled.form import ALWAYS, ZERO, Node, Size
from lstm_bench.engine.compiled.operations import OPERATIONS
from lstm_bench.engine.compiled.schedule import Link, Nest, numbers_followed

if TYPE_CHECKING:
    from lstm_bench.engine.compiled.writing import Program

# kinds of rows, as in fused/form.cpp
BEFORE, AFTER, KEPT, ROW, PARTIAL, SUM, NUMBER, INPUT, SEED, OUT, BACK, OPERAND, D_INPUT = range(13)
STEPS = (BEFORE, AFTER, KEPT)  # of these there is one a step


class Loop:
    """Loop `number` of those of a direction."""

    def __init__(self, program: Program, back: bool, nests: list[Nest], number: int) -> None:
        self.p, self.back, self.number, self.nest = program, back, number, nests[number]
        self.rows: dict[int, str] = {}  # place and name of those it uses
        self.names: dict[str, str] = {}  # of vectors and masks, and where they are
        self.lines: list[str] = []
        self.last: list[str] = []  # what may overwrite what it reads
        self.done: dict[int, str] = {}
        own = [*self.nest.products, *self.nest.nodes]
        self.own = {n.number for n in own if n.op != "sum"}
        elsewhere = [
            n for i, nest in enumerate(nests) if i != number for n in nest.products + nest.nodes
        ]
        self.shared = {arg.number for n in elsewhere for arg in numbers_followed(n)}
        self.columns = {p.number: c for c, p in enumerate(self.nest.products)}
        if not back:
            own.sort(key=lambda n: (n.op == "sum", n.number))
        for node in own:
            self.add(node)

    # Where things lie

    def row(self, kind: int, index: int, size: Size | None) -> str:
        rows = self.p.rows[self.back]
        place = rows.setdefault((kind, index, size), len(rows))
        self.rows[place] = self.p.row_name(kind, index, place)
        return self.rows[place]

    def vector(self, node: Node) -> str:
        place, leaf = self.p.vector(node), self.p.names[node.args[0]]
        plain = leaf.isidentifier() and node.args[1] == ZERO
        name = f"{leaf}_" if plain else f"vector_{place}"
        self.names[name] = f"s.vector[{place}]"
        return name

    def mask(self, size: Size) -> str:
        name = f"mask_{self.p.size(size)}"
        self.names[name] = f"s.mask[{self.p.size(size)}]"
        return f"{name} + u"

    def given(self, node: Node) -> bool:
        """Whether it lies in memory before the loop begins."""
        kept = self.back and (node in self.p.schedule.kept or node in self.p.form.after)
        return kept or node.op in (*ALWAYS, "seed", "back")

    # Values

    def value(self, node: Node) -> str:
        """The name of a value, or a number."""
        if node.op == "const":
            return f"{node.args[0]!r}f"
        if node.number not in self.done:
            if node.number in self.own and not self.given(node):
                column = self.columns.get(node.number)
                text = self.applied(node) if column is None else f"of(acc, {column} * G + g)"
            else:
                text = self.loaded(node)
            self.lines.append(f"const Pack<N> {node} = {text};")
            self.done[node.number] = repr(node)
        return self.done[node.number]

    def loaded(self, node: Node) -> str:
        p, size = self.p, node.size
        match node.op:
            case "vector" if size is None:
                return f"same<N>(all({self.vector(node)}[0]))"
            case "vector":
                return f"same<N>(load({self.vector(node)} + u))"
            case "count":
                return f"same<N>(all(float(s.units[{p.size(node.args[0])}])))"
            case "sum":
                return f"{self.total(node)}.each<N>(first)"
        if size is None:
            return self.applied(node)
        if self.back and node in p.schedule.kept:
            return f"{self.row(KEPT, p.size(size), size)}.get<N>(first, {self.kept_at(node, size)})"
        return f"{self.row(*self.source(node), size)}.get<N>(first, u)"

    def source(self, node: Node) -> tuple[int, int]:
        """Kind and index of the rows in which a node lies."""
        p = self.p
        match node.op:
            case "state":
                return BEFORE, p.piece(*node.args)
            case "seed":
                return SEED, p.piece(*node.args)
            case "input":
                return INPUT, p.input(node)
            case "back":
                return BACK, node.args[0].number
        if self.back and node in p.form.after:
            return AFTER, p.form.after.index(node)
        return ROW, node.number

    def kept_at(self, node: Node, size: Size) -> str:
        kept = self.p.kept(size)
        return f"{len(kept)} * u + {kept.index(node)} * W"

    def total(self, node: Node) -> str:
        kept = self.p.schedule.sums
        if node in kept:
            return self.row(SUM, kept.index(node), None)
        return self.row(NUMBER, node.number, None)

    def applied(self, node: Node) -> str:
        if node.op == "stop":
            return self.value(node.args[0])
        if node.op in ("add", "sub") and all(a.op == "mul" for a in node.args):
            return self.fused(node)
        values = [self.value(arg) for arg in node.args]
        if node.op not in ("add", "sub", "mul"):
            values = [packed(v) for v in values]
        return OPERATIONS[node.op].code.format(*values)

    def fused(self, node: Node) -> str:
        """A sum of two products: which of them is rounded must not be left to the compiler.

        It may choose by how many rows go side by side. The one that nothing else reads is not.
        """
        first, second = node.args
        if self.p.uses[second.number] == 1:
            (a, b), rest = map(self.value, second.args), self.value(first)
            a = packed(a) if node.op == "add" else f"negative({packed(a)})"
        else:
            (a, b), rest = map(self.value, first.args), self.value(second)
            a, rest = packed(a), rest if node.op == "add" else f"negative({rest})"
        return f"multiply_add({a}, {packed(b)}, {rest})"

    # Where values go

    def add(self, node: Node) -> None:
        """A node of this loop, and where it goes."""
        p, size = self.p, self.nest.size
        if node.op == "sum":
            value = packed(self.value(node.args[0]))
            partial = self.row(PARTIAL, node.number, None)
            self.lines.append(
                f"{partial}.add_partial(first, u, masked({value}, {self.mask(size)}));"
            )
            return
        value = self.value(node)
        if not self.back and node in p.schedule.kept:
            kept = self.row(KEPT, p.size(size), size)
            self.lines.append(
                f"if (s.keep) {kept}.put(first, {self.kept_at(node, size)}, {value});"
            )
        read = node in p.operands
        if (read and not self.back) or (node.number in self.shared and not self.given(node)):
            self.put(ROW, node.number, value)
        if not self.back:
            for piece, after in enumerate(p.form.after):
                if after is node:
                    self.put(AFTER, piece, value, self.last)
            return
        if read:
            self.put(OPERAND, node.number, value)
        self.gradients(node, value)

    def gradients(self, node: Node, value: str) -> None:
        p, size = self.p, self.nest.size
        for column, gradient in enumerate(p.gradients):
            if gradient is node:
                self.lines.append(
                    f"s.gradient({column}).put(first, u, masked({value}, {self.mask(size)}));"
                )
        for leaf, offset, units, found in p.form.vectors:
            if found is node:
                to = f"s.d_vector[{p.place(leaf, offset, units)}]"
                if units is None:
                    self.lines.append(f"add_rows({to}, masked({value}, {self.mask(size)}));")
                else:
                    self.lines.append(f"add_rows({to} + u, {value});")
        for piece, before in enumerate(p.form.before):
            if before is node:
                self.put(SEED if p.in_place[piece] else OUT, piece, value, self.last)
        for place, (_, _, d_input) in enumerate(p.form.inputs):
            if d_input is node:
                self.put(D_INPUT, place, value)

    def put(self, kind: int, index: int, value: str, lines: list[str] | None = None) -> None:
        lines = self.lines if lines is None else lines
        lines.append(f"{self.row(kind, index, self.nest.size)}.put(first, u, {value});")

    # The text

    def text(self) -> str:
        p, nest, count = self.p, self.nest, len(self.nest.products)
        ends = [
            f"  {self.row(PARTIAL, n.number, None)}.total({self.total(n)}, s.size);"
            for n in nest.nodes
            if n.op == "sum"
        ]
        begins = self.tile() if count else self.ahead() if self.back else []
        head = [f"// over {nest.size} units", *(["template <int G>"] if count else [])]
        head.append(f"static void {p.function(self.back, self.number)}(const Step& s) {{")
        head += [
            f"  const Lines {name} = s.rows({place});" for place, name in sorted(self.rows.items())
        ]
        head += [f"  const float* const {name} = {at};" for name, at in self.names.items()]
        step, most = ("G", f"tile_rows({count} * G)") if count else ("1", "4")
        body = [
            f"  for (long q = 0; q < s.panels[{p.size(nest.size)}]; q += {step})",
            f"    in_groups<{most}>(s.size, [&](auto rows, long first) {{",
            "      constexpr int N = decltype(rows)::value;",
            *(f"      {line}" for line in begins),
            *(['      _Pragma("GCC unroll 4") for (int g = 0; g < G; ++g) {'] if count else []),
            f"      const long u = {'(q + g)' if count else 'q'} * W;",
            *(f"      {line}" for line in (*self.lines, *self.last)),
            *(["      }"] if count else []),
            "    });",
        ]
        return "\n".join([*head, *body, *ends, "}", ""])

    def tile(self) -> list[str]:
        """The products, in registers."""
        count = len(self.nest.products)
        found = [
            f"V acc[N][{count} * G];",
            f"begin(acc, s.start[{self.number}] + q * {count} * W);",
        ]
        for number, link in enumerate(self.p.schedule.links):
            if link.nest == self.number:
                found.append(self.multiplied(number, link))
        return found

    def multiplied(self, number: int, link: Link) -> str:
        columns = f"{link.count}, {link.first}, G"
        if link.node.op == "input":
            return f"s.multiply_x<{columns}>(acc, {number}, q, first);"
        rows = self.row(*self.source(link.node), link.node.size)
        return f"s.multiply<{columns}>(acc, {rows}, {number}, q, first);"

    def ahead(self) -> list[str]:
        """What the step before will read."""
        found = []
        rows = list(self.p.rows[self.back])
        for place, name in sorted(self.rows.items()):
            kind, _, size = rows[place]
            if kind in STEPS and size is not None:
                lines = len(self.p.kept(size)) if kind == KEPT else 1
                found.append(
                    f"if (s.more) {name}.fetch<N, {lines}>(first - s.size, {lines} * q * W);"
                )
        return found


def packed(value: str) -> str:
    """A value as vectors, if it is a number."""
    return f"same<N>(all({value}))" if value.endswith("f") else value
