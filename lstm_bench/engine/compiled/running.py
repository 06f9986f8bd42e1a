"""A program as an autograd function: a whole sequence a call."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from functools import reduce
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from lstm_bench.engine.compiled.plan import Plan
from lstm_bench.engine.fused.calling import as_tensor, share
from lstm_bench.engine.parameters import aligned

TILE = 32  # sequences of a tile, about: weights are read once a tile and step
APART = 80  # numbers between arrays whose sizes are multiples of pages: they would meet in a cache


class FormPass(ctypes.Structure):
    """The runner's view of one pass; see form.cpp."""

    SIZES = ("R", "T", "B", "S", "tiles", "shared_inputs", "keep", "wants_dx")
    POINTERS = (
        *("steps", "leaf", "stride", "inputs", "start", "states", "kept", "sums", "hidden"),
        *("last", "d_hidden", "d_last", "d_leaves", "d_inputs", "d_start"),
    )
    _fields_ = [(name, ctypes.c_long) for name in SIZES]
    _fields_ += [(name, ctypes.c_void_p) for name in POINTERS]
    _fields_ += [("decay", ctypes.c_double)]


def addresses(found: Sequence[int | None]) -> ctypes.Array:
    return (ctypes.c_void_p * len(found))(*found)


def where(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def tiles_of(B: int) -> int:
    """How many tiles a batch is cut into."""
    return max(1, round(B / TILE))


def rows_of_each(weights: Tensor) -> tuple[Tensor, int]:
    """Weights (R, rows, columns) whose replicates lie whole, and how far apart."""
    (_, rows, columns), (apart, row, column) = weights.shape, weights.stride()
    if (column == 1 or columns == 1) and (row == columns or rows == 1):
        return weights, apart
    return weights.contiguous(), rows * columns


class Run:
    """What a backward pass needs of its forward pass."""

    def __init__(
        self, plan: Plan, nest: int, library: ctypes.CDLL, inputs: Tensor, state: Sequence[Tensor],
        leaves: Sequence[Tensor], steps: tuple[int, ...], keep: bool, decay: float
    ) -> None:  # fmt: skip
        self.plan, self.nest, self.library, self.decay = plan, nest, library, decay
        (T, shared, _, B), R = inputs.shape, len(state[0])
        self.sizes = {
            "R": R, "T": T, "B": B, "S": len(steps), "tiles": tiles_of(B),
            "shared_inputs": int(shared == 1 and R > 1), "keep": int(keep),
        }  # fmt: skip
        self.inputs, self.steps = inputs.contiguous(), as_tensor(steps)
        start = [part.contiguous() for part in state]
        weights, strides = zip(*map(rows_of_each, leaves)) if leaves else ((), ())
        piece, kept = plan.widths(self.library.lanes())
        slots = T + 1 if keep else 2
        counts = [R * B * slots * wide for wide in piece]
        counts += [R * B * T * wide for wide in kept] if keep else []
        counts += [R * B * T * plan.sums] if keep else []
        places = [0, *accumulate(aligned(count, 16) + APART for count in counts)]
        rows = start[0].new_empty(places[-1])
        at = [rows.data_ptr() + 4 * place for place in places]
        self.tables: dict[str, ctypes.Array] = {
            "leaf": addresses([w.data_ptr() for w in weights]),
            "stride": (ctypes.c_long * len(strides))(*strides),
            "start": addresses([part.data_ptr() for part in start]),
            "states": addresses(at[: len(piece)]),
            "kept": addresses(at[len(piece) : len(piece) + len(kept)]),
        }
        self.single = {"inputs": self.inputs.data_ptr(), "steps": self.steps.data_ptr()}
        if keep:
            self.single["sums"] = at[len(piece) + len(kept)]
        self.alive = (rows, start, weights)

    def call(self, single: dict[str, int | None], tables: dict[str, Any], backward: bool) -> None:
        """A pass with these pointers beside its own."""
        tables = {**self.tables, **tables}
        pointers = {name: ctypes.addressof(table) for name, table in tables.items()}
        view = FormPass(**self.sizes, **self.single, **pointers, **single, decay=self.decay)
        view.wants_dx = int(bool(single.get("d_inputs")))
        function, plan, nest = self.library.form_through_time, self.plan.address, self.nest
        address = ctypes.addressof(view)

        def work(first: int, last: int) -> int:
            return function(plan, address, nest, int(backward), first, last)

        share(work, view.R * view.tiles)


class FormThroughTime(torch.autograd.Function):
    """Hidden states and the last state; the arguments after `decay` are state and leaves."""

    @staticmethod
    def forward(
        ctx: Any,
        plan: Plan,
        nest: int,
        library: ctypes.CDLL,
        inputs: Tensor,
        steps: tuple[int, ...],
        decay: float,
        *given: Tensor,
    ) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        parts, keep = len(plan.part_units), any(ctx.needs_input_grad)
        run = Run(plan, nest, library, inputs, given[:parts], given[parts:], steps, keep, decay)
        (R, _, B), new = given[0].shape, given[0].new_empty
        hidden = new(len(steps), R, plan.part_units[0], B)
        last = [new(R, units, B) for units in plan.part_units]
        run.call({"hidden": hidden.data_ptr()}, {"last": addresses(list(map(where, last)))}, False)
        if keep:
            ctx.run = run
        return hidden, *last

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        run, plan = ctx.run, ctx.run.plan
        R, B, T, tiles = (run.sizes[name] for name in ("R", "B", "T", "tiles"))
        hidden, *last = (None if g is None else g.contiguous() for g in grads)
        new = run.inputs.new_empty
        d_leaves = new(R, tiles, plan.total)
        d_start = [new(R, units, B) for units in plan.part_units]
        d_inputs = None
        if ctx.needs_input_grad[3]:
            d_inputs = new(T, R, plan.D, B)
            if not plan.reads_whole_input:
                d_inputs.zero_()
        single = {"d_hidden": hidden, "d_leaves": d_leaves, "d_inputs": d_inputs}
        tables = {"d_last": last, "d_start": d_start}
        run.call(
            {name: where(tensor) for name, tensor in single.items()},
            {name: addresses(list(map(where, each))) for name, each in tables.items()},
            True,
        )
        total = reduce(torch.add, d_leaves.unbind(1))  # in the tiles' order
        row, at = total.stride(0), total.storage_offset()
        found = [
            total.as_strided((R, *shape), (row, shape[1], 1), at + place)
            for place, shape in plan.gradients
        ]
        if d_inputs is not None:  # where all replicates read the same sequences
            d_inputs = d_inputs.sum_to_size(run.inputs.shape)
        return None, None, None, d_inputs, None, None, *d_start, *found
