"""State tracking: the running product of what has been read. Parity and sums modulo m."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lstm_bench.tasks.base import CERTAIN, Batch, Task, final_step_mask, one_hot
from lstm_bench.tasks.support import at_least


@dataclass(frozen=True)
class StateTracking(Task):
    """What parity, sums and words of groups share: T tokens, and the state after each."""

    final_only: bool = False

    loss = "cross_entropy"
    score_name = "accuracy"
    solved_score = 0.99
    shortest = 2

    @property
    @abstractmethod
    def tokens(self) -> int:
        """The number of tokens a step may show; each is equally likely."""

    @abstractmethod
    def track(self, tokens: np.ndarray) -> np.ndarray:
        """(batch, T) tokens to the states (batch, T) after each, from 0 ... outputs - 1."""

    def encode(self, tokens: np.ndarray) -> np.ndarray:
        return one_hot(tokens, self.tokens)

    def decode(self, inputs: np.ndarray) -> np.ndarray:
        return inputs.argmax(axis=-1)

    @property
    def inputs(self) -> int:
        return self.tokens

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        tokens = rng.integers(0, self.tokens, (batch, T))
        asked = np.ones((batch, T), np.float32)
        mask = final_step_mask(batch, T) if self.final_only else asked
        return Batch(self.encode(tokens), self.track(tokens), mask)

    def memoryless(self, batch: Batch) -> np.ndarray:
        return np.zeros((*batch.targets.shape, self.outputs), dtype=np.float32)

    def chance_loss(self, T: int) -> float:
        return float(np.log(self.outputs))

    def window(self, batch: Batch, k: int) -> np.ndarray:
        """Certain while no token has left the window; from then on any state is equally likely."""
        logits = self.memoryless(batch)
        states = self.track(self.decode(batch.inputs[:, :k]))
        logits[:, :k] = one_hot(states, self.outputs) * np.float32(CERTAIN)
        return logits

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        return float((outputs.argmax(axis=-1) == batch.targets).mean())


@dataclass(frozen=True)
class Parity(StateTracking):
    """Is the number of ones read so far odd?

    T bits, each 0 or 1 with equal chance; at every step the parity of all bits so far is asked.

        input    0 1 1 0 1 0 0 1
        target   0 1 0 0 1 1 1 0

    One wrong step makes all that follow wrong, and no window of the last k inputs, be it short of
    the whole by one, tells more than a coin (after step k). Without memory the cross-entropy is
    ln 2 and chance is 1/2; the optimal loss is 0. Solved when less than 1 % of the labels are
    wrong.

    With `final_only` the parity is asked at the last step alone. THAT IS HARD, and it is another
    task: there is no easy case that leads to it (no subset of the bits is correlated with the
    label), so gradient descent searches blindly: an LSTM that takes a few hundred updates with
    labels at every step is still at chance after 3000 here, at T = 6 as at T = 12. Published
    results of both kinds are called parity: say which one is meant.
    """

    name = "parity"
    citation = (
        "Minsky & Papert (1969), Perceptrons; as a label at the end: Hochreiter & Schmidhuber "
        "(1996), LSTM can solve hard long time lag problems; Beck et al. (2024), xLSTM"
    )
    formula = r"y_t = x_1 \oplus x_2 \oplus \ldots \oplus x_t"
    presets: ClassVar = {"beck2024": {"final_only": True}}

    inputs = 1
    outputs = 2
    tokens = 2

    def encode(self, tokens: np.ndarray) -> np.ndarray:
        return tokens[..., None].astype(np.float32)

    def decode(self, inputs: np.ndarray) -> np.ndarray:
        return inputs[..., 0].astype(np.int64)

    def track(self, tokens: np.ndarray) -> np.ndarray:
        return np.cumsum(tokens, axis=1) % 2


@dataclass(frozen=True)
class ModularSum(StateTracking):
    """The sum of all digits read so far, modulo m.

    T digits from 0 ... m - 1 (m is the option `modulus`), each equally likely; at every step the
    sum of all digits so far is asked, modulo m: the words of the cyclic group Z_m.

        input    3 4 0 2 4 1 1 3      modulus=5
        target   3 2 2 4 3 4 0 3

    Without memory the sum is uniform: the cross-entropy is ln m and chance is 1/m; so it is for a
    window of the last k inputs after step k. The optimal loss is 0. Solved when less than 1 % of
    the labels are wrong. With `final_only` the sum is asked at the last step alone, which is HARD
    for the reason given at the task parity. Deletang et al. (2023) have signs between the digits
    and ask at the end (Modular Arithmetic, m = 5); this is its sum-only form.
    """

    modulus: int = 5

    name = "modular_sum"
    citation = (
        "Merrill, Petty & Sabharwal (2024), The Illusion of State in State-Space Models; after "
        "Deletang et al. (2023), Neural Networks and the Chomsky Hierarchy, Modular Arithmetic"
    )
    formula = r"y_t = (x_1 + x_2 + \ldots + x_t) \bmod m"
    presets: ClassVar = {
        "deletang2023": {"modulus": 5, "final_only": True},
        "merrill2024_z60": {"modulus": 60},
    }

    def __post_init__(self) -> None:
        at_least(self, modulus=2)

    @property
    def tokens(self) -> int:
        return self.modulus

    @property
    def outputs(self) -> int:
        return self.modulus

    def track(self, tokens: np.ndarray) -> np.ndarray:
        return np.cumsum(tokens, axis=1) % self.modulus
