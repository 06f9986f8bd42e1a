"""Counting languages: a^n b^n and a^n b^n c^n, one symbol ahead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lstm_bench.tasks.base import Batch, Task, one_hot
from lstm_bench.tasks.support import as_logits


@dataclass(frozen=True)
class Counting(Task):
    """What the counting languages share: `letters` runs of one length n, n uniform on 1 ... N.

    Tokens are the letters 0, 1 ... and then, as input the start, as output the end. A string is
    start, n letters 0, n letters 1 ...; its targets are the same shifted by one, then the end.
    """

    letters: ClassVar[int]

    loss = "cross_entropy"
    score_name = "strings accepted"
    solved_score = 0.99

    @property
    def inputs(self) -> int:
        return self.letters + 1

    @property
    def outputs(self) -> int:
        return self.letters + 1

    def steps(self, T: int) -> int:
        return self.letters * self.longest(T) + 1

    def target_steps(self, T: int) -> tuple[int, ...]:
        return tuple(range(self.steps(T)))

    def longest(self, T: int) -> int:
        """N, the largest n whose string fits into T letters."""
        return T // self.letters

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        return self._batch(rng.integers(1, self.longest(T) + 1, batch), self.steps(T))

    def _batch(self, n: np.ndarray, L: int) -> Batch:
        tokens, targets, mask = self._strings(n, L)
        inputs = one_hot(tokens, self.inputs) * mask[..., None]
        legal = one_hot(targets, self.outputs) > 0
        legal[tokens == 0, :2] = True  # after any letter 0: another, or the first letter 1
        return Batch(inputs, np.where(mask > 0, targets, 0), mask, legal & (mask[..., None] > 0))

    def every_string(self, T: int) -> Batch:
        """One string of each run length n = 1 ... N, in that order."""
        return self._batch(np.arange(1, self.longest(T) + 1), self.steps(T))

    def _strings(self, n: np.ndarray, L: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Tokens, targets and mask (batch, L) of the strings with runs of n (batch,)."""
        t, n = np.arange(L), n[:, None]
        targets = np.minimum(t // n, self.letters)
        tokens = np.where(t > 0, np.minimum((t - 1) // n, self.letters), self.letters)
        return tokens, targets, (t <= self.letters * n).astype(np.float32)

    def memoryless(self, batch: Batch) -> np.ndarray:
        joint = self._joint((batch.mask.shape[1] - 1) // self.letters)
        chances = joint / joint.sum(axis=1, keepdims=True)
        return as_logits(np.broadcast_to(chances, (*batch.mask.shape, self.outputs)))

    def chance_loss(self, T: int) -> float:
        joint = self._joint(self.longest(T))
        chances = joint / joint.sum(axis=1, keepdims=True)
        surprise = -joint * np.log(np.where(joint > 0, chances, 1))
        return float(surprise.sum() / joint.sum())

    def _joint(self, N: int) -> np.ndarray:
        """(L, outputs): the number of n whose string has this target at this step."""
        n = np.arange(1, N + 1)
        _, targets, mask = self._strings(n, self.letters * N + 1)
        return np.einsum("nto,nt->to", one_hot(targets, self.outputs).astype(float), mask)

    def perfect(self, batch: Batch) -> np.ndarray:
        """Certain but within the first run, which ends at n = k with chance 1 / (N - k + 1)."""
        L = batch.inputs.shape[1]
        N = (L - 1) // self.letters
        read = batch.inputs[..., : self.letters].cumsum(axis=1)  # how many of each letter so far
        n, done = read[..., :1], read.sum(axis=-1, keepdims=True)
        run = np.minimum(done // np.maximum(n, 1), self.letters)
        chances = one_hot(run[..., 0].astype(int), self.outputs).astype(float)
        first = (done == n)[..., 0]
        stops = np.where(n > 0, 1 / np.maximum(N - n + 1, 1), 0)[first]
        chances[first] = 0
        chances[first, :2] = np.concatenate([1 - stops, stops], axis=-1)
        return as_logits(chances)

    def optimal_loss(self, T: int) -> float:
        """A string tells its n and nothing else: ln N nats, over its mean number of steps."""
        N = self.longest(T)
        return float(np.log(N) / (self.letters * (N + 1) / 2 + 1))

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        assert batch.legal is not None
        best = outputs.argmax(axis=-1)[..., None]
        right = np.take_along_axis(batch.legal, best, axis=-1)[..., 0] | (batch.mask == 0)
        return float(right.all(axis=1).mean())

    def accepted(self, outputs: np.ndarray, batch: Batch) -> np.ndarray:
        """(batch,) bool: whether each string is accepted."""
        rows = range(len(batch.inputs))
        return np.array([self.score(outputs[[r]], batch.rows([r])) == 1 for r in rows])


@dataclass(frozen=True)
class AnBn(Counting):
    """Read a^n b^n, predict the next symbol: count the a's, then count them off.

    T is the number of letters in the longest string: n is uniform on 1 ... N with N = T // 2. The
    start S comes first, and at each of the 2n + 1 steps the next symbol is asked, the last being
    the end E. Shorter strings are padded with zeros, where nothing is asked.

        input    S a a a b b b         T=10, N=5, n=3
        target   a a a b b b E
        legal    a a a a b b E
                   b b b

    After an a both a and b are right (legal); after a b the count decides between b and E. A string
    is accepted when the most active output is legal at every step; the score is the share of
    strings accepted, solved at 99 %. Gers & Schmidhuber ask more: each output beyond or below a
    threshold, as legal or not.

    The loss is the cross-entropy per symbol. Without memory the best answer knows at each step the
    share of strings with each next symbol: the chance loss is the sum over t and n of -ln p(y_t |
    t), by enumeration, over that of the steps. The perfect answer only lacks n: after k letters a
    the run ends with chance 1/(N - k + 1), and the optimal loss is ln N / (N + 2). Where a^N is
    read b is certain, but a is legal still.

    To test beyond N, evaluate the same weights on this task at a larger T: at 2T half of the
    strings have n > N, so that a network that counts to N and no further scores about 1/2 there.
    The paper trains on n up to 10 and more (T = 20), and its best networks count to about 1000,
    the average far less (both figures from memory).
    """

    name = "anbn"
    letters = 2
    shortest = 4
    citation = (
        "Gers & Schmidhuber (2001), LSTM Recurrent Networks Learn Simple Context-Free and "
        "Context-Sensitive Languages"
    )
    formula = r"S\, a^n\, b^n\, E, \quad n \sim U\{1 \ldots \lfloor T/2 \rfloor\}"
    presets: ClassVar = {"gers2001": {}}


@dataclass(frozen=True)
class AnBnCn(Counting):
    """Read a^n b^n c^n, predict the next symbol: count once, count off twice.

    As anbn with a third run: T is the number of letters in the longest string, n is uniform on
    1 ... N with N = T // 3, and the next symbol is asked at each of the 3n + 1 steps. The language
    is context-sensitive: a stack would be empty when the c's begin; two counters suffice.

        input    S a a b b c c         T=10, N=3, n=2
        target   a a b b c c E
        legal    a a a b c c E
                   b b

    Without memory the chance loss is found by enumeration as for anbn, and the optimal loss is
    ln N / (3(N + 1)/2 + 1), the entropy of n over the mean number of steps. The score is the share
    of strings accepted, solved at 99 %. To test beyond N, evaluate the same weights at a larger T.
    The paper trains on n up to 40 (T = 120), and its best networks count to about 500 (both figures
    from memory).
    """

    name = "anbncn"
    letters = 3
    shortest = 6
    citation = AnBn.citation
    formula = r"S\, a^n\, b^n\, c^n\, E, \quad n \sim U\{1 \ldots \lfloor T/3 \rfloor\}"
    presets: ClassVar = {"gers2001": {}}
