"""The plain path: any cell, one step after another, gradients by autograd."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.cells.rows import SequenceCell


def supports(cell: Cell, like: Tensor) -> bool:
    return not isinstance(cell, SequenceCell)


def unroll(
    cell: Cell, params: Params, inputs: Tensor, state: State, steps: Sequence[int]
) -> tuple[Tensor, State]:
    """See `lstm_bench.engine.unroll`."""
    params, wanted, kept = cell.prepare(params), set(steps), []
    # unbind once: inputs[t] in the loop would make the backward pass quadratic in time
    for t, x in enumerate(inputs.unbind(0)):
        state = cell.step(params, x, state)
        if t in wanted:
            kept.append(state[0])
    return torch.stack(kept), state
