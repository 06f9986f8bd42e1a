"""Layers that read whole sequences: one call a replicate, by autograd."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.cells.rows import SequenceCell

BY_TORCH = False  # replicates are computed one by one, whatever their number


def supports(cell: Cell, like: Tensor) -> bool:
    return isinstance(cell, SequenceCell)


def unroll(
    cell: Cell, params: Params, inputs: Tensor, state: State, steps: Sequence[int]
) -> tuple[Tensor, State]:
    """See `lstm_bench.engine.unroll`; the state after the last step is its hidden state."""
    assert isinstance(cell, SequenceCell)
    hidden = cell.sequence(cell.prepare(params), inputs, state)
    return hidden[list(steps)], (hidden[-1],)
