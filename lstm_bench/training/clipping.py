"""Gradient clipping, each replicate by its own gradient.

In single precision the squares of a norm overflow from a norm of 1.8e19 on, which the gradient of a
network that explodes passes long before a number of it is infinite. Clipped, such a gradient still
says where to go: its norm is taken of the gradient over its largest number.
"""

from __future__ import annotations

import torch
from torch import Tensor

from lstm_bench.errors import unknown


def clip(gradient: Tensor, how: str, limit: float) -> Tensor:
    """Clip flat gradients (R, size) in place; returns the norms (R,) before clipping.

    `norm` scales a replicate's gradient to norm `limit` when it is longer (Pascanu et al. 2013),
    `value` clamps each number to +-limit, `none` leaves all as it is. Norms are finite where all
    numbers are. Raises BenchError for others.
    """
    norms, largest = torch.linalg.vector_norm(gradient, dim=1), torch.ones(())
    overflown = torch.isinf(norms)
    scaled = gradient
    if gradient.is_cuda or overflown.any():  # on a GPU asking would wait for it
        largest = torch.where(overflown, gradient.abs().amax(dim=1), 1.0)
        scaled = gradient / largest.unsqueeze(1)  # by 1, where nothing overflows
        norms = torch.where(overflown, torch.linalg.vector_norm(scaled, dim=1), norms)
    if how == "norm":
        factors = limit / norms.maximum(limit / largest)
        torch.mul(scaled, factors.unsqueeze(1), out=gradient)
    elif how == "value":
        gradient.clamp_(-limit, limit)
    elif how != "none":
        raise unknown("clip", how, ("norm", "value", "none"))
    return (norms * largest).clamp(max=torch.finfo(norms.dtype).max)
