"""Continual embedded Reber strings: Gers, Schmidhuber & Cummins (2000)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from lstm_bench.tasks import reber
from lstm_bench.tasks.base import Batch, Task, one_hot


@dataclass(frozen=True)
class ContinualReber(Task):
    """Predict the next symbol of embedded Reber strings that follow each other without a break.

    The stream starts with the first B of a string (see `embedded_reber`); after its last E comes
    the B of the next one. T symbols are predicted, each from those before it, and the state is
    never reset within a stream.

        input    B T B P V P S E T E B P B T X S E P ..
        target   T B P V P S E T E B P B T X S E P E ..

    The loss is the cross-entropy, averaged over the T symbols. The best answer without memory,
    P(symbol | step), and the best with it, P(symbol | state), follow from the chain of grammar
    states; chance and optimal loss are their exact entropies.

    A prediction is right when the legal symbols have the greatest outputs, the criterion of
    `embedded_reber`, which does not depend on the scale of the outputs. (The paper's, as second
    hand notes have it: the squared error of every output is below 0.49, for logistic outputs.) The
    score is the number of predictions before the first wrong one, averaged over the streams and
    divided by T. Solved from 0.99.

    In the paper a stream has 100,000 symbols in a test, 10 such streams without error are `perfect`
    and a mean run above 1,000 is `good`; in training the stream goes on to the first error. Here
    each update reads streams of T symbols from a fresh state, so that T bounds how long a state
    may run unreset: choose it many times the length of a string (12 symbols on average).
    """

    name = "continual_reber"
    loss = "cross_entropy"
    score_name = "error-free share of a stream"
    solved_score = 0.99
    shortest = 10
    citation = (
        "Gers, Schmidhuber & Cummins (2000), Learning to Forget: Continual Prediction with LSTM"
    )
    formula = r"P(x_{t+1} \mid x_0 \ldots x_t), \quad x = w_1 w_2 w_3 \ldots"
    presets: ClassVar = {"gers2000": {}}

    inputs = len(reber.SYMBOLS)
    outputs = len(reber.SYMBOLS)

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        states, symbols = chain(T).draw(rng, batch)
        tokens = np.zeros((batch, T), dtype=np.int64)  # the first is B, symbol 0
        tokens[:, 1:] = symbols[:, :-1]
        legal = LEGAL.take(states, axis=0)
        return Batch(one_hot(tokens, self.inputs), symbols, np.ones((batch, T), np.float32), legal)

    def memoryless(self, batch: Batch) -> np.ndarray:
        answer = reber.logits(chain(batch.mask.shape[1]).clock())
        return np.broadcast_to(answer, (len(batch.mask), *answer.shape)).copy()

    def perfect(self, batch: Batch) -> np.ndarray:
        law = chain(batch.mask.shape[1])
        states = law.states(batch.inputs.argmax(axis=-1))
        return reber.logits(law.symbols_given(np.eye(reber.STATES)[states]))

    def window(self, batch: Batch, k: int) -> np.ndarray:
        return reber.logits(chain(batch.mask.shape[1]).window(batch.inputs.argmax(axis=-1), k))

    def chance_loss(self, T: int) -> float:
        return chain(T).chance_loss()

    def optimal_loss(self, T: int) -> float:
        return chain(T).optimal_loss()

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        """The mean number of predictions before the first wrong one, divided by T."""
        assert batch.legal is not None
        right = reber.legal_most_active(outputs, batch.legal)
        return float(np.logical_and.accumulate(right, axis=1).mean())


chain = lru_cache(maxsize=64)(reber.endless)
LEGAL = reber.LEGAL.copy()
LEGAL[reber.END] = reber.LEGAL[reber.START]
