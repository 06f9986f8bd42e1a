"""The embedded Reber grammar: Hochreiter & Schmidhuber (1997), Experiment 1."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from lstm_bench.errors import BenchError
from lstm_bench.tasks import reber
from lstm_bench.tasks.base import Batch, Task, one_hot

SHARES = {"train": (0.0, 0.5), "validation": (0.5, 0.75), "test": (0.75, 1.0)}
FREQUENT = (
    6  # a string of at most so many binary choices, probability 1/64 or more, is for training
)


@dataclass(frozen=True)
class EmbeddedReber(Task):
    """Predict the next symbol of a string; the last but one is the same as the second.

    A string is B, T or P, a string of the Reber grammar, the same T or P again, and E. Where the
    grammar allows two symbols, each has probability 1/2. Every symbol but the first is predicted
    from those before it.

        input    B T B P V P S E T
        target   T B P V P S E T E
        or       P . T T V X . . .         (also legal)

    T is the greatest number of symbols predicted, so that a string has at most T + 1. Strings
    follow the grammar's law given that they are no longer: 90 % of its strings have at most 15
    symbols to predict, 98 % 20, 99.9 % 30, and all but 2 in a million 50. The shortest string has
    9 symbols, 8 to predict; the mean is 12. T >= 10 lets every arrow of the grammar occur.

    The loss is the cross-entropy, averaged over all symbols predicted. The best answer without
    memory, P(symbol | step), and the best with it, P(symbol | state, step), follow from the chain
    of grammar states; chance and optimal loss are their exact entropies. At T = 50 they are 1.2814
    and 0.4411 nats. A string is right when at every step the legal symbols have the greatest
    outputs; the score is the share of strings right. Solved means all of up to 10,000, as the
    paper asks. (It trains logistic outputs.)

    `disjoint` keeps training, validation and test strings apart, as the paper does: a string with
    probability 1/64 or more is always one for training, any other falls to training (1/2),
    validation (1/4) or test (1/4) by a hash of its symbols, equal for every seed. A set of 256
    random strings has nearly all of the former, so this is near the paper's law (test strings are
    those not in the training set). Validation and test then hold no frequent strings; chance loss
    and optimal loss are still those of the grammar's whole law, and the chance loss that stopping
    uses is measured on the validation strings. The paper's own setting: preset hochreiter1997,
    training.train_size 256, test_size 256.
    """

    disjoint: bool = False

    name = "embedded_reber"
    loss = "cross_entropy"
    score_name = "share of strings right"
    solved_score = 0.9999
    shortest = 10
    citation = "Hochreiter & Schmidhuber (1997), Long Short-Term Memory, sec. 5.1 (Experiment 1)"
    formula = r"P(x_{t+1} \mid x_0 \ldots x_t), \quad x_{n-2} = x_1 \in \{T, P\}"
    presets: ClassVar = {"hochreiter1997": {"disjoint": True}}

    inputs = len(reber.SYMBOLS)
    outputs = len(reber.SYMBOLS)

    def require(self, T: int) -> None:
        super().require(T)
        if self.disjoint and T < 20:
            raise BenchError(
                f"lengths: T={T} is too short for task 'embedded_reber' with disjoint; it needs "
                f"T >= 20, so that there are strings enough for three sets."
            )

    def target_steps(self, T: int) -> tuple[int, ...]:
        return tuple(range(T))

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        states, symbols = chain(T).draw(rng, batch)
        mask = states != reber.END
        tokens = np.zeros((batch, T), dtype=np.int64)  # the first is B, symbol 0
        tokens[:, 1:] = symbols[:, :-1]
        inputs, legal = one_hot(tokens, self.inputs, mask), reber.LEGAL.take(states, axis=0)
        return Batch(inputs, symbols * mask, mask.astype(np.float32), legal)

    def sample_split(self, rng: np.random.Generator, batch: int, T: int, split: str) -> Batch:
        if not self.disjoint:
            return self.sample(rng, batch, T)
        drawn = self.sample(rng, 2 * batch, T)
        rows = np.flatnonzero(in_split(drawn, split))
        while len(rows) < batch:
            more = self.sample(rng, 4 * batch, T)
            drawn = joined(drawn, more)
            rows = np.flatnonzero(in_split(drawn, split))
        return drawn.rows(rows[:batch])

    def memoryless(self, batch: Batch) -> np.ndarray:
        answer = reber.logits(chain(batch.mask.shape[1]).clock())
        return np.broadcast_to(answer, (len(batch.mask), *answer.shape)).copy()

    def perfect(self, batch: Batch) -> np.ndarray:
        law = chain(batch.mask.shape[1])
        states = law.states(batch.inputs.argmax(axis=-1))
        p = law.symbols_given(np.eye(reber.STATES)[states])
        return reber.logits(p, reber.LEGAL[states])

    def window(self, batch: Batch, k: int) -> np.ndarray:
        law = chain(batch.mask.shape[1])
        return reber.logits(law.window(batch.inputs.argmax(axis=-1), k))

    def chance_loss(self, T: int) -> float:
        return chain(T).chance_loss()

    def optimal_loss(self, T: int) -> float:
        return chain(T).optimal_loss()

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        """The share of strings in which the legal symbols are the most active at every step."""
        assert batch.legal is not None
        right = reber.legal_most_active(outputs, batch.legal)
        return float((right | (batch.mask == 0)).all(axis=1).mean())


chain = lru_cache(maxsize=64)(reber.once)


def joined(one: Batch, other: Batch) -> Batch:
    """The sequences of two batches, the first before the second."""
    assert one.legal is not None
    assert other.legal is not None
    return Batch(
        np.concatenate([one.inputs, other.inputs]),
        np.concatenate([one.targets, other.targets]),
        np.concatenate([one.mask, other.mask]),
        np.concatenate([one.legal, other.legal]),
    )


def in_split(batch: Batch, split: str) -> np.ndarray:
    """(batch,) bool, which strings belong to a split."""
    low, high = SHARES[split]
    place = string_hash(batch.targets, batch.mask)
    assert batch.legal is not None
    choices = (batch.legal.sum(axis=-1) == 2).sum(axis=1)
    place[choices <= FREQUENT] = 0
    return (low <= place) & (place < high)


def string_hash(targets: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """A number in [0, 1) for each string, the same on every machine and for every T."""
    h = np.full(len(targets), 0x243F6A8885A308D3, dtype=np.uint64)
    for t in range(int(mask.any(axis=0).sum())):
        new = (h ^ (targets[:, t] + 1).astype(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        h = np.where(mask[:, t] > 0, new ^ (new >> np.uint64(29)), h)
    return (h >> np.uint64(11)) / 2.0**53
