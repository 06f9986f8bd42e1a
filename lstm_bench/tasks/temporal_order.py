"""The temporal order problem: two far-apart symbols, and which came first."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_bench.tasks.base import Batch, Task, final_step_mask, one_hot


@dataclass(frozen=True)
class TemporalOrder(Task):
    """Two relevant symbols among distractors; the class is which two, in which order.

    An X or a Y stands at a place drawn from [T/10, 2T/10), another from [5T/10, 6T/10); all other
    steps show a distractor a, b, c or d. At the end the network names one of four classes.

        d X b a c Y a d b c        -> XY (class 1 of XX, XY, YX, YY)

    Without memory the four classes are equally likely: cross-entropy ln 4, accuracy 1/4. Solved
    when less than 1 % of the sequences are misclassified, as in the paper.

    The form is that of Pascanu et al. with fixed T. Hochreiter & Schmidhuber (1997, Exp. 6a) add
    start and end symbols and let the length vary by 10 %.
    """

    name = "temporal_order"
    loss = "cross_entropy"
    score_name = "accuracy"
    solved_score = 0.99
    shortest = 10
    citation = (
        "Pascanu, Mikolov & Bengio (2013), On the difficulty of training recurrent neural "
        "networks, sec. 4.1; after Hochreiter & Schmidhuber (1997), Long Short-Term Memory, Exp. 6a"
    )
    formula = r"y = 2\,[s_i = Y] + [s_j = Y], \quad i \in [T/10, T/5),\ j \in [T/2, 3T/5)"

    inputs = 6
    outputs = 4

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        rows = np.arange(batch)
        tokens = rng.integers(2, 6, (batch, T))
        first = rng.integers(T // 10, 2 * T // 10, batch)
        second = rng.integers(5 * T // 10, 6 * T // 10, batch)
        order = rng.integers(0, 2, (batch, 2))
        tokens[rows, first] = order[:, 0]
        tokens[rows, second] = order[:, 1]
        targets = np.zeros((batch, T), dtype=np.int64)
        targets[:, -1] = 2 * order[:, 0] + order[:, 1]
        return Batch(one_hot(tokens, 6), targets, final_step_mask(batch, T))

    def relevance(self, batch: Batch) -> np.ndarray:
        return batch.inputs[..., :2].max(axis=-1) > 0  # X or Y

    def memoryless(self, batch: Batch) -> np.ndarray:
        return np.zeros((*batch.targets.shape, self.outputs), dtype=np.float32)

    def chance_loss(self, T: int) -> float:
        return float(np.log(4))

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        return float((outputs.argmax(axis=-1) == batch.targets).mean())
