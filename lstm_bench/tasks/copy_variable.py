"""The copy problem with a delay that differs between sequences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lstm_bench.tasks.base import CERTAIN, Batch, Task, one_hot
from lstm_bench.tasks.support import as_logits, at_least, entropy


@dataclass(frozen=True)
class CopyVariable(Task):
    """Read a string, wait as long as it takes, write the string when told to.

    As the copy problem with `length` symbols (K) out of `symbols` (S), but the delay D between
    reading a symbol and writing it is K + d with d uniform on 1 ... T in each sequence; T is the
    longest. The input is the string, d - 1 blanks, a delimiter, blanks up to T + 2K steps; the
    target is blank but for the K steps after the delimiter.

        input    b d a . . : . . . . . .      symbols=4, length=3, T=6, d=3
        target   . . . . . . b d a . . .

    A clock does not help to find the delimiter, so a network cannot count steps: it must wait. The
    loss is the cross-entropy averaged over all T + 2K steps. Without memory the best answer knows
    the share q_t = |{d : K + d <= t < 2K + d}| / T of sequences that write at step t, and guesses
    the symbol: the chance loss is the mean over t of H(q_t) + q_t ln S, with H the binary entropy.
    The optimal loss is 0. The score counts the recalled symbols only; chance is at most 1/S. Solved
    when less than 1 % of them are wrong.

    Tallec & Ollivier use K = 10, S = 8 and the longest delays 500 and 1000; whether their loss
    averages over the blanks after the string is not certain.
    """

    length: int = 3
    symbols: int = 4

    name = "copy_variable"
    loss = "cross_entropy"
    score_name = "recall accuracy"
    solved_score = 0.99
    shortest = 1
    citation = (
        "Tallec & Ollivier (2018), Can recurrent neural networks warp time?, sec. 3; "
        "after Arjovsky, Shah & Bengio (2016)"
    )
    formula = (
        r"y_{K+d+k} = x_k, \quad d \sim U\{1 \ldots T\}; \quad y = \mathrm{blank}\ \text{else}"
    )
    presets: ClassVar = {
        "small": {"length": 3, "symbols": 4},
        "tallec2018": {"length": 10, "symbols": 8},
    }

    def __post_init__(self) -> None:
        at_least(self, length=1, symbols=2)

    @property
    def inputs(self) -> int:
        return self.symbols + 2

    @property
    def outputs(self) -> int:
        return self.symbols + 1

    def steps(self, T: int) -> int:
        return T + 2 * self.length

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        K, blank, delimiter, steps = self.length, self.symbols, self.symbols + 1, self.steps(T)
        rows = np.arange(batch)
        string = rng.integers(0, self.symbols, (batch, K))
        d = rng.integers(1, T + 1, batch)
        tokens = np.full((batch, steps), blank)
        tokens[:, :K] = string
        tokens[rows, K + d - 1] = delimiter
        targets = np.full((batch, steps), blank)
        targets[rows[:, None], K + d[:, None] + np.arange(K)] = string
        return Batch(one_hot(tokens, self.inputs), targets, np.ones((batch, steps), np.float32))

    def memoryless(self, batch: Batch) -> np.ndarray:
        chances = self._chances(batch.targets.shape[1] - 2 * self.length)
        return as_logits(np.broadcast_to(chances, (*batch.targets.shape, self.outputs)))

    def chance_loss(self, T: int) -> float:
        return float(entropy(self._chances(T)).mean())

    def _chances(self, T: int) -> np.ndarray:
        """(L, outputs): what is written at each step, over all sequences."""
        t = np.arange(self.steps(T))
        writing = np.clip(t - self.length, 0, T) - np.clip(t - 2 * self.length, 0, T)
        return self._answers(writing / T)

    def _answers(self, q: np.ndarray) -> np.ndarray:
        """(...) chances of writing to (..., outputs): any symbol alike, else the blank."""
        symbols = np.repeat(q[..., None] / self.symbols, self.symbols, axis=-1)
        return np.concatenate([symbols, 1 - q[..., None]], axis=-1)

    def window(self, batch: Batch, k: int) -> np.ndarray:
        """Certain while the delimiter and the symbol are in sight; else by the clock.

        With the delimiter out of sight it is either yet to come (`ahead` places) or gone by
        (`past` places, in `writing` of which the string is still being written).
        """
        size, L = batch.targets.shape
        K, T, t = self.length, L - 2 * self.length, np.arange(L)
        tokens = batch.inputs.argmax(axis=-1)
        delimiter = (tokens == self.symbols + 1).argmax(axis=1)[:, None]
        ahead = np.clip(K + T - 1 - t, 0, T)
        past = np.clip(t - k - K + 1, 0, T)
        writing = past - np.clip(t - 2 * K, 0, past)
        chances = self._answers(writing / np.maximum(1, ahead + past))
        logits = as_logits(np.repeat(chances[None], size, axis=0))

        place = t - delimiter - 1
        told = (delimiter <= t) & (delimiter > t - k)
        logits[told] = as_logits(self._answers(((place >= 0) & (place < K))[told] * 1.0))
        known = told & (place >= 0) & (place < K) & (place > t - k)
        symbol = np.take_along_axis(tokens, np.clip(place, 0, K - 1), axis=1)
        logits[known] = one_hot(symbol[known], self.outputs) * np.float32(CERTAIN)
        return logits

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        recalled = batch.targets < self.symbols
        return float((outputs.argmax(axis=-1) == batch.targets)[recalled].mean())
