"""The GRU, forward and backward through time."""

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


class GRUThroughTime(torch.autograd.Function):
    """The GRU with the reset gate after the product; M holds r, z and the candidate's recurrent
    half [U_n, 0, b_u], N its input half [W_n, b_n]."""

    @staticmethod
    def forward(
        ctx: Any, M: Tensor, N: Tensor, inputs: Tensor, h: Tensor, steps: tuple[int, ...]
    ) -> tuple[Tensor, Tensor]:
        keep, columns = start(ctx, inputs, h)
        T, H = len(inputs), h.shape[1]
        gates, candidates = series(keep, T, h, 3 * H), series(keep, T, h, H)
        wanted, kept = set(steps), []
        for t in range(T):
            column = columns[t]
            gate = torch.bmm(M, column, out=gates[t])
            gate[:, : 2 * H].sigmoid_()
            r, z, u = gate.split(H, dim=1)
            n = torch.bmm(N, column[:, H:], out=candidates[t]).addcmul_(r, u).tanh_()
            last, h = column[:, :H], columns[t + 1][:, :H]
            torch.sub(last, n, out=h).mul_(z).add_(n)  # n + z (h - n) = (1 - z) n + z h
            if t in wanted:
                kept.append(h if keep else h.clone())
        ctx.saved = (M, N, columns, gates, candidates, steps, inputs.shape) if keep else None
        return torch.stack(kept), h.clone()

    @staticmethod
    def backward(ctx: Any, grad_hidden: Tensor | None, grad_h: Tensor | None) -> tuple[Any, ...]:
        M, N, columns, gates, candidates, steps, shape = ctx.saved
        T, _, D, B = shape
        R, H = M.shape[0], M.shape[1] // 3
        at = at_steps(grad_hidden, steps)
        U_T, dM, dN = M[:, :, :H].mT, torch.zeros_like(M), torch.zeros_like(N)
        dx = M.new_empty(T, R, D, B) if ctx.needs_input_grad[2] else None
        dh = M.new_zeros(R, H, B) if grad_h is None else grad_h
        dgate = M.new_empty(R, 3 * H, B)
        dr, dz, du = dgate.split(H, dim=1)
        dn = M.new_empty(R, H, B)
        for t in reversed(range(T)):
            if t in at:
                dh = dh + at[t]
            r, z, u = gates[t].split(H, dim=1)
            n, last = candidates[t], columns[t][:, :H]
            torch.mul(dh, torch.sub(last, n, out=dz), out=dz)
            torch.sub(dh, dh * z, out=dn)
            tanh_backward(dn, n, grad_input=dn)
            torch.mul(dn, u, out=dr)
            torch.mul(dn, r, out=du)
            gates_rz = dgate[:, : 2 * H]
            sigmoid_backward(gates_rz, gates[t][:, : 2 * H], grad_input=gates_rz)
            dM.baddbmm_(dgate, columns[t].mT)
            dN.baddbmm_(dn, columns[t][:, H:].mT)
            if dx is not None:
                dx[t] = torch.bmm(M[:, :, H : H + D].mT, dgate)
                dx[t] += torch.bmm(N[:, :, :D].mT, dn)
            dh = torch.baddbmm(dh * z, U_T, dgate)
        return dM, dN, as_input(dx, shape), dh, None
