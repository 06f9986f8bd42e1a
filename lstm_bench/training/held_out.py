"""What replicates in training are measured on: validation, fresh confirmation, test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from lstm_bench.engine.network import Network
from lstm_bench.spec import Condition
from lstm_bench.tasks import Task
from lstm_bench.tasks.in_order import in_order
from lstm_bench.training.evaluation import (
    Chunk,
    chunks,
    draw,
    drawn_chunks,
    evaluate,
    joined,
    reference_losses,
)
from lstm_bench.training.stateful import evaluate_in_order
from lstm_bench.training.stopping import Progress

Measured = tuple[list[float], list[float]]  # loss and score of each row of weights


@dataclass
class HeldOut:
    """The held-out sequences of some seeds, in the order of the rows of weights."""

    condition: Condition
    task: Task
    network: Network
    device: torch.device
    backend: str
    sequences: list[Chunk] = field(default_factory=list)  # of validation, one replicate a row

    def draw_validation(self, replicates: Sequence[Progress]) -> None:
        """Draw the sequences that stopping reads, and measure the answer without memory on them."""
        c, batches = self.condition, []
        for p in replicates:
            size = c.training.validation_size
            batch = joined(list(draw(self.task, c.T, "validation", p.seed, size)))
            p.chance_loss, p.optimal_loss = reference_losses(self.task, batch)
            batches.append(batch)
        if batches and not c.training.stateful:
            self.sequences = list(chunks(self.task, c.T, batches, self.device))

    def keep(self, rows: Tensor) -> None:
        """Go on with the validation sequences of some of the replicates."""
        self.sequences = [chunk.keep(rows) for chunk in self.sequences]

    def validation(self, weights: Tensor) -> Measured:
        if self.condition.training.stateful:
            return self._in_order(weights, "validation", self.condition.training.validation_size)
        return evaluate(self.network, weights, self.task, self.sequences, self.backend)

    def confirmation(self, weights: Tensor, seed: int, size: int, attempt: int) -> float:
        """The score of one replicate on sequences that are new at every attempt."""
        return self._drawn(weights, "confirmation", [seed], size, attempt)[1][0]

    def test(self, weights: Tensor, seeds: Sequence[int]) -> Measured:
        """Read once, after training."""
        size = self.condition.training.test_size
        if self.condition.training.stateful:
            return self._in_order(weights, "test", size)
        return self._drawn(weights, "test", seeds, size)

    def _drawn(
        self, weights: Tensor, split: str, seeds: Sequence[int], size: int, attempt: int = 0
    ) -> Measured:
        held_out = drawn_chunks(
            self.task, self.condition.T, split, seeds, size, self.device, attempt=attempt
        )
        return evaluate(self.network, weights, self.task, held_out, self.backend)

    def _in_order(self, weights: Tensor, split: str, size: int) -> Measured:
        task, T = in_order(self.task), self.condition.T
        return evaluate_in_order(self.network, weights, task, T, split, size, self.backend)
