"""The tables of a program at one size, as the runner reads them (`fused/form.cpp`)."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lstm_bench.engine.compiled.form import Node, Refused, Size, Sizes
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

    def __init__(self, program: Program, sizes: Sizes, shapes: Sequence[tuple[int, int]]) -> None:
        self.program, form, schedule = program, program.form, program.schedule
        number, at = program.size, lambda size: size.at(sizes)
        self.part_units = [sum(at(size) for _, size in part) for part in form.state]
        given = {(o, s): int(g is not None) for o, s, g in form.inputs}
        read = [link.node for link in schedule.links if link.node.op == "input"]
        slices = list(dict.fromkeys([*given, *((n.args[0], n.whole) for n in read)]))
        pieces = [
            (i, at(offset), number(size), int(program.in_place[n]), int(form.before[n] is not None))
            for n, (i, offset, size) in enumerate(form.pieces)
        ]
        loops, products_before = [], 0
        for nest in schedule.forward:
            loops.append((nest.level, number(nest.size), len(nest.products), products_before))
            products_before += len(nest.products)
        matrices: list[tuple[int, int, int]] = []
        reads: list[tuple[int, ...]] = []
        level = {n.number: nest.level for nest in schedule.backward for n in nest.nodes}
        for link in schedule.links:
            nest = schedule.forward[link.nest]
            products = nest.products[link.first : link.first + link.count]
            first = loops[link.nest][3] + link.first
            ready = max(
                level.get(program.gradients[first + c].number, 0) for c in range(link.count)
            )
            found, back = self._read(link.node, at, slices)
            where = (link.nest, link.first, link.count, ready)
            reads.append((*found, *where, *back, len(matrices)))
            for product in products:
                (term,) = (t for t in product.args[0] if t.node is link.node)
                row, column = at(term.row), at(term.column)
                rows, columns = shapes[term.matrix]
                _inside(row, at(product.whole), rows)
                _inside(column, at(link.node.whole), columns)
                matrices.append((term.matrix, row, column))
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
        for leaf, offset, size in vectors:
            _inside(at(offset), 1 if size is None else at(size), math.prod(shapes[leaf]))
        inputs = [(at(offset), at(units)) for offset, units in slices]
        for first, units in inputs:
            _inside(first, units, sizes.inputs)
        self.reads_whole_input = inputs == [(0, sizes.inputs)]
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
        self.sums, self.D = len(schedule.sums), sizes.inputs
        self.piece_units = [at(size) for _, _, size in form.pieces]
        self.total = total
        counts = {
            "sizes": len(self.units), "parts": len(form.state), "pieces": len(pieces),
            "slices": len(slices), "sums": self.sums, "loops": len(loops),
            "back_loops": len(schedule.backward), "rows": len(program.rows[0]),
            "back_rows": len(program.rows[1]), "columns": products_before, "reads": len(reads),
            "starts": len(starts), "vectors": len(vectors), "leaves": len(shapes),
            "D": sizes.inputs, "gradients": total,
        }  # fmt: skip
        if max(v for k, v in counts.items() if k not in ("D", "gradients")) > MOST:
            raise Refused(f"more than {MOST} rows or products")
        self.tables = {name: _array(values) for name, values in tables.items()}
        addresses = {name: ctypes.addressof(array) for name, array in self.tables.items()}
        self.view = FormPlan(**counts, **addresses)
        self.address = ctypes.addressof(self.view)

    def widths(self, lanes: int) -> tuple[list[int], list[int]]:
        """Numbers a row of each piece of the state, and of what is kept by size."""
        kept = [aligned(n, lanes) * count for n, count in zip(self.units, self.kept)]
        return [aligned(n, lanes) for n in self.piece_units], kept

    def _read(
        self, node: Node, at: Callable[[Size], int], slices: list[tuple[Size, Size]]
    ) -> tuple[tuple[int, int, int], tuple[int, int]]:
        """What a product reads: its kind, place and units; and where a backward pass puts what
        arrives at it, and finds it (-1 for nowhere)."""
        units = at(node.whole)
        match node.op:
            case "input":
                place = slices.index((node.args[0], node.whole))
                return (INPUT, at(node.args[0]), units), (place, -1)
            case "state":
                return (BEFORE, self.program.piece(*node.args), units), (-1, -1)
        back, operand = (
            self.program.rows[1].get((kind, node.number, node.whole), -1)
            for kind in (BACK, OPERAND)
        )
        return (ROW, node.number, units), (back, operand)

    def _found(self, back: int) -> list[tuple[int, int, int]]:
        return [
            (
                kind,
                self.program.size(size) if kind == KEPT and size else index,
                -1 if size is None else self.program.size(size),
            )
            for kind, index, size in self.program.rows[back]
        ]


def _inside(first: int, count: int, size: int) -> None:
    if first < 0 or count < 1 or first + count > size:
        raise Refused("units that a matrix, a vector or the input does not have")


def _array(values: Iterable[Any]) -> ctypes.Array:
    flat = [x for value in values for x in (value if isinstance(value, tuple) else (value,))]
    return (ctypes.c_long * max(len(flat), 1))(*flat)
