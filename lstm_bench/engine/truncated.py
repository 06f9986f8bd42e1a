"""The truncated gradient of 1997, written out.

Through time the error flows along the internal state alone. Nothing of it goes back through a gate
or a hidden unit, so only the forward pass is a loop over time. With dy_t what arrives at the output
of a cell, and sums over the cells of a block written Σ:

    ds_t = dy_t ⊙ o_t ⊙ h'(s_t)        e_t = sum of ds_t' over t' >= t     what reaches s_t
    δ_o,t = σ'(net_o) Σ dy_t ⊙ h(s_t)
    δ_i,t = σ'(net_i) Σ e_t ⊙ g(net_c)
    δ_c,t = g'(net_c) ⊙ e_t ⊙ i_t
    dW = sum of δ_t x_t^T,   dU = sum of δ_t u_{t-1}^T,   db = sum of δ_t

(Hochreiter & Schmidhuber 1997, appendix A.1.) Each line is one operation on all steps at once.

In float32 on a CPU compiled code does it, one sequence after another (fused/truncated.cpp): with
the paper's batch of one, torch spends a step on calling and not on computing. Where no compiler is,
torch does it, and sequences are padded as for any other of its backends.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.cells.lstm_1997 import LSTM1997
from lstm_bench.engine.fused.library import available
from lstm_bench.engine.fused.truncated import Form, TruncatedKernel

name = "truncated"


def __getattr__(attribute: str) -> bool:
    """BY_TORCH, see `engine.by_torch`: whether there is no compiler."""
    if attribute == "BY_TORCH":
        return not available()
    raise AttributeError(attribute)


def supports(cell: Cell, like: Tensor) -> bool:
    """True for the very class with its truncated gradient."""
    return type(cell) is LSTM1997 and cell.truncated and not cell.direct


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
    compiled = inputs.dtype == torch.float32 and inputs.device.type == "cpu" and available()
    through_time = TruncatedKernel if compiled else TruncatedThroughTime
    hidden, h, s, gates = through_time.apply(
        W, U, torch.cat(biases, dim=1), inputs, *state, tuple(steps), form
    )
    return hidden, (h, s, gates)


class TruncatedThroughTime(torch.autograd.Function):
    """Rows of W, U and b: the input gates, the output gates, the cells."""

    @staticmethod
    def forward(
        ctx: Any,
        W: Tensor,
        U: Tensor | None,
        b: Tensor,
        inputs: Tensor,
        h: Tensor,
        s: Tensor,
        gates: Tensor,
        steps: tuple[int, ...],
        form: Form,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        (R, H, B), n = s.shape, gates.shape[1]
        T = len(inputs)
        net = torch.matmul(W, inputs).add_(b)  # (T, R, n + H, B): all that the past does not touch
        u = s.new_empty(T + 1, R, H + n, B)  # y_t and the gates, after each step
        u[0, :, :H], u[0, :, H:] = h, gates
        states = s.new_empty(T, R, H, B)
        for t in range(T):
            if U is not None:
                net[t].baddbmm_(U, u[t, :, : U.shape[2]])
            gate, now = u[t + 1, :, H:], states[t]
            torch.sigmoid(net[t, :, :n], out=gate)
            g = net[t, :, n:].sigmoid_()  # kept in place of net_c: g' follows from it
            arriving = g.mul(4).sub_(2) if form.centred_input else g
            i = _each_cell(gate[:, : H // form.per_block], form)
            torch.addcmul(s, i, arriving, out=now)
            s, y = now, u[t + 1, :, :H]
            y.copy_(_squashed(s, form))
            if form.output_gate:
                y.mul_(_each_cell(gate[:, H // form.per_block :], form))
        ctx.save_for_backward(W, inputs, net, u, states)
        ctx.about = steps, form, None if U is None else U.shape[2]
        last = u[T]
        return u[1:][list(steps), :, :H], last[:, :H].clone(), s.clone(), last[:, H:].clone()

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Any, ...]:
        grad_hidden, grad_h, grad_s, grad_gates = grads
        W, inputs, net, u, states = ctx.saved_tensors
        steps, form, seen = ctx.about
        (T, R, H, _), n = states.shape, u.shape[2] - states.shape[2]
        blocks = H // form.per_block
        dy = torch.zeros_like(states)
        if grad_hidden is not None:
            dy[list(steps)] = grad_hidden
        if grad_h is not None:
            dy[T - 1] += grad_h
        gate, a = u[1:, :, H:], net[:, :, n:]
        squashed = _squashed(states, form)
        ds = dy * ((1 - squashed * squashed) / 2) if form.centred_output else dy.clone()
        if form.output_gate:
            ds *= _each_cell(gate[:, :, blocks:], form)
        if grad_s is not None:
            ds[T - 1] += grad_s
        e = ds.flip(0).cumsum(0).flip(0)
        arriving, slope = (4 * a - 2, 4 * a * (1 - a)) if form.centred_input else (a, a * (1 - a))
        parts = [_block_sum(e * arriving, form)]
        if form.output_gate:
            parts.append(_block_sum(dy * squashed, form))
        d_gate = torch.cat(parts, dim=2)
        if grad_gates is not None:
            d_gate[T - 1] += grad_gates
        i = _each_cell(gate[:, :, :blocks], form)
        delta = torch.cat([d_gate * gate * (1 - gate), e * i * slope], dim=2)
        columns = delta.permute(1, 2, 0, 3).flatten(2)  # (R, n + H, T * B)
        dW = torch.bmm(columns, _rows(inputs.expand(-1, R, -1, -1)))
        dU = None if seen is None else torch.bmm(columns, _rows(u[:T, :, :seen]))
        dx = torch.matmul(W.mT, delta) if ctx.needs_input_grad[3] else None
        if dx is not None and inputs.shape[1] == 1 < R:
            dx = dx.sum(1, keepdim=True)
        return dW, dU, columns.sum(2, keepdim=True), dx, None, e[0], None, None, None


def _squashed(s: Tensor, form: Form) -> Tensor:
    """h(s)."""
    return torch.sigmoid(s).mul_(2).sub_(1) if form.centred_output else s


def _each_cell(gates: Tensor, form: Form) -> Tensor:
    """(..., n, B), one a block, to (..., H, B), one a cell."""
    return gates if form.per_block == 1 else gates.repeat_interleave(form.per_block, dim=-2)


def _block_sum(cells: Tensor, form: Form) -> Tensor:
    """(..., H, B) to (..., n, B): the sum over the cells of each block."""
    return cells if form.per_block == 1 else cells.unflatten(-2, (-1, form.per_block)).sum(-2)


def _rows(values: Tensor) -> Tensor:
    """(T, R, m, B) to (R, T * B, m)."""
    return values.permute(1, 0, 3, 2).flatten(1, 2)
