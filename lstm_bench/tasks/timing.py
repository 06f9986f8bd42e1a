"""Precise timing: measure the delay between spikes, or make spikes at given delays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lstm_bench.errors import BenchError
from lstm_bench.tasks.base import CERTAIN, Batch, Task, one_hot
from lstm_bench.tasks.support import as_logits, at_least, entropy, one_of


@dataclass(frozen=True)
class Timing(Task):
    """Tell intervals of T steps from those of T + 1, with spikes or for spikes.

    Spikes come at T(n) = T(n-1) + F + I(n), n = 1 ... `intervals`, with F = T (the length of this
    task is the shortest interval) and I(n) uniform on 0 ... `choices` - 1. T(0) is uniform on
    0 ... F - 1, so that a clock tells little. `variant` says what is asked:

    - measure (MSD): the input is 1 at T(0), T(1) ...; at T(1), T(2) ... the class I(n) is asked.
    - generate (GTS): the input names I(n) once, in the step after T(n-1), one-hot; the target is
      class 1 (spike) at T(1), T(2) ... and 0 at all other steps, and every step is asked.

        measure    input    . 1 . . . 1 . . . . 1 . . .      T=4, intervals=2, I=0,1
                   target             0         1
        generate   input    . . A . . . B . . . . . . .      A: I=0, B: I=1
                   target   0 0 0 0 0 1 0 0 0 0 1 0 0 0

    A sequence has T + `intervals` (T + choices - 1) steps. The loss is the cross-entropy. Without
    memory the best answer knows the clock: with p_n(t) the chance that the n-th spike is at t,
    p_n(t) = mean over i of p_{n-1}(t - F - i), the chance loss of measure is that of i given t
    under the weights sum over n of p_{n-1}(t - F - i), a little below ln(choices); that of generate
    is the mean over t of H(sum over n > 0 of p_n(t)), H the binary entropy. The optimal loss is 0.
    The score of measure is its accuracy, that of generate the share of intervals with a spike at
    their end and none before. Solved when less than 1 % are wrong.

    The recurrences and the two tasks are those of Gers et al.; here they come in sequences with a
    reset and a random first spike, not as an endless stream that ends at the first error, and
    classes stand for their one real output (|error| < 0.49). How their GTS shows I(n) is known
    second-hand only. Their F is 10 and more, I(n) is 0 or 1.
    """

    variant: str = "measure"
    intervals: int = 3
    choices: int = 2

    name = "timing"
    loss = "cross_entropy"
    score_name = "intervals right"
    solved_score = 0.99
    shortest = 2
    citation = (
        "Gers, Schraudolph & Schmidhuber (2002), Learning Precise Timing with LSTM Recurrent "
        "Networks, JMLR 3"
    )
    formula = r"T(n) = T(n-1) + F + I(n), \quad F = T,\ I(n) \sim U\{0 \ldots c-1\}"
    presets: ClassVar = {
        "gers2002_msd": {"variant": "measure"},
        "gers2002_gts": {"variant": "generate"},
    }

    def __post_init__(self) -> None:
        one_of(self, variant=("measure", "generate"))
        at_least(self, intervals=1, choices=2)

    def require(self, T: int) -> None:
        """Also with T < choices, where a spike would not tell to which interval it belongs."""
        super().require(T)
        if self.choices > T:
            raise BenchError(
                f"lengths: T={T} is too short for task 'timing' with choices={self.choices}; "
                f"it needs T >= {self.choices}."
            )

    @property
    def inputs(self) -> int:
        return 1 if self.variant == "measure" else self.choices

    @property
    def outputs(self) -> int:
        return self.choices if self.variant == "measure" else 2

    def steps(self, T: int) -> int:
        return T + self.intervals * (T + self.choices - 1)

    def target_steps(self, T: int) -> tuple[int, ...]:
        return tuple(range(T if self.variant == "measure" else 0, self.steps(T)))

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        L, rows = self.steps(T), np.arange(batch)[:, None]
        delays = rng.integers(0, self.choices, (batch, self.intervals))
        start = rng.integers(0, T, (batch, 1))
        spikes = np.cumsum(np.concatenate([start, T + delays], axis=1), axis=1)
        inputs = np.zeros((batch, L, self.inputs), dtype=np.float32)
        targets = np.zeros((batch, L), dtype=np.int64)
        if self.variant == "generate":
            inputs[rows, spikes[:, :-1] + 1, delays] = 1
            targets[rows, spikes[:, 1:]] = 1
            return Batch(inputs, targets, np.ones((batch, L), dtype=np.float32))
        inputs[rows, spikes, 0] = 1
        targets[rows, spikes[:, 1:]] = delays
        mask = np.zeros((batch, L), dtype=np.float32)
        mask[rows, spikes[:, 1:]] = 1
        return Batch(inputs, targets, mask)

    def memoryless(self, batch: Batch) -> np.ndarray:
        T = self._T(batch)
        chances = self._given_the_clock(self._delays(T)) if self._measures else self._spikes(T)
        return as_logits(np.broadcast_to(chances, (*batch.mask.shape, self.outputs)))

    def chance_loss(self, T: int) -> float:
        if not self._measures:
            return float(entropy(self._spikes(T)).mean())
        weights = self._delays(T)
        surprise = entropy(self._given_the_clock(weights))
        return float((weights.sum(axis=1) * surprise).sum() / self.intervals)

    @property
    def _measures(self) -> bool:
        return self.variant == "measure"

    def _T(self, batch: Batch) -> int:
        L, n = batch.mask.shape[1], self.intervals
        return (L - n * (self.choices - 1)) // (n + 1)

    def _times(self, T: int) -> np.ndarray:
        """(intervals + 1, L): p_n(t), the chance that spike n is at step t."""
        p = np.zeros((self.intervals + 1, self.steps(T)))
        p[0, :T] = 1 / T
        for n in range(1, self.intervals + 1):
            for i in range(self.choices):
                p[n, T + i :] += p[n - 1, : -T - i] / self.choices
        return p

    def _delays(self, T: int) -> np.ndarray:
        """(L, choices): the chance that a spike is at step t and the delay it ends is i."""
        before = self._times(T)[:-1].sum(axis=0)
        weights = np.zeros((len(before), self.choices))
        for i in range(self.choices):
            weights[T + i :, i] = before[: -T - i] / self.choices
        return weights

    def _given_the_clock(self, weights: np.ndarray) -> np.ndarray:
        """Weights to chances; where nothing weighs nothing is asked, and any answer will do."""
        total = weights.sum(axis=-1, keepdims=True)
        return np.where(total > 0, weights / np.where(total > 0, total, 1), 1 / self.choices)

    def _spikes(self, T: int) -> np.ndarray:
        """(L, 2): the chances of no spike and of a spike."""
        spike = self._times(T)[1:].sum(axis=0)
        return np.stack([1 - spike, spike], axis=-1)

    def window(self, batch: Batch, k: int) -> np.ndarray | None:
        """Of measure: certain with the last spike in sight, else the longer delays by the clock."""
        if not self._measures:
            return None
        T = self._T(batch)
        unseen = np.arange(self.choices) + T >= k
        logits = as_logits(self._given_the_clock(self._delays(T) * unseen))
        logits = np.repeat(logits[None], len(batch.inputs), axis=0)
        for i in np.flatnonzero(~unseen):
            seen = batch.inputs[:, : -T - i, 0] > 0
            certain = one_hot(np.array(i), self.choices) * np.float32(CERTAIN)
            logits[:, T + i :][seen] = certain
        return logits

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        right = outputs.argmax(axis=-1) == batch.targets
        if self._measures:
            return float(right[batch.mask > 0].mean())
        ends = np.cumsum(batch.targets, axis=1)
        interval = ends - batch.targets  # spikes before this step; at `intervals` all is over
        wrong = np.zeros((len(right), self.intervals + 1), dtype=np.int64)
        np.add.at(wrong, (np.arange(len(right))[:, None], interval), ~right)
        return float((wrong[:, :-1] == 0).mean())
