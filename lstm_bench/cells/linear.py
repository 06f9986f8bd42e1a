"""Linear recurrences: the state enters linearly, so that all steps can be computed at once.

A cell gives `recurrence` and `read`; its step follows, and so does the engine's parallel scan.
"""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from lstm_bench.cells.base import Cell, Params, State


def over_time(W: Tensor, inputs: Tensor, b: Tensor | None = None) -> Tensor:
    """W x_t + b for all steps: W (R, h, D) and inputs (T, R or 1, D, B) give (T, R, h, B)."""
    T, _, _, B = inputs.shape
    columns = inputs.permute(1, 2, 0, 3).flatten(2)  # one product for all steps
    y = W @ columns if b is None else W @ columns + b
    return y.unflatten(2, (T, B)).permute(2, 0, 1, 3)


class LinearCell(Cell):
    """A cell with s_t = a_t ⊙ s_{t-1} + b_t, where a_t and b_t depend on the inputs alone."""

    @abstractmethod
    def recurrence(self, p: Params, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """a and b, real or complex: b (T, R, n, B) and a of that shape or one that broadcasts.

        inputs (T, R, D, B), or (T, 1, D, B) when all replicates read the same sequences; `p` as
        prepared.
        """

    def read(self, p: Params, inputs: Tensor, s: Tensor) -> Tensor:
        """h (S, R, width, B), what the readout sees, from the inputs and states s of S steps."""
        return s

    def memory(self, state: State) -> Tensor:
        """s (R, n, B) of a state."""
        return state[0]

    def carried(self, h: Tensor, s: Tensor) -> State:
        """The state of h and s; the inverse of `memory`."""
        return (h,)

    def step(self, p: Params, x: Tensor, state: State) -> State:
        inputs = x.unsqueeze(0)
        a, b = self.recurrence(p, inputs)
        s = a[0] * self.memory(state) + b[0]
        return self.carried(self.read(p, inputs, s.unsqueeze(0))[0], s)


def real_product(C_re: Tensor, C_im: Tensor, s: Tensor) -> Tensor:
    """Re(C s_t) for all steps: C (R, h, n) by halves, s (S, R, n, B) complex."""
    halves = torch.cat([s.real, s.imag], dim=2)
    return over_time(torch.cat([C_re, -C_im], dim=2), halves)
