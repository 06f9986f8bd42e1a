"""Loss and score of every replicate on held-out sequences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lstm_bench.cells.base import Params
from lstm_bench.engine import by_torch
from lstm_bench.engine.network import Network
from lstm_bench.engine.parameters import in_company
from lstm_bench.tasks import Batch, Task
from lstm_bench.training.data import Tensors, tensors
from lstm_bench.training.losses import replicate_losses

CHUNK = 128  # sequences at a time: the working set of a step stays in the cache


@dataclass(frozen=True)
class HeldOut:
    """A split, cut into chunks that are ready to run, each with its share of what is asked."""

    task: Task
    batch: Batch
    chunks: tuple[tuple[Tensors, float], ...]

    @classmethod
    def of(cls, task: Task, batch: Batch, device: torch.device) -> HeldOut:
        size = len(batch.inputs)
        parts = [batch.rows(slice(i, i + CHUNK)) for i in range(0, size, CHUNK)]
        steps = tuple(int(step) for step in batch.target_steps)
        asked = float(batch.mask.sum())
        chunks = ((tensors([p], steps, device), float(p.mask.sum()) / asked) for p in parts)
        return cls(task, batch, tuple(chunks))


def evaluate(
    network: Network, weights: Tensor, held_out: HeldOut, backend: str
) -> tuple[list[float], list[float]]:
    """Mean loss and score of each row of `weights` (R, size)."""
    asked, weights = len(weights), in_company(weights) if by_torch(backend) else weights
    params = Params(network.layout.views(weights))
    R, outputs = len(weights), []
    losses = weights.new_zeros(R)
    with torch.no_grad():
        for chunk, share in held_out.chunks:
            y = network.outputs_at(
                params, chunk.inputs, chunk.steps, backend=backend, size=chunk.size
            )
            targets = chunk.targets.expand(R, *chunk.targets.shape[1:])
            each = replicate_losses(held_out.task.loss, y, targets, chunk.weights.expand(R, -1))
            losses += each * share
            shaped = y.unflatten(2, (len(chunk.steps), -1))[..., : chunk.size]  # (R, k, S, B)
            outputs.append(shaped.permute(0, 3, 2, 1).cpu().numpy())
    asked_at = held_out.batch.at(held_out.batch.target_steps)
    answers = np.concatenate(outputs, axis=1)
    scores = [held_out.task.score(answers[r], asked_at) for r in range(asked)]
    return losses[:asked].tolist(), scores
