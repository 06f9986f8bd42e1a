"""Triton kernels: one program runs a (replicate, batch tile) through all T steps.

Programs are independent of each other, so R replicates fill a GPU as one large network would, and
no step waits for the whole grid. `resident` holds U on the chip; `wide` reads it from the cache
where it does not fit; `sums` adds up the weight gradients in a fixed order. Written for CUDA;
under TRITON_INTERPRET=1 the same kernels run on a CPU, for tests only.

The products are a choice, and the choice is the backend's name, so that every table names it:

    triton          float32 throughout (IEEE)
    triton-tf32x3   three TF32 products for one: about float32's precision, on tensor cores
    triton-tf32     factors rounded to 10 bits of mantissa
    triton-bf16     factors rounded to 7 bits of mantissa

States, gates and sums are float32 in all of them. On a CUDA device `auto` takes the one that the
environment variable LSTM_BENCH_TRITON names (ieee, tf32x3, tf32 or bf16; ieee if unset), or none
of them if it is `off`.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.engine.gpu.memory import KINDS, stacked
from lstm_bench.errors import BenchError, unknown

PRECISIONS = ("ieee", "tf32x3", "tf32", "bf16")
VARIABLE = "LSTM_BENCH_TRITON"


def chosen_precision() -> str:
    """What the environment asks for. Raises BenchError for an unknown word."""
    wanted = os.environ.get(VARIABLE, "ieee")
    if wanted not in (*PRECISIONS, "off"):
        raise unknown(VARIABLE, wanted, [*PRECISIONS, "off"])
    return wanted


@dataclass(frozen=True)
class Triton:
    """The backend for one precision of the products."""

    precision: str

    def supports(self, cell: Cell, device: torch.device) -> bool:
        """True on CUDA for the very classes; a subclass may have equations of its own."""
        if device.type != "cuda" or type(cell) not in KINDS:
            return False
        return chosen_precision() == self.precision and bool(importlib.util.find_spec("triton"))

    def unroll(
        self, cell: Cell, params: Params, inputs: Tensor, state: State, steps: Sequence[int]
    ) -> tuple[Tensor, State]:
        """See `lstm_bench.engine.unroll`. Raises BenchError for what the kernels cannot take."""
        if type(cell) not in KINDS:
            raise BenchError(
                f"backend 'triton' has no kernel for cell {cell.name!r}; it has them for "
                f"{', '.join(sorted(known.name for known in KINDS))}."
            )
        if state[0].dtype != torch.float32:
            raise BenchError(
                f"backend 'triton' computes in float32, but the state is {state[0].dtype}; "
                "use the backend 'loop'."
            )
        if importlib.util.find_spec("triton") is None:
            raise BenchError(
                "backend 'triton' needs the package triton, which is not installed: it comes with "
                "torch for CUDA, or with pip install 'lstm-bench[gpu]'."
            )
        from lstm_bench.engine.gpu.through_time import run  # imports triton: not on a CPU

        kind = KINDS[type(cell)]
        given = stacked(kind, params)
        hidden, *last = run(kind, given, inputs, state, tuple(steps), self.precision)
        return hidden, tuple(last)


BACKENDS = {f"triton-{p}" if p != "ieee" else "triton": Triton(p) for p in PRECISIONS}
