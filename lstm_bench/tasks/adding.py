"""The adding problem in its modern form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_bench.tasks.base import Batch, Task, final_step_mask


@dataclass(frozen=True)
class Adding(Task):
    """Remember two marked numbers and output their sum at the end.

    Each step shows a value and a mark. One mark stands in the first half of the sequence, one in
    the second, each at a uniform place; the target is the sum of the two marked values.

        value   .31 .87 .05 .44 .92 .60 .13 .71
        mark     0   1   0   0   0   1   0   0      -> .87 + .60 = 1.47

    Without memory the best answer is 1, with a mean squared error of Var(U + U) = 2/12 = 1/6 =
    0.1667 (Bai et al. 2018 print 0.1767, a typo that is often copied). Knowing one of the two
    numbers leaves Var(U) = 1/12, the second plateau. Solved when 94 % of the variance is
    explained, which is a mean squared error of 0.01.

    This is not the task of Hochreiter & Schmidhuber (1997), whose values lie in [-1, 1], whose
    marks lie both in the first half and whose length varies; never compare the two.
    """

    name = "adding"
    loss = "squared_error"
    score_name = "R²"
    solved_score = 0.94  # 6 % of the variance 1/6 is an MSE of 0.01
    citation = (
        "Arjovsky, Shah & Bengio (2016), Unitary Evolution Recurrent Neural Networks, sec. 4.2"
    )
    formula = r"y = v_i + v_j, \quad i < T/2 \leq j, \quad v \sim U[0, 1]"

    inputs = 2
    outputs = 1

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        half = T // 2
        values = rng.random((batch, T), dtype=np.float32)
        rows = np.arange(batch)
        first = rng.integers(0, half, batch)
        second = rng.integers(half, T, batch)
        inputs = np.zeros((batch, T, 2), dtype=np.float32)
        inputs[..., 0] = values
        inputs[rows, first, 1] = 1
        inputs[rows, second, 1] = 1
        targets = np.zeros((batch, T, 1), dtype=np.float32)
        targets[:, -1, 0] = values[rows, first] + values[rows, second]
        return Batch(inputs, targets, final_step_mask(batch, T))

    def memoryless(self, batch: Batch) -> np.ndarray:
        return np.ones_like(batch.targets)

    def chance_loss(self, T: int) -> float:
        return 1 / 6

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        """R² against the constant answer 1, clipped to [0, 1]; 0 at the chance loss.

        `outputs` and `batch` hold the target steps only.
        """
        targets = batch.targets.astype(np.float64)
        explained = 1 - ((outputs - targets) ** 2).mean() / ((targets - 1) ** 2).mean()
        return float(min(1.0, max(0.0, explained)))

    def relevance(self, batch: Batch) -> np.ndarray:
        return batch.inputs[..., 1] > 0

    def milestones(self, T: int) -> dict[str, float]:
        """MSE thresholds: 90 % of the plateaus 1/6 and 1/12 (no, one number known); then solved."""
        return {"left_plateau_1_6": 0.9 / 6, "left_plateau_1_12": 0.9 / 12, "mse_below_0_01": 0.01}
