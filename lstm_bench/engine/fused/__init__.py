"""The fused kernel: a whole sequence, forward or backward, in one call of compiled code.

For the LSTM, the GRU and the plain networks in float32 on a CPU. See docs/performance.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.cells.elman import IRNN, ElmanReLU
from lstm_bench.cells.gru import GRU
from lstm_bench.cells.lstm import LSTM
from lstm_bench.engine import bptt
from lstm_bench.engine.fused.library import available
from lstm_bench.engine.fused.through_time import FusedThroughTime

name = "fused"
BY_TORCH = False


def supports(cell: Cell, like: Tensor) -> bool:
    """True for the very classes in float32 on a CPU, where a compiler made the kernel."""
    fits = like.dtype == torch.float32 and like.device.type == "cpu"
    return fits and bptt.supports(cell, like) and available()


def unroll(
    cell: Cell, p: Params, inputs: Tensor, state: State, steps: Sequence[int]
) -> tuple[Tensor, State]:
    """See `lstm_bench.engine.unroll`."""
    steps = tuple(steps)
    if type(cell) is LSTM:
        weights = [p[f"{part}_{gate}"] for gate in "fioc" for part in "UWb"]
        hidden, h, c = FusedThroughTime.apply("lstm", inputs, *state, steps, None, *weights)
        return hidden, (h, c)
    if type(cell) is GRU:
        gates = [p[f"{part}_{gate}"] for gate in "rz" for part in "UWb"]
        weights = [p.U_n, p.b_u, *gates, p.W_n, p.b_n]
        hidden, h = FusedThroughTime.apply("gru", inputs, *state, None, steps, None, *weights)
        return hidden, (h,)
    kind = "relu" if type(cell) in (IRNN, ElmanReLU) else "tanh"
    V = p.V if bptt.feeds_little_back(cell, p) else None
    own = bptt.plain_weights(cell, p)
    hidden, h = FusedThroughTime.apply(kind, inputs, *state, None, steps, V, *own)
    return hidden, (h,)
