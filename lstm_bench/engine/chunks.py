"""A sequence in chunks: truncated backpropagation through time, and recomputation.

Truncated to k steps, the sequence is cut into chunks of k, counted from its end (the first chunk is
the short one), and no gradient passes a cut:

    s_t = step(x_t, s_{t-1})        inside a chunk
    s_t = step(x_t, stop(s_{t-1}))  at the first step of a chunk, where the state is carried
    s_t = step(x_t, s_0)            at the first step of a chunk, where it is reset

The loss of the last step so reaches back exactly k steps. This is one update a sequence: the loss
and the update are those of full backpropagation, only the gradient is cut. (Williams & Peng 1990
describe the family; they update at each cut. Where the cuts lie is a choice of this suite.)

Recomputed, a sequence of T steps keeps the states at the cuts of chunks of ceil(sqrt(T)) alone, and
runs each chunk again when its gradient is due: memory grows as sqrt(T) and the forward pass is
computed twice (Chen et al. 2016, Training Deep Nets with Sublinear Memory Cost). The gradient is
the same up to the order of its sums. It is not `torch.utils.checkpoint`: that frees what autograd
saved, and the kernels of this room keep buffers of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.engine import compiled
from lstm_bench.engine.compiled.running import tiles_of
from lstm_bench.engine.intervention import SetNorm
from lstm_bench.errors import BenchError
from lstm_bench.spec import Training


@dataclass(frozen=True)
class ThroughTime:
    """How a gradient goes through time; the default is the whole of it.

    truncate   steps between two cuts of the gradient; None for none
    carry      whether the state passes a cut, or starts anew
    recompute  keep states at sqrt(T) steps and compute the rest twice
    decay      set the norm of dL/dh_t to fall by this factor a step (`engine.intervention`): by
               the compiled kernel where a batch is one tile, else step by step

    Raises BenchError for a value that cannot be.
    """

    truncate: int | None = None
    carry: bool = True
    recompute: bool = False
    decay: float | None = None

    def __post_init__(self) -> None:
        if self.truncate is not None and self.truncate < 1:
            raise BenchError(f"truncate: {self.truncate} is not allowed; it must be at least 1.")
        if self.truncate is None and not self.carry:
            raise BenchError("carry: False is not allowed without truncate: nothing is cut.")
        if self.truncate is not None and self.recompute:
            raise BenchError(
                "recompute: True is not allowed with truncate, whose chunks are short already."
            )
        if self.decay is not None and (self.truncate is not None or self.recompute):
            raise BenchError(
                f"gradient_decay: {self.decay:g} is not allowed with truncate or recompute; it "
                "needs the whole gradient in one pass."
            )
        if self.decay is not None and not self.decay > 0:
            raise BenchError(
                f"gradient_decay: {self.decay:g} is not allowed; it must be more than 0, or null."
            )

    @classmethod
    def of(cls, training: Training) -> ThroughTime:
        """What a condition's training asks for."""
        t = training
        return cls(t.truncate, t.carry, t.recompute, t.gradient_decay)

    @property
    def whole(self) -> bool:
        """Whether the sequence is run in one piece."""
        return self.truncate is None and not self.recompute and self.decay is None


WHOLE = ThroughTime()


def cuts(T: int, how: ThroughTime) -> list[tuple[int, int]]:
    """(first step, step after the last) of every chunk."""
    size = T
    if how.decay is not None:
        size = 1
    elif how.truncate is not None:
        size = min(T, how.truncate)
    elif how.recompute:
        size = min(T, math.isqrt(T - 1) + 1)
    first = T % size if how.truncate else 0
    edges = sorted({0, *range(first, T, size), T})
    return list(pairwise(edges))


def unroll_in_chunks(
    cell: Cell,
    params: Params,
    inputs: Tensor,
    state: State,
    steps: Sequence[int],
    backend: str,
    how: ThroughTime,
) -> tuple[Tensor, State]:
    """Hidden states (S, R, H, B) of S increasing steps, and the last state, as `engine.unroll`."""
    if how.decay and backend == "compiled" and tiles_of(inputs.shape[3]) == 1:
        # that a kernel holds at these sizes is asked where the backend is chosen
        return compiled.unroll(cell, params, inputs, state, steps, how.decay)
    at, kept = state, []
    set_norm = None if how.decay is None else SetNorm(how.decay, last=steps[-1])
    for first, after in cuts(len(inputs), how):
        own = [step - first for step in steps if first <= step < after]
        if how.truncate is not None:
            at = tuple(part.detach() for part in at) if how.carry else state
            if not own and not how.carry:
                continue
        hidden, at = _chunk(cell, params, inputs[first:after], at, own, backend, how)
        if set_norm is not None:
            at = (set_norm.of(at[0], first), *at[1:])
            hidden = at[0].unsqueeze(0)
        if own:
            kept.append(hidden)
    return torch.cat(kept), at


def _chunk(
    cell: Cell,
    params: Params,
    inputs: Tensor,
    state: State,
    steps: list[int],
    backend: str,
    how: ThroughTime,
) -> tuple[Tensor, State]:
    """One chunk; where nothing is asked, its last step stands in and is left unused."""
    from lstm_bench.engine import unroll

    asked, names, parts = steps or [len(inputs) - 1], list(params), len(state)
    if how.truncate is not None and not steps:
        with torch.no_grad():  # its state is cut off on both sides: no gradient can reach it
            return unroll(cell, params, inputs, state, asked, backend)
    if not how.recompute or not torch.is_grad_enabled():
        return unroll(cell, params, inputs, state, asked, backend)

    def run(inputs: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        weights = Params(dict(zip(names, tensors[parts:])))
        hidden, after = unroll(cell, weights, inputs, tensors[:parts], asked, backend)
        return hidden, *after

    hidden, *after = Recomputed.apply(run, inputs, *state, *params.values())
    return hidden, tuple(after)


class Recomputed(torch.autograd.Function):
    """A function of tensors that forgets how it came to its values, and does it again."""

    @staticmethod
    def forward(ctx: Any, run: Any, *tensors: Tensor) -> tuple[Tensor, ...]:
        ctx.run = run
        ctx.save_for_backward(*tensors)
        return run(*tensors)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        needed = ctx.needs_input_grad[1:]
        leaves = [t.detach().requires_grad_(n) for t, n in zip(ctx.saved_tensors, needed)]
        with torch.enable_grad():
            values = ctx.run(*leaves)
        pairs = [(v, g) for v, g in zip(values, grads) if v.requires_grad]
        torch.autograd.backward([v for v, _ in pairs], [g for _, g in pairs])
        return None, *(leaf.grad for leaf in leaves)
