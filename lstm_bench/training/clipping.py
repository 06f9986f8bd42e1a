"""Gradient clipping, each replicate by its own gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from lstm_bench.errors import unknown


def clip(gradient: Tensor, how: str, limit: float) -> Tensor:
    """Clip flat gradients (R, size) in place; returns the norms (R,) before clipping.

    `norm` scales a replicate's gradient to norm `limit` when it is longer (Pascanu et al. 2013),
    `value` clamps each number to +-limit, `none` leaves all as it is. Raises BenchError for others.
    """
    norms = torch.linalg.vector_norm(gradient, dim=1)
    if how == "norm":
        gradient.mul_((limit / norms.clamp(min=limit)).unsqueeze(1))
    elif how == "value":
        gradient.clamp_(-limit, limit)
    elif how != "none":
        raise unknown("clip", how, ("norm", "value", "none"))
    return norms
