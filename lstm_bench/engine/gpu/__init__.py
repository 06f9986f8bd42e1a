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
environment variable LSTM_BENCH_TRITON names: ieee unless it says tf32x3, tf32, bf16 or off. What
was measured stands in docs/performance-gpu.md.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.engine.gpu.memory import KINDS, stacked
from lstm_bench.environment import TRITON, WORDS, word

PRECISIONS = tuple(each for each in WORDS[TRITON] if each != "off")


def chosen() -> list[str]:
    """The backend that the environment asks for, if any. Raises BenchError for an unknown word."""
    wanted = word(TRITON)
    return [name for name, backend in BACKENDS.items() if backend.precision == wanted]


@dataclass(frozen=True)
class Triton:
    """The backend for one precision of the products."""

    precision: str
    BY_TORCH: ClassVar[bool] = False  # see `engine.by_torch`

    def supports(self, cell: Cell, like: Tensor) -> bool:
        """True for the very classes in float32, where Triton is installed and can run."""
        if type(cell) not in KINDS or like.dtype != torch.float32:
            return False
        # the interpreter multiplies bfloat16 as if it were integers
        interpreted = os.environ.get("TRITON_INTERPRET") == "1" and self.precision != "bf16"
        return (like.is_cuda or interpreted) and importlib.util.find_spec("triton") is not None

    def unroll(
        self, cell: Cell, params: Params, inputs: Tensor, state: State, steps: Sequence[int]
    ) -> tuple[Tensor, State]:
        """See `lstm_bench.engine.unroll`."""
        from lstm_bench.engine.gpu.through_time import run  # imports triton, which takes a second

        kind = KINDS[type(cell)]
        hidden, *last = run(
            kind, stacked(kind, params), inputs, state, tuple(steps), self.precision
        )
        return hidden, tuple(last)


BACKENDS = {f"triton-{p}" if p != "ieee" else "triton": Triton(p) for p in PRECISIONS}
