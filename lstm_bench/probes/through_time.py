"""What happens to a small change of the state as time goes by, backwards and forwards. float64.

    g_t = dL/ds_t                       the gradient of the last output's loss, by reverse mode
    J_t = ds_t/ds_{t-1}                 the Jacobian of a step on the trajectory, s = (h, c, ...)
    J_t Q_{t-1} = Q_t R_t               by QR: the columns of Q stay orthonormal
    λ_i = mean over t of log10 |R_ii|   Lyapunov exponents, in decades a step

Far enough behind the loss |g_{t-1}| / |g_t| and the first column of Q grow at the same rate, so the
slope of log10 |g_t| against the lag is λ_1: two computations of one number. (Vogt, Puelma Touzel,
Shlizerman & Lajoie 2022, On Lyapunov exponents for RNNs.) All are functions of weights and inputs:
nothing is trained here. One layer, reading forwards.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.engine.intervention import SetNorm
from lstm_bench.engine.network import Network
from lstm_bench.training.data import Tensors
from lstm_bench.training.losses import LOSSES

EVERY = 5  # steps between two QR: in float64 the columns stay well apart meanwhile


@dataclass(frozen=True)
class Backward:
    """log10 norms of dL/ds_t by the lag behind the last output: lag 0 is its own step.

    They are total derivatives: that by c_t counts what c_t does through h_t of the same step.

    whole      by part of the state, (lags, R): the norm over units and sequences
    sequences  (lags, R): the mean over sequences of the log10 norm of all parts together
    states     the trajectory, T + 1 states
    """

    whole: dict[str, np.ndarray]
    sequences: np.ndarray
    states: list[State]


def backward(
    network: Network,
    params: Params,
    data: Tensors,
    loss: str,
    keep: int | None = None,
    decay: float | None = None,
) -> Backward:
    """Gradients of the loss of the last asked step with respect to the states before it.

    With a `decay` they are as a training with `gradient_decay` sees them (`engine.intervention`).

    params (R, ...) float64; data as `training.data.tensors` makes them, of `keep` real sequences.
    """
    cell, at = network.cell, data.steps[-1]
    p = cell.prepare(params)
    size = keep or data.size
    inputs = data.inputs[..., :size].to(params.V)
    state = network.initial_state(len(params.V), size, params.V)
    states = [tuple(part.detach().requires_grad_() for part in state)]
    seen = [states[0]]
    with torch.enable_grad():
        set_norm = None if decay is None else SetNorm(decay, last=at)
        for t, x in enumerate(inputs[: at + 1].unbind(0)):
            # a part that no state before it reaches is a start of its own: lag 0 ends there
            state = cell.step(p, x, seen[-1])
            seen.append(tuple(s if s.requires_grad else s.detach().requires_grad_() for s in state))
            if set_norm is not None:
                set_norm.of(seen[-1][0], t)
        y = params.V @ seen[-1][0]
        if network.options.readout_bias:
            y = y + params.b_y
        if network.options.direct:
            y = y + params.V_x @ inputs[at]
        if network.options.readout == "logistic":
            y = torch.sigmoid(y)
        targets = data.targets.unflatten(-1, (len(data.steps), -1))[..., -1, :size]
        targets = targets if targets.dtype == torch.int64 else targets.to(y)
        weights = data.weights.unflatten(-1, (len(data.steps), -1))[..., -1, :size].to(y)
        total = (LOSSES[loss](y, targets) * weights).sum()
        flat = [part for state in seen[1:] for part in state]
        found = torch.autograd.grad(total, flat, allow_unused=True)
    grads = [torch.zeros_like(s) if g is None else g for g, s in zip(found, flat)]
    parts = len(cell.state)
    by_part = [torch.stack(grads[i::parts]).flatten(2, -2) for i in range(parts)]  # (T, R, n, B)
    squares = [part.square().sum(2) for part in by_part]
    return Backward(
        {name: _log(s.sum(2)).flip(0).numpy() for name, s in zip(cell.state, squares)},
        _log(torch.stack(squares).sum(0)).mean(2).flip(0).numpy(),
        [tuple(part.detach() for part in state) for state in seen],
    )


def _log(squares: Tensor) -> Tensor:
    """log10 of the root; -inf for what is zero."""
    return squares.log10() / 2


def window(length: int) -> tuple[int, int]:
    """The lags a slope is fitted over: from a sixth to two thirds of the sequence."""
    return length // 6, 2 * length // 3


def slope(logs: np.ndarray) -> np.ndarray:
    """Decades a step, (R,): least squares of log10 norms (lags, R) over `window`.

    -inf where the gradient has become exactly 0 within the window (units that died or saturated),
    NaN where it is not a number.
    """
    first, last = window(len(logs))
    lags = np.arange(first, last + 1)
    rows = logs[first : last + 1]
    safe = np.where(np.isfinite(rows), rows, 0)
    fitted = np.polyfit(lags, safe, 1)[0]
    found = np.where(np.isfinite(rows).all(axis=0), fitted, np.nan)
    return np.where((rows == -np.inf).any(axis=0) & ~np.isnan(rows).any(axis=0), -np.inf, found)


def _flat(state: State) -> Tensor:
    """(R, n_1, B), (R, n_2, B), ... to (R, n, B)."""
    return torch.cat([part.flatten(1, -2) for part in state], dim=1)


def _parts(flat: Tensor, like: State) -> State:
    """The inverse of `_flat`, in the shapes of `like` but for the batch."""
    sizes = [part.flatten(1, -2).shape[1] for part in like]
    pieces = flat.split(sizes, dim=1)
    return tuple(p.reshape(*s.shape[:-1], flat.shape[-1]) for p, s in zip(pieces, like))


def push(cell: Cell, p: Params, x: Tensor, state: State, tangents: Tensor) -> Tensor:
    """J_t @ tangents, forward mode: (R, B, n, k) to the same, k directions of each sequence.

    p as `cell.prepare` gives them. The directions ride along as k copies of each sequence.
    """
    k = tangents.shape[3]
    copies = tuple(part.repeat_interleave(k, dim=-1) for part in state)
    moved = tangents.permute(0, 2, 1, 3).flatten(2)  # (R, n, B * k)
    inputs = x.repeat_interleave(k, dim=-1)
    out = torch.func.jvp(lambda *s: cell.step(p, inputs, s), copies, _parts(moved, copies))[1]
    return _flat(out).unflatten(2, (-1, k)).permute(0, 2, 1, 3)


def lyapunov(
    cell: Cell, params: Params, inputs: Tensor, states: list[State], count: int
) -> np.ndarray:
    """The largest `count` exponents (count, R), mean over sequences, in decades a step.

    inputs (T, R, d, B); states, the trajectory of T + 1. The time they are averaged over is that
    of `window` read backwards: the steps before are the burn-in.
    """
    p, T = cell.prepare(params), len(states) - 1
    first, last = window(T)
    begin, end = T - last, T - first
    R, n, B = _flat(states[0]).shape
    rng = torch.Generator().manual_seed(0)
    Q = torch.linalg.qr(torch.randn(R, B, n, min(count, n), generator=rng).to(inputs)).Q
    total = torch.zeros(R, B, Q.shape[3]).to(Q)
    for t in range(end):
        Q = push(cell, p, inputs[t], states[t], Q)
        if (t + 1 - begin) % EVERY == 0 or t + 1 == end:
            Q, triangle = torch.linalg.qr(Q)
            if t >= begin:
                total += triangle.diagonal(dim1=-2, dim2=-1).abs().log10()
    return (total.mean(1) / (end - begin)).T.numpy()


def singular_values(
    cell: Cell, params: Params, inputs: Tensor, states: list[State], at: list[int]
) -> np.ndarray:
    """All singular values of J_t at these steps, falling: (steps, R, B, n), or NaN."""
    p, found = cell.prepare(params), []
    for t in at:
        R, n, B = _flat(states[t]).shape
        identity = torch.eye(n).to(inputs).expand(R, B, n, n)
        jacobian = push(cell, p, inputs[t], states[t], identity)
        known = jacobian.isfinite().all(-1).all(-1)[..., None]
        values = torch.linalg.svdvals(jacobian.where(known[..., None], 0))
        found.append(values.where(known, torch.nan))
    return torch.stack(found).numpy()
