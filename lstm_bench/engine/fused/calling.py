"""What passes between torch and compiled code."""

from __future__ import annotations

import ctypes
import functools

import torch
from torch import Tensor


@functools.lru_cache(maxsize=64)
def as_tensor(steps: tuple[int, ...]) -> Tensor:
    return torch.tensor(steps, dtype=torch.int64)


def describe(view: ctypes.Structure, tensors: dict[str, Tensor | None]) -> ctypes.Structure:
    """The view with these tensors, which must outlive the call: it holds addresses only."""
    for name, tensor in tensors.items():
        if tensor is not None:
            assert tensor.is_contiguous(), name
            setattr(view, name, tensor.data_ptr())
    return view


def as_input(dx: Tensor | None, shape: torch.Size) -> Tensor | None:
    """Summed over replicates where all of them read the same sequences."""
    if dx is None or shape[1] == dx.shape[1]:
        return dx
    return dx.sum(dim=1, keepdim=True)


def summed(by_tile: Tensor) -> Tensor:
    """(R, tiles, ...) to (R, ...): in the tiles' order, whichever thread was first."""
    total = by_tile[:, 0]
    for tile in range(1, by_tile.shape[1]):
        total = total + by_tile[:, tile]
    return total
