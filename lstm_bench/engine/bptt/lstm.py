"""The LSTM, forward and backward through time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lstm_bench.engine.bptt.buffers import (
    as_input,
    at_steps,
    series,
    sigmoid_backward,
    start,
    tanh_backward,
)


class LSTMThroughTime(torch.autograd.Function):
    """The lecture's LSTM; the gates lie in the order o, f, i, c̃ (the sigmoids are neighbours, and
    so are the three whose derivative comes from dc)."""

    @staticmethod
    def forward(
        ctx: Any, M: Tensor, inputs: Tensor, h: Tensor, c: Tensor, steps: tuple[int, ...]
    ) -> tuple[Tensor, Tensor, Tensor]:
        keep, columns = start(ctx, inputs, h)
        T, H = len(inputs), h.shape[1]
        gates = series(keep, T, h, 4 * H)
        cells = [c, *series(keep, T, h, H)]  # c_t = f c_{t-1} + i c̃ may overwrite c_{t-1}
        tanh_c = series(keep, T, h, H)
        wanted, kept = set(steps), []
        for t in range(T):
            gate = torch.bmm(M, columns[t], out=gates[t])
            gate[:, : 3 * H].sigmoid_()
            gate[:, 3 * H :].tanh_()
            o, f, i, c_tilde = gate.split(H, dim=1)
            c = torch.mul(f, cells[t], out=cells[t + 1]).addcmul_(i, c_tilde)
            h = torch.mul(o, torch.tanh(c, out=tanh_c[t]), out=columns[t + 1][:, :H])
            if t in wanted:
                kept.append(h if keep else h.clone())
        ctx.saved = (M, columns, gates, cells, tanh_c, steps, inputs.shape) if keep else None
        return torch.stack(kept), h.clone(), c.clone()

    @staticmethod
    def backward(
        ctx: Any, grad_hidden: Tensor | None, grad_h: Tensor | None, grad_c: Tensor | None
    ) -> tuple[Any, ...]:
        M, columns, gates, cells, tanh_c, steps, shape = ctx.saved
        T, _, D, B = shape
        R, H = M.shape[0], M.shape[1] // 4
        at = at_steps(grad_hidden, steps)
        U_T, dM = M[:, :, :H].mT, torch.zeros_like(M)
        dx = M.new_empty(T, R, D, B) if ctx.needs_input_grad[1] else None
        dh = M.new_zeros(R, H, B) if grad_h is None else grad_h
        dc = M.new_zeros(R, H, B) if grad_c is None else grad_c.clone()
        dgate = M.new_empty(R, 4 * H, B)
        do, df, di, dc_tilde = dgate.split(H, dim=1)
        through_tanh = M.new_empty(R, H, B)
        for t in reversed(range(T)):
            if t in at:
                dh = dh + at[t]
            o, f, i, c_tilde = gates[t].split(H, dim=1)
            torch.mul(dh, o, out=through_tanh)
            dc += tanh_backward(through_tanh, tanh_c[t], grad_input=through_tanh)
            torch.mul(dh, tanh_c[t], out=do)
            torch.mul(dc, cells[t], out=df)
            torch.mul(dc, c_tilde, out=di)
            torch.mul(dc, i, out=dc_tilde)
            sigmoids = dgate[:, : 3 * H]
            sigmoid_backward(sigmoids, gates[t][:, : 3 * H], grad_input=sigmoids)
            tanh_backward(dc_tilde, c_tilde, grad_input=dc_tilde)
            dc *= f
            dM.baddbmm_(dgate, columns[t].mT)
            if dx is not None:
                dx[t] = torch.bmm(M[:, :, H : H + D].mT, dgate)
            dh = torch.bmm(U_T, dgate)
        return dM, as_input(dx, shape), dh, dc, None
