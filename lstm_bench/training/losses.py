"""The losses tasks name, per replicate."""

from __future__ import annotations

import torch
from torch import Tensor


def squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """(R, k, N) and (R, k, N) to (R, N): the mean over the k outputs."""
    return (outputs - targets).square().mean(dim=1)


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Logits (R, k, N) and classes (R, N) to (R, N)."""
    return -torch.log_softmax(outputs, dim=1).gather(1, targets.unsqueeze(1)).squeeze(1)


LOSSES = {"squared_error": squared_error, "cross_entropy": cross_entropy}


def replicate_losses(kind: str, outputs: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """(R,) weighted means; `weights` (R, N) sum to 1 for each replicate."""
    return (LOSSES[kind](outputs, targets) * weights).sum(dim=1)
