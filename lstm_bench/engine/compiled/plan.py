"""The tables of a program at one size, as the runner reads them (`fused/form.cpp`)."""

from __future__ import annotations

import ctypes
from collections.abc import Iterable
from typing import Any

from lstm_bench.engine.compiled.form import Node, Refused, Sizes
from lstm_bench.engine.compiled.loops import BACK, BEFORE, INPUT, KEPT, OPERAND, ROW
from lstm_bench.engine.compiled.writing import Program
from lstm_bench.engine.parameters import aligned

MOST = 256  # of the runner's arrays
COUNTS = (
    *("sizes", "parts", "pieces", "slices", "sums", "loops", "back_loops", "rows", "back_rows"),
    *("columns", "reads", "starts", "vectors", "leaves", "D", "gradients"),
)
TABLES = (
    *("units", "kept", "part_units", "start", "piece", "slice", "row", "back_row", "loop"),
    *("back_loop", "read", "matrix", "vector", "leaf"),
)


class FormPlan(ctypes.Structure):
    _fields_ = [(name, ctypes.c_long) for name in COUNTS]
    _fields_ += [(name, ctypes.c_void_p) for name in TABLES]


class Plan:
    """`view` is the runner's; the tables live as long as this. Raises Refused at odd sizes.

    units       by size; `part_units` by part of the state
    gradients   (place, shape) of each leaf in the gradients of a replicate
    """

    def __init__(self, program: Program, sizes: Sizes, shapes: list[tuple[int, int]]) -> None:
        self.program, form, schedule = program, program.form, program.schedule
        number, at = program.size, lambda size: size.at(sizes)
        self.part_units = [sum(at(size) for _, size in part) for part in form.state]
        slices = list(dict.fromkeys([(o, s) for o, s, _ in form.inputs]))
        given = {(o, s): int(g is not None) for o, s, g in form.inputs}
        for link in schedule.links:
            if link.node.op == "input" and (link.node.args[0], link.node.whole) not in given:
                slices.append((link.node.args[0], link.node.whole))
        slices = list(dict.fromkeys(slices))
        pieces = [
            (i, at(offset), number(size), int(program.in_place[n]), int(form.before[n] is not None))
            for n, (i, offset, size) in enumerate(form.pieces)
        ]
        loops, column = [], 0
        for nest in schedule.forward:
            loops.append((nest.level, number(nest.size), len(nest.products), column))
            column += len(nest.products)
        matrices: list[tuple[int, int, int]] = []
        reads: list[tuple[int, ...]] = []
        level = self._levels()
        for link in schedule.links:
            nest = schedule.forward[link.nest]
            products = nest.products[link.first : link.first + link.count]
            first = loops[link.nest][3] + link.first
            ready = max(
                level.get(program.gradients[first + c].number, 0) for c in range(link.count)
            )
            reads.append(
                (
                    *self._operand(link.node, at, slices),
                    link.nest,
                    link.first,
                    link.count,
                    ready,
                    *self._rows(link.node, slices),
                    len(matrices),
                )
            )
            for product in products:
                terms = [t for t in product.args[0] if t.node is link.node]
                if len(terms) > 1:
                    raise Refused("a sum of two products with the same units")
                (term,) = terms
                matrices.append((term.matrix, at(term.row), at(term.column)))
        vectors = program.vectors
        starts = [
            (c, program.vector(start))
            for c, product in enumerate(program.columns)
            for start in product.args[1]
        ]
        self.gradients, total = [], 0
        for rows, columns in shapes:
            self.gradients.append((total, (rows, columns)))
            total += -(-rows * columns // 16) * 16
        self.units = [at(size) for size in program.sizes]
        if min(self.units, default=1) < 1:
            raise Refused("a piece of no rows")
        self.kept = [len(program.kept(size)) for size in program.sizes]
        tables: dict[str, Iterable[Any]] = {
            "units": self.units,
            "kept": self.kept,
            "part_units": self.part_units,
            "start": starts,
            "piece": pieces,
            "slice": [
                (at(o), at(s), int((o, s) in given), given.get((o, s), 0)) for o, s in slices
            ],
            "row": self._found(0),
            "back_row": self._found(1),
            "loop": loops,
            "back_loop": [(n.level, number(n.size), 0, 0) for n in schedule.backward],
            "read": reads,
            "matrix": matrices,
            "vector": [(leaf, at(o), -1 if s is None else number(s)) for leaf, o, s in vectors],
            "leaf": [(shape[1], place) for place, shape in self.gradients],
        }
        self.kept_widths: dict[int, tuple[list[int], list[int]]] = {}
        self.sums, self.D = len(schedule.sums), sizes.inputs
        self.piece_units = [at(size) for _, _, size in form.pieces]
        self.total = total
        counts = {
            "sizes": len(self.units), "parts": len(form.state), "pieces": len(pieces),
            "slices": len(slices), "sums": self.sums, "loops": len(loops),
            "back_loops": len(schedule.backward), "rows": len(program.rows[0].found),
            "back_rows": len(program.rows[1].found), "columns": column, "reads": len(reads),
            "starts": len(starts), "vectors": len(vectors), "leaves": len(shapes),
            "D": sizes.inputs, "gradients": total,
        }  # fmt: skip
        self.slices = len(slices)
        if max(v for k, v in counts.items() if k not in ("D", "gradients")) > MOST:
            raise Refused(f"more than {MOST} rows or products")
        self.tables = {name: _array(values) for name, values in tables.items()}
        addresses = {name: ctypes.addressof(array) for name, array in self.tables.items()}
        self.view = FormPlan(**counts, **addresses)
        self.address = ctypes.addressof(self.view)

    def widths(self, lanes: int) -> tuple[list[int], list[int]]:
        """Numbers a row of each piece of the state, and of what is kept by size."""
        if lanes not in self.kept_widths:
            kept = [aligned(n, lanes) * count for n, count in zip(self.units, self.kept)]
            self.kept_widths[lanes] = [aligned(n, lanes) for n in self.piece_units], kept
        return self.kept_widths[lanes]

    def _levels(self) -> dict[int, int]:
        """The level at which each node of the backward pass is computed."""
        return {n.number: nest.level for nest in self.program.schedule.backward for n in nest.nodes}

    def _operand(self, node: Node, at: Any, slices: list) -> tuple[int, int, int]:
        assert node.size is not None
        if node.op == "input":
            return INPUT, at(node.args[0]), at(node.whole)
        if node.op == "state":
            return BEFORE, self.program.piece(*node.args), at(node.whole)
        return ROW, node.number, at(node.whole)

    def _rows(self, node: Node, slices: list) -> tuple[int, int]:
        """Where a backward pass puts what arrives at a node, and finds the node; -1 for nowhere."""
        if node.op == "input":
            return slices.index((node.args[0], node.whole)), -1
        if node.op == "state":
            return -1, -1
        found = self.program.rows[1].found
        wanted = ((BACK, node.number, node.whole), (OPERAND, node.number, node.whole))
        back, operand = (found.index(w) if w in found else -1 for w in wanted)
        return back, operand

    def _found(self, back: int) -> list[tuple[int, int, int]]:
        return [
            (
                kind,
                self.program.size(size) if kind == KEPT and size else index,
                -1 if size is None else self.program.size(size),
            )
            for kind, index, size in self.program.rows[back].found
        ]


def _array(values: Iterable[Any]) -> ctypes.Array:
    flat = [x for value in values for x in (value if isinstance(value, tuple) else (value,))]
    return (ctypes.c_long * max(len(flat), 1))(*flat)
