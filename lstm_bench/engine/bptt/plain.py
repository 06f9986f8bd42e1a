"""Elman and IRNN networks, and narrow Jordan networks, forward and backward through time."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from lstm_bench.engine.bptt.buffers import (
    as_input,
    at_steps,
    relu_backward,
    start,
    tanh_backward,
)


class PlainThroughTime(torch.autograd.Function):
    """h_t = φ(M [h_{t-1}; x_t; 1]) with φ = tanh or ReLU."""

    @staticmethod
    def forward(
        ctx: Any, M: Tensor, inputs: Tensor, h: Tensor, steps: tuple[int, ...], relu: bool
    ) -> tuple[Tensor, Tensor]:
        keep, columns = start(ctx, inputs, h)
        T, H = len(inputs), h.shape[1]
        wanted, kept = set(steps), []
        for t in range(T):
            z, h = torch.bmm(M, columns[t]), columns[t + 1][:, :H]
            torch.clamp(z, min=0, out=h) if relu else torch.tanh(z, out=h)
            if t in wanted:
                kept.append(h if keep else h.clone())
        ctx.saved = (M, columns, steps, relu, inputs.shape) if keep else None
        return torch.stack(kept), h.clone()

    @staticmethod
    def backward(ctx: Any, grad_hidden: Tensor | None, grad_h: Tensor | None) -> tuple[Any, ...]:
        M, columns, steps, relu, shape = ctx.saved
        T, _, D, B = shape
        R, H, _ = M.shape
        at = at_steps(grad_hidden, steps)
        U_T, dM = M[:, :, :H].mT, torch.zeros_like(M)
        dx = M.new_empty(T, R, D, B) if ctx.needs_input_grad[1] else None
        dh = M.new_zeros(R, H, B) if grad_h is None else grad_h
        dz = M.new_empty(R, H, B)
        for t in reversed(range(T)):
            h = columns[t + 1][:, :H]
            if t in at:
                dh = dh + at[t]
            dz = relu_backward(dh, h, 0) if relu else tanh_backward(dh, h, grad_input=dz)
            dM.baddbmm_(dz, columns[t].mT)
            if dx is not None:
                dx[t] = torch.bmm(M[:, :, H : H + D].mT, dz)
            dh = torch.bmm(U_T, dz)
        return dM, as_input(dx, shape), dh, None, None
