"""The buffers of a pass through time.

A step is one product M @ [h_{t-1}; x_t; 1] with M = [U, W, b] stacked over the gates, so the
columns [h; x; 1] of all steps lie in one buffer. Shapes: R replicates, H width, D inputs, B batch,
T steps, K = H + D + 1. A pass without gradients holds two steps only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

sigmoid_backward = torch.ops.aten.sigmoid_backward.grad_input
tanh_backward = torch.ops.aten.tanh_backward.grad_input
relu_backward = torch.ops.aten.threshold_backward


class Columns(Protocol):
    """[h; x; 1] by step, each (R, K, B); the recurrence writes h of the next step into it."""

    def __getitem__(self, t: int) -> Tensor: ...


def kept_columns(inputs: Tensor, h: Tensor) -> list[Tensor]:
    """All T + 1 columns, for a pass whose gradients will be asked for."""
    T, D, (R, H, B) = len(inputs), inputs.shape[2], h.shape
    buffer = h.new_empty(T + 1, R, H + D + 1, B)
    buffer[:T, :, H : H + D] = inputs
    buffer[:, :, -1] = 1
    buffer[0, :, :H] = h
    return list(buffer.unbind(0))


class StreamedColumns:
    """Two slots, filled as the steps come."""

    def __init__(self, inputs: Tensor, h: Tensor) -> None:
        R, self.H, B = h.shape
        self.inputs, self.D, self.filled = inputs.unbind(0), inputs.shape[2], -1
        self.slots = [h.new_ones(R, self.H + self.D + 1, B) for _ in range(2)]
        self.slots[0][:, : self.H] = h

    def __getitem__(self, t: int) -> Tensor:
        slot = self.slots[t % 2]
        if self.filled < t < len(self.inputs):
            slot[:, self.H : self.H + self.D] = self.inputs[t]
            self.filled = t
        return slot


def series(keep: bool, T: int, like: Tensor, rows: int) -> list[Tensor]:
    """T buffers (R, rows, B), or one buffer T times where nothing has to be kept."""
    R, _, B = like.shape
    if keep:
        return list(like.new_empty(T, R, rows, B).unbind(0))
    return [like.new_empty(R, rows, B)] * T


def start(ctx: Any, inputs: Tensor, h: Tensor) -> tuple[bool, Columns]:
    """Whether gradients will be asked for, and the columns that fit."""
    ctx.set_materialize_grads(False)
    keep = any(ctx.needs_input_grad)
    return keep, kept_columns(inputs, h) if keep else StreamedColumns(inputs, h)


def at_steps(grad: Tensor | None, steps: Sequence[int]) -> dict[int, Tensor]:
    """The gradient of the hidden states by step."""
    return {} if grad is None else dict(zip(steps, grad.unbind(0)))


def as_input(dx: Tensor | None, shape: torch.Size) -> Tensor | None:
    """Summed over replicates where all of them read the same sequences."""
    if dx is None or shape[1] == dx.shape[1]:
        return dx
    return dx.sum(dim=1, keepdim=True)
