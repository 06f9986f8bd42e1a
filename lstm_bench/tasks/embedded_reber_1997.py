"""The embedded Reber grammar with the targets of the 1997 paper: one-hot, squared error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lstm_bench.tasks import reber
from lstm_bench.tasks.base import Batch, one_hot
from lstm_bench.tasks.embedded_reber import EmbeddedReber, chain

EPSILON = 1e-6  # of a symbol that is legal, and impossible since the string would be too long


@dataclass(frozen=True)
class EmbeddedReber1997(EmbeddedReber):
    """`embedded_reber` for output units in (0, 1): the same strings, one-hot targets.

        target   T B P V P S E T E         1 for the symbol that follows, 0 for the other six

    The loss is the squared error, averaged over the 7 outputs and all symbols predicted. The best
    answers are P(symbol | step) without memory and P(symbol | state, step) with it, so that chance
    loss and optimal loss are the means of (1 - sum p^2) / 7 under either: 0.0933 and 0.0455 at T =
    50. Score and criterion are those of `embedded_reber`.
    """

    name = "embedded_reber_1997"
    loss = "squared_error"
    formula = r"E = \frac{1}{7} \sum_k (y_k - [x_{t+1} = k])^2, \quad x_{n-2} = x_1"

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        return _one_hot(super().sample(rng, batch, T))

    def sample_split(self, rng: np.random.Generator, batch: int, T: int, split: str) -> Batch:
        strings = EmbeddedReber(self.disjoint)
        return _one_hot(strings.sample_split(rng, batch, T, split))

    def memoryless(self, batch: Batch) -> np.ndarray:
        answer = chain(batch.mask.shape[1]).clock().astype(np.float32)
        return np.broadcast_to(answer, (len(batch.mask), *answer.shape)).copy()

    def perfect(self, batch: Batch) -> np.ndarray:
        law = chain(batch.mask.shape[1])
        states = law.states(batch.inputs.argmax(axis=-1))
        p = law.symbols_given(np.eye(reber.STATES)[states])
        return np.where(reber.LEGAL[states], np.maximum(p, EPSILON), p).astype(np.float32)

    def window(self, batch: Batch, k: int) -> np.ndarray:
        law = chain(batch.mask.shape[1])
        return law.window(batch.inputs.argmax(axis=-1), k).astype(np.float32)

    def chance_loss(self, T: int) -> float:
        law = chain(T)
        spread = 1 - (law.clock() ** 2).sum(axis=-1)
        return float((law.asked * spread).sum() / law.asked.sum()) / self.outputs

    def optimal_loss(self, T: int) -> float:
        law = chain(T)
        spread = 2 * law.coin * (1 - law.coin)
        spread[:, reber.SYMBOL[:, 0] == reber.SYMBOL[:, 1]] = 0
        return float((law.reached * spread).sum() / law.asked.sum()) / self.outputs


def _one_hot(batch: Batch) -> Batch:
    targets = one_hot(batch.targets, len(reber.SYMBOLS), batch.mask > 0)
    return batch._replace(targets=targets)
