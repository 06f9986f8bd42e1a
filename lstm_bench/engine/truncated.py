"""The truncated gradient of 1997, written out.

Through time the error flows along the internal state alone. Nothing of it goes back through a gate
or a hidden unit, so only the forward pass is a loop over time. With dy_t what arrives at the output
of a cell, and sums over the cells of a block written Σ:

    ds_t = dy_t ⊙ o_t ⊙ h'(s_t)        e_t = sum of ds_t' over t' >= t     what reaches s_t
    δ_o,t = σ'(net_o) Σ dy_t ⊙ h(s_t)
    δ_i,t = σ'(net_i) Σ e_t ⊙ g(net_c)
    δ_c,t = g'(net_c) ⊙ e_t ⊙ i_t
    dW = sum of δ_t x_t^T,   dU = sum of δ_t u_{t-1}^T,   db = sum of δ_t

(Hochreiter & Schmidhuber 1997, appendix A.1.)

In float32 on a CPU compiled code does it (fused/truncated.cpp), one sequence after another: with
the paper's batch of one, torch spends a step on calling and not on computing. Elsewhere the loop
runs the cell, whose `step` cuts the gradient itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.cells.lstm_1997 import LSTM1997
from lstm_bench.engine.fused.library import available
from lstm_bench.engine.fused.truncated import Form, TruncatedKernel

name = "truncated"
BY_TORCH = False


def supports(cell: Cell, like: Tensor) -> bool:
    """True for the very class with its truncated gradient, in float32 on a CPU with a compiler."""
    fits = type(cell) is LSTM1997 and cell.truncated and not cell.direct
    return fits and like.dtype == torch.float32 and like.device.type == "cpu" and available()


def unroll(
    cell: Cell, p: Params, inputs: Tensor, state: State, steps: Sequence[int]
) -> tuple[Tensor, State]:
    """See `lstm_bench.engine.unroll`."""
    assert isinstance(cell, LSTM1997)
    form = Form(
        cell.cells_per_block,
        cell.output_gate,
        cell.input_squash == "centred",
        cell.output_squash == "centred",
    )
    W = torch.cat([p[f"W_{unit}"] for unit in form.units], dim=1)
    biases = [
        p[f"b_{unit}"] if f"b_{unit}" in p else torch.zeros_like(p[f"W_{unit}"][..., :1])
        for unit in form.units
    ]
    U = None
    if cell.recurrence != "none":
        U = torch.cat([p[f"U_{unit}"] for unit in form.units], dim=1)
    hidden, h, s, gates = TruncatedKernel.apply(
        W, U, torch.cat(biases, dim=1), inputs, *state, tuple(steps), form
    )
    return hidden, (h, s, gates)
