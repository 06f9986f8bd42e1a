"""The losses tasks name, per replicate."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus


def squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """(R, k, N) and (R, k, N) to (R, N): the mean over the k outputs."""
    return (outputs - targets).square().mean(dim=1)


def cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Logits (R, k, N) and classes (R, N) to (R, N)."""
    return -torch.log_softmax(outputs, dim=1).gather(1, targets.unsqueeze(1)).squeeze(1)


def binary_cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    """Logits (R, k, N) and values in [0, 1] (R, k, N) to (R, N): the mean over the k outputs."""
    return (softplus(outputs) - targets * outputs).mean(dim=1)


REDUCTIONS = ("mean", "sum")


def summed(kind: str, outputs: int, asked: float) -> float:
    """What turns a mean over `outputs` and `target_steps` steps a sequence into the sum; see
    `Training`.

    Half the sum of a squared error, whose derivative is then y - t; the whole sum of the others.
    """
    return asked * {"squared_error": outputs / 2, "binary_cross_entropy": outputs}.get(kind, 1)


LOSSES = {
    "squared_error": squared_error,
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
}


def replicate_losses(kind: str, outputs: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """(R,) weighted means; `weights` (R, N) sum to 1 for each replicate."""
    return (LOSSES[kind](outputs, targets) * weights).sum(dim=1)
