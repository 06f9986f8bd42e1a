"""All steps of a linear recurrence together: s_t = a_t ⊙ s_{t-1} + b_t.

What depends on the inputs alone (gates, candidates, the readout of the states) is computed for all
steps at once, by few large operations; only the recurrence itself is left. The gradient is the same
recurrence backwards in time:

    G_t = g_t + a*_{t+1} ⊙ G_{t+1}      dL/db_t = G_t      dL/da_t = G_t ⊙ s*_{t-1}

(* is the complex conjugate.) Two ways to run it, neither of which divides by products of a:
`in_turn`, one multiply-add a step over all replicates, and `by_halves`, an odd-even parallel scan
of some 4 log2(T) operations and twice the arithmetic. On a CPU the first was the faster one, by 3
to 6 times at 5 replicates of width 32 and batch 32; only where a step is tiny (R n B below about a
thousand numbers) does calling it cost more than computing it. The second is for a GPU, where every
call costs (docs/performance-gpu.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.cells.linear import LinearCell


class Recurrence(Protocol):
    def __call__(
        self, a: Tensor, b: Tensor, start: Tensor, out: Tensor, backwards: bool = False
    ) -> None: ...


SHORT = 8  # steps below which halving does not pay


def supports(cell: Cell, like: Tensor) -> bool:
    """True for every linear cell whose step follows from its recurrence."""
    return isinstance(cell, LinearCell) and type(cell).step is LinearCell.step


def in_turn(a: Tensor, b: Tensor, start: Tensor, out: Tensor, backwards: bool = False) -> None:
    """s_0 .. s_{T-1} into `out`, one step after another; a, b and out (T, ...), start (...)."""
    s, order = start, -1 if backwards else 1
    for a_t, b_t, out_t in zip(*(x.unbind(0)[::order] for x in (a, b, out))):
        s = torch.addcmul(b_t, a_t, s, out=out_t)


def by_halves(a: Tensor, b: Tensor, start: Tensor, out: Tensor, backwards: bool = False) -> None:
    """The same: pairs of steps are joined into one, and half as many are left.

    s_t = (a_t a_{t-1}) ⊙ s_{t-2} + (a_t b_{t-1} + b_t)
    """
    T = len(b)
    if backwards:
        ahead = torch.empty_like(out)
        by_halves(a.flip(0), b.flip(0), start, ahead)
        out.copy_(ahead.flip(0))
        return
    if T <= SHORT:
        return in_turn(a, b, start, out)
    even, odd = slice(0, 2 * (T // 2), 2), slice(1, 2 * (T // 2), 2)
    joined = torch.addcmul(b[odd], a[odd], b[even])
    by_halves(a[odd] * a[even], joined, start, out[odd])
    torch.addcmul(b[0], a[0], start, out=out[0])
    torch.addcmul(b[2::2], a[2::2], out[1 : T - 1 : 2], out=out[2::2])


def fastest(device: torch.device) -> Recurrence:
    """By the device alone, not by size: no bit may depend on how many replicates there are."""
    return by_halves if device.type == "cuda" else in_turn


class _Scan(torch.autograd.Function):
    """States (T, ...) from a, b and start; a may have size 1 where b has not."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, start: Tensor, run: Recurrence) -> Tensor:
        states = torch.empty_like(b)
        run(a.expand_as(b), b, start, states)
        ctx.save_for_backward(a, start, states)
        ctx.run = run
        return states

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (g,) = grads
        a, start, states = ctx.saved_tensors
        conjugate = a.conj().resolve_conj().expand_as(states)
        G = torch.empty_like(states)
        G[-1] = g[-1]
        ctx.run(conjugate[1:], g[:-1], g[-1], G[:-1], backwards=True)
        da = torch.empty_like(states)
        torch.mul(G[0], start.conj(), out=da[0])
        torch.mul(G[1:], states[:-1].conj(), out=da[1:])
        return da.sum_to_size(a.shape), G, conjugate[0] * G[0], None


def linear_scan(a: Tensor, b: Tensor, start: Tensor, run: Recurrence | None = None) -> Tensor:
    """s_t (T, R, n, B) of s_t = a_t ⊙ s_{t-1} + b_t.

    b (T, R, n, B) and start (R, n, B), real or complex; a of b's shape, or of size 1 somewhere.
    """
    return _Scan.apply(a, b, start, run or fastest(b.device))


def unroll(
    cell: Cell, params: Params, inputs: Tensor, state: State, steps: Sequence[int]
) -> tuple[Tensor, State]:
    """See `lstm_bench.engine.unroll`."""
    assert isinstance(cell, LinearCell)
    p, T = cell.prepare(params), len(inputs)
    states = linear_scan(*cell.recurrence(p, inputs), cell.memory(state))
    shown = sorted({*steps, T - 1})
    s = states[-1]
    if len(shown) < T:
        at = torch.tensor(shown, device=s.device)
        states, inputs = states.index_select(0, at), inputs.index_select(0, at)
    hidden = cell.read(p, inputs, states)
    return hidden[: len(steps)], cell.carried(hidden[-1], s)
