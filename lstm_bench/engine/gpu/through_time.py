"""A cell through time by the kernels: an autograd function over stacked parameters."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lstm_bench.engine.gpu import resident, sums, wide
from lstm_bench.engine.gpu.memory import GATES, PRODUCTS, Tiles, shared_memory, slots, tiles

PARTS = 16  # time is cut into at most so many parts for the weight gradients,
STEPS = 64  # of at least so many steps; the cut depends on T alone, and so do the sums


class ThroughTime(torch.autograd.Function):
    """Hidden states at `steps` (S, R, H, B) and the last state, one tensor a part of the state."""

    @staticmethod
    def forward(
        ctx: Any,
        U: Tensor,
        W: Tensor,
        bias: Tensor,
        inputs: Tensor,
        h: Tensor,
        c: Tensor | None,
        steps: tuple[int, ...],
        kind: str,
        precision: str,
        keep: bool,
    ) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        U, W, bias, inputs, h = (t.contiguous() for t in (U, W, bias, inputs, h))
        (T, shared, D, B), (R, H, _), G = inputs.shape, h.shape, GATES[kind]
        cut = tiles(kind, H, B, precision, shared_memory(h.device))
        every = tuple(range(-1, T)) if keep else steps
        states = h.new_empty(len(every), R, H, B)
        held = T if keep and G > 1 else int(not cut.resident)  # a plain network's gate is its state
        gates = h.new_empty(held, R, G * H, B) if held else h
        cells = h.new_empty(T + 1, R, H, B) if keep and c is not None else h
        if keep:
            states[0] = h
            if c is not None:
                cells[0] = c
        h_T = h.clone()  # the wide kernel works in place on these
        c_T = h_T if c is None else c.clone(memory_format=torch.contiguous_format)
        where = slots(T, every, h.device)
        sizes = {
            "SHARED": shared == 1, "CELL": kind, "H": H, "D": D, "B": B, "BH": cut.units,
            "BB": cut.batch, "BD": cut.inputs, "KEEP": keep, "PRECISION": precision,
            "num_warps": cut.warps, "num_stages": 1,
        }  # fmt: skip
        grid = (R, -(-B // cut.batch))
        given = (U, W, bias, inputs)
        with _device(h):
            if cut.resident:
                start = (h, h if c is None else c.contiguous())
                out = (where, states, gates, cells, h_T, c_T)
                resident.forward[grid](*given, *start, *out, T, R, **sizes)
            else:
                out = (h_T, c_T, where, states, gates, cells)
                wide.forward[grid](*given, *out, T, R, **sizes)
        hidden = states[[t + 1 for t in steps]] if keep else states
        if keep:
            ctx.save_for_backward(U, W, inputs, states, gates, cells)
            ctx.about = (steps, kind, precision, cut)
        return (hidden, h_T) if c is None else (hidden, h_T, c_T)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        U, W, inputs, states, gates, cells = ctx.saved_tensors
        steps, kind, precision, cut = ctx.about
        T, (R, H, B) = len(inputs), states.shape[1:]
        state = states.new_zeros(R, H, B)
        hidden, h, c = (*grads, None)[:3]
        dhidden = state if hidden is None else hidden.contiguous()
        dh, dc = (
            state.clone() if g is None else g.clone(memory_format=torch.contiguous_format)
            for g in (h, c)
        )
        where = slots(T, () if hidden is None else steps, states.device)
        dgates = states.new_empty(T, R, GATES[kind] * H, B)
        sizes = {
            "CELL": kind, "H": H, "B": B, "BH": cut.units, "BB": cut.batch, "PRECISION": precision,
            "num_warps": cut.warps, "num_stages": 1,
        }  # fmt: skip
        grid = (R, -(-B // cut.batch))
        given = (U, states, gates, cells, where, dhidden)
        with _device(states):
            if cut.resident:
                ends = (dh, dc, dgates, dh, dc)  # a program reads its own tile before it writes it
                resident.backward[grid](*given, *ends, T, R, **sizes)
            else:
                wide.backward[grid](*given, dgates, dh, dc, T, R, **sizes)
            dU, dW, dbias = _weight_gradients(kind, dgates, states, inputs, precision)
            dx = None
            if ctx.needs_input_grad[3]:
                dx = _input_gradient(kind, W, dgates, inputs, precision, cut)
        return dU, dW, dbias, dx, dh, dc if kind == "lstm" else None, None, None, None, None


def _weight_gradients(
    kind: str, dgates: Tensor, states: Tensor, inputs: Tensor, precision: str
) -> tuple[Tensor, Tensor, Tensor]:
    H = states.shape[2]
    products = PRODUCTS[kind] * H
    dU = _sum(dgates, states[:-1], products, False, precision)
    both = _sum(dgates, inputs, dgates.shape[2], True, precision)
    return dU, both[:, -products:, :-1].contiguous(), both[:, :, -1:].contiguous()


def _sum(dgates: Tensor, columns: Tensor, rows: int, ones: bool, precision: str) -> Tensor:
    """Over time and batch: (R, rows, K), with the bias as one column more where `ones`."""
    T, R, G, B = dgates.shape
    shared, K = columns.shape[1] == 1 and R > 1, columns.shape[2]
    steps = max(STEPS, -(-T // PARTS))
    parts, wide_k = -(-T // steps), K + ones
    out = dgates.new_empty(parts, R, rows, wide_k)
    BR = 128 if rows > 64 else 64 if rows > 32 else 32 if rows > 16 else 16
    BK = 64 if wide_k > 32 else 32 if wide_k > 16 else 16
    grid = (R, -(-rows // BR) * -(-wide_k // BK), parts)
    sizes = {
        "G": G, "SHARED": shared, "ROWS": rows, "K": K, "ONES": int(ones), "B": B, "BR": BR,
        "BK": BK, "BB": 16 if B <= 16 else 32, "PRECISION": precision,
        "num_warps": 2 if precision == "ieee" else 4,  # fma wants many sums a thread
    }  # fmt: skip
    sums.weights[grid](dgates, columns, out, T, steps, R, **sizes)
    return out[0] if parts == 1 else out.sum(dim=0)


def _input_gradient(
    kind: str, W: Tensor, dgates: Tensor, inputs: Tensor, precision: str, cut: Tiles
) -> Tensor:
    """dx (T, R or 1, D, B): summed over the replicates where all of them read the same inputs."""
    T, R, G, B = dgates.shape
    D, rows = inputs.shape[2], W.shape[1]
    dx = dgates.new_empty(T, R, D, B)
    BD = 16 if D <= 16 else 32
    grid = (T, R, -(-D // BD) * -(-B // cut.batch))
    sizes = {
        "G": G, "FIRST": G - rows, "ROWS": rows, "D": D, "B": B, "BD": BD, "BB": cut.batch,
        "BK": 32, "PRECISION": precision, "num_warps": 4,
    }  # fmt: skip
    sums.inputs[grid](W, dgates, dx, R, **sizes)
    return dx.sum(dim=1, keepdim=True) if inputs.shape[1] == 1 and R > 1 else dx


def _device(like: Tensor) -> contextlib.AbstractContextManager[Any]:
    """Triton launches on the current device."""
    return torch.cuda.device(like.device) if like.is_cuda else contextlib.nullcontext()


def run(
    kind: str,
    stacked: Sequence[Tensor],
    inputs: Tensor,
    state: Sequence[Tensor],
    steps: tuple[int, ...],
    precision: str,
) -> tuple[Tensor, ...]:
    """Hidden states at `steps` and the state after the last step."""
    given = (*stacked, inputs, *state)
    keep = torch.is_grad_enabled() and any(t.requires_grad for t in given)
    h, c = (*state, None)[:2]
    return ThroughTime.apply(*stacked, inputs, h, c, steps, kind, precision, keep)
