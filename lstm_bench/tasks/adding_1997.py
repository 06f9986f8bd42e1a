"""The adding problem as first published: Hochreiter & Schmidhuber (1997), Experiment 4."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lstm_bench.tasks import lengths
from lstm_bench.tasks.base import Batch, Task

TOLERANCE = 0.04
FIRST = 10  # the first mark falls on one of the first ten pairs


@dataclass(frozen=True)
class MarkedPairs(Task):
    """Pairs (value, mark) with two marks in the first half; Experiments 4 and 5 differ in the rest.

    `lowest` is the least value (the greatest is 1) and `lost` what a mark on the first pair counts.
    """

    lowest: ClassVar[float]
    lost: ClassVar[float]

    loss = "squared_error"
    score_name = "share within 0.04"
    shortest = 20
    presets: ClassVar = {"hochreiter1997": {}}

    inputs = 2
    outputs = 1

    @abstractmethod
    def combine(self, x1: np.ndarray, x2: np.ndarray) -> np.ndarray:
        """The target of two marked values."""

    def steps(self, T: int) -> int:
        return lengths.longest(T)

    def target_steps(self, T: int) -> tuple[int, ...]:
        return lengths.target_steps(T)

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        L, rows = self.steps(T), np.arange(batch)
        n = lengths.draw(rng, batch, T)
        values = rng.uniform(self.lowest, 1, (batch, L)).astype(np.float32)
        first = rng.integers(0, FIRST, batch)
        second = rng.integers(0, T // 2 - 1, batch)
        second += second >= first  # the first T/2 - 1 pairs that are still unmarked
        values[(first == 0) | (second == 0), 0] = self.lost
        target = self.combine(values[rows, first], values[rows, second])
        inputs = np.zeros((batch, L, 2), dtype=np.float32)
        inputs[..., 0] = values * lengths.inside(n, L)
        inputs[rows, first, 1] = inputs[rows, second, 1] = 1
        inputs[:, 0, 1] = inputs[rows, n - 1, 1] = -1
        mask = lengths.last_step_mask(n, L)
        return Batch(inputs, lengths.at_last_step(target[:, None], mask), mask)

    def p_lost(self, T: int) -> float:
        """The probability that one of the marks falls on the first pair."""
        return 1 / FIRST + (1 - 1 / FIRST) / (T // 2 - 1)

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        """The share of sequences with an absolute error below 0.04, the paper's `correct`."""
        right = np.abs(outputs - batch.targets)[..., 0] < TOLERANCE
        return float(right[batch.mask > 0].mean())


@dataclass(frozen=True)
class Adding1997(MarkedPairs):
    """Remember two marked numbers from the first half and output their scaled sum at the end.

    Each step shows a value in [-1, 1] and a mark of 1, 0 or -1. One of the first ten pairs is
    marked 1, then one of the first T/2 - 1 pairs still unmarked; the first and the last pair are
    marked -1, all others 0. The target is 0.5 + (X1 + X2) / 4. The length is uniform on T to 1.1 T,
    and the mark of -1 is what tells the end.

        value   .31 -.87  .05  .44 -.92  .60  .13 -.71
        mark    -1    1    0    1    0    0    0   -1     -> 0.5 + (-.87 + .44) / 4 = 0.3925

    A mark that falls on the first pair is lost: the pair stays marked -1 and its value is set to 0.
    The paper says so of X1; X2 is treated alike here. It happens with probability
    q = 1/10 + (9/10) / (T/2 - 1), never to both.

    Without memory the best answer is 0.5, with a mean squared error of Var(X) (2 - q) / 16 =
    (2 - q) / 48: 0.0392 at T = 100, not the 2/48 = 0.0417 of two marks that always count. Knowing
    the second number alone leaves (9/10) / 48. A window of the last k inputs adds the marked values
    it sees. A sequence is correct when the absolute error is below 0.04; solved when no more than 3
    of 2560 sequences are wrong, the worst trial the paper reports. The paper stops training when
    the mean error is below 0.01 and the last 2000 sequences were correct.

    This is another task than `adding`, whose values lie in [0, 1] and whose marks lie one in each
    half: never compare the two.
    """

    name = "adding_1997"
    citation = "Hochreiter & Schmidhuber (1997), Long Short-Term Memory, sec. 5.4 (Experiment 4)"
    formula = (
        r"y = 0.5 + (X_1 + X_2)/4, \quad X \sim U[-1, 1], \quad i_1 < 10,\ i_2 < T/2, "
        r"\quad T \leq n \leq 1.1\,T"
    )
    solved_score = 1 - 3 / 2560
    lowest = -1
    lost = 0

    def combine(self, x1: np.ndarray, x2: np.ndarray) -> np.ndarray:
        return 0.5 + (x1 + x2) / 4

    def relevance(self, batch: Batch) -> np.ndarray:
        return batch.inputs[..., 1] > 0

    def memoryless(self, batch: Batch) -> np.ndarray:
        return np.full_like(batch.targets, 0.5)

    def chance_loss(self, T: int) -> float:
        return (2 - self.p_lost(T)) / 48

    def window(self, batch: Batch, k: int) -> np.ndarray:
        """0.5 + a quarter of the marked values among the last k inputs; the others have mean 0."""
        values, marks = batch.inputs[..., 0].astype(np.float64), batch.inputs[..., 1]
        total = np.cumsum(values * (marks == 1), axis=1)
        seen = total.copy()
        seen[:, k:] -= total[:, :-k]
        return (0.5 + seen[..., None] / 4).astype(np.float32)

    def milestones(self, T: int) -> dict[str, float]:
        """Below 90 % of each plateau: no number known, the second number known."""
        return {"left_plateau_0": 0.9 * self.chance_loss(T), "left_plateau_1": 0.9 * 0.9 / 48}
