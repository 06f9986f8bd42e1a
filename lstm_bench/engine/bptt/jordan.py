"""The Jordan network, forward and backward through time, where it feeds few outputs back."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lstm_bench.engine.bptt.buffers import as_input, at_steps, series, start, tanh_backward


class JordanThroughTime(torch.autograd.Function):
    """y_{t-1} = V h_{t-1}, h_t = tanh(M [y_{t-1}; x_t; 1]): V (R, k, H), M (R, H, k + D + 1)."""

    @staticmethod
    def forward(
        ctx: Any, M: Tensor, V: Tensor, inputs: Tensor, h: Tensor, steps: tuple[int, ...]
    ) -> tuple[Tensor, Tensor]:
        keep, columns = start(ctx, inputs, torch.bmm(V, h))
        T, k = len(inputs), V.shape[1]
        states = [h, *series(keep, T, h, h.shape[1])]
        wanted, kept = set(steps), []
        for t in range(T):
            h = torch.tanh(torch.bmm(M, columns[t]), out=states[t + 1])
            columns[t + 1][:, :k] = torch.bmm(V, h)
            if t in wanted:
                kept.append(h if keep else h.clone())
        ctx.saved = (M, V, columns, states, steps, inputs.shape) if keep else None
        return torch.stack(kept), h.clone()

    @staticmethod
    def backward(ctx: Any, grad_hidden: Tensor | None, grad_h: Tensor | None) -> tuple[Any, ...]:
        M, V, columns, states, steps, shape = ctx.saved
        T, _, D, B = shape
        (R, k, H), V_T, M_T = V.shape, V.mT, M.mT
        at = at_steps(grad_hidden, steps)
        dM, dV = torch.zeros_like(M), torch.zeros_like(V)
        dx = M.new_empty(T, R, D, B) if ctx.needs_input_grad[2] else None
        dh = M.new_zeros(R, H, B) if grad_h is None else grad_h
        dz = M.new_empty(R, H, B)
        for t in reversed(range(T)):
            if t in at:
                dh = dh + at[t]
            dz = tanh_backward(dh, states[t + 1], grad_input=dz)
            dM.baddbmm_(dz, columns[t].mT)
            back = torch.bmm(M_T, dz)
            dy = back[:, :k]
            dV.baddbmm_(dy, states[t].mT)
            if dx is not None:
                dx[t] = back[:, k : k + D]
            dh = torch.bmm(V_T, dy)
        return dM, dV, as_input(dx, shape), dh, None
