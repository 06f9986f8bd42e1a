"""From a schedule to C++: one function a loop, and where they find what they read.

The functions know vectors and rows; memory, packing, products of the backward pass and weights'
gradients are the runner's (`fused/form.cpp`), the same for all cells.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from lstm_bench.engine.compiled.form import Form, Node, Size
from lstm_bench.engine.compiled.loops import (
    AFTER,
    BACK,
    BEFORE,
    KEPT,
    OUT,
    SEED,
    Loop,
)
from lstm_bench.engine.compiled.schedule import Schedule, numbers_followed, operands

NAMED = {BEFORE: "{}_before", AFTER: "{}_after", SEED: "d_{}_after", OUT: "d_{}_before"}


Rows = dict[tuple[int, int, Size | None], int]


class Program:
    """The C++ of a form and what the runner has to know of it.

    names   of the leaves; `state` of the parts of the state
    rows    forwards and backwards, the place of each row (kind, index, size) that a loop uses
    sizes   the place of each
    """

    def __init__(
        self, form: Form, schedule: Schedule, title: str, names: Sequence[str], state: Sequence[str]
    ) -> None:
        self.form, self.schedule, self.title = form, schedule, title
        self.names, self.state = names, state
        self.rows: tuple[Rows, Rows] = ({}, {})
        self.sizes: dict[Size, int] = {}
        self.columns = [p for nest in schedule.forward for p in nest.products]
        gradient = {c.product.number: c.gradient for c in form.columns}
        self.gradients = [gradient[p.number] for p in self.columns]
        self.vectors = list(dict.fromkeys(v[:3] for v in form.vectors))
        self.operands = operands(form)
        nests = (*schedule.forward, *schedule.backward)
        self.uses = Counter(arg.number for nest in nests for n in nest.nodes for arg in n.nodes)
        self.in_place = [self._in_place(p) for p in range(len(form.pieces))]
        for nest in nests:
            self.size(nest.size)
        for _, _, size in form.pieces:
            self.size(size)
        loops = [
            Loop(self, bool(back), nests, number).text()
            for back, nests in enumerate((schedule.forward, schedule.backward))
            for number in range(len(nests))
        ]
        products = [f"//   {p} = {self.equation(p)}" for p in self.columns]
        self.text = "\n".join(
            [f"// {title}", *products, '#include "nest.h"', "", *loops, self.calls()]
        )

    def size(self, size: Size) -> int:
        return self.sizes.setdefault(size, len(self.sizes))

    def kept(self, size: Size) -> list[Node]:
        return [node for node in self.schedule.kept if node.size == size]

    def place(self, leaf: int, offset: Size, size: Size | None) -> int:
        """Of a vector among those that the functions read."""
        return self.vectors.index((leaf, offset, size))

    def vector(self, node: Node) -> int:
        leaf, offset = node.args
        return self.place(leaf, offset, node.size)

    def input(self, node: Node) -> int:
        found = [(offset, size) for offset, size, _ in self.form.inputs]
        return found.index((node.args[0], node.whole))

    def piece(self, part: int, offset: Size) -> int:
        return [piece[:2] for piece in self.form.pieces].index((part, offset))

    def row_name(self, kind: int, index: int, place: int) -> str:
        if kind == KEPT:
            return f"kept_{index}"
        if kind == BACK:
            return f"d_v{index}"
        if kind not in NAMED:
            return f"r{place}"
        return NAMED[kind].format(self.piece_name(index))

    def equation(self, product: Node) -> str:
        """A product, for a reader."""
        terms, starts = product.args
        words = [f"{self.names[t.matrix]} {self.shown(t.node)}" for t in terms]
        return " + ".join([*words, *(self.names[s.args[0]] for s in starts)])

    def shown(self, node: Node) -> str:
        if node.op == "input":
            return "x"
        return self.state[node.args[0]] if node.op == "state" else repr(node)

    def piece_name(self, piece: int) -> str:
        part, offset, _ = self.form.pieces[piece]
        name = self.state[part] if self.state[part].isidentifier() else f"state_{part}"
        first = [p[1] for p in self.form.pieces if p[0] == part].index(offset)
        return f"{name}{first or ''}"

    def _in_place(self, piece: int) -> bool:
        """Whether a piece's gradient may be written where it is read: by the one loop that does."""
        part, offset, _ = self.form.pieces[piece]
        before = self.form.before[piece]
        users = [
            any(
                (n.op == "seed" and n.args == (part, offset)) or n is before
                for node in nest.nodes
                for n in (node, *numbers_followed(node))
            )
            for nest in self.schedule.backward
        ]
        return before is None or sum(users) == 1

    def function(self, back: bool, number: int) -> str:
        return f"{'backward' if back else 'forward'}_{number}"

    def calls(self) -> str:
        lines = ['extern "C" void nest(int backward, int which, const Step& s) {']
        lines.append("  switch (2 * which + backward) {")
        for back, nests in enumerate((self.schedule.forward, self.schedule.backward)):
            for number, nest in enumerate(nests):
                name, count = self.function(bool(back), number), len(nest.products)
                call = f"{name}{'<1>' if count else ''}(s)"
                if 0 < count < 3:  # several vectors of units side by side
                    panels = f"s.panels[{self.size(nest.size)}]"
                    body = f"{{ {name}<decltype(g)::value>(s); }}"
                    call = f"groups<{count}>({panels}, [&](auto g) {body})"
                lines.append(f"    case {2 * number + back}: {call}; break;")
        return "\n".join([*lines, "  }", "}", ""])
