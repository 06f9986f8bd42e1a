"""N-grams of characters or words with interpolated Kneser-Ney smoothing.

nltk's works object by object in Python, which a megabyte of characters is too much for, and KenLM
is a C++ program to be built; counting by sorted codes is a page of numpy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from lstm_bench.experiments.baselines.base import Baseline
from lstm_bench.tasks.from_file import spans
from lstm_bench.tasks.text import Text

LONGEST = 8
MOST_CODES = 2**62  # an n-gram is one integer, its characters the digits


def text_baselines(task: Text, T: int, size: int) -> Iterator[Baseline]:
    """The n-grams whose order does best on validation."""
    tokens = task.tokens
    codes, classes = tokens.codes, tokens.classes
    train = codes[slice(*spans(len(codes), gap=0)["train"])]
    at = {
        split: task.target_rows(T, split, task.places(T, split, size))
        for split in ("validation", "test")
    }
    scored: dict[int, float] = {}
    for n in orders(classes):
        scored[n] = -np.log(KneserNey.fit(train, classes, n).at(codes, at["validation"])).mean()
    best = min(scored, key=lambda n: scored[n])
    chances = KneserNey.fit(train, classes, best).at(codes, at["test"])
    losses = -np.log(chances).reshape(-1, len(task.target_steps(T))).mean(axis=1)
    yield Baseline("n-grams", losses, f"{best}-grams")


def orders(classes: int) -> list[int]:
    """The n that are tried: those of which an n-gram is one integer."""
    return [n for n in range(1, LONGEST + 1) if classes**n < MOST_CODES]


@dataclass(frozen=True, eq=False)
class Counts:
    """N-grams (m,) as sorted codes with their counts, and their contexts (k,) with two sums.

    total     counts of all n-grams that begin with the context
    followers how many different ones there are
    """

    grams: np.ndarray
    counts: np.ndarray
    contexts: np.ndarray
    total: np.ndarray
    followers: np.ndarray
    discount: float

    @classmethod
    def of(cls, grams: np.ndarray, counts: np.ndarray, classes: int) -> Counts:
        """`grams` are sorted and each is there once."""
        contexts, first = np.unique(grams // classes, return_index=True)
        ones, twos = ((counts == n).sum() for n in (1, 2))
        # Ney, Essen & Kneser (1994): D = n1 / (n1 + 2 n2)
        discount = float(ones / (ones + 2 * twos)) if ones else 0.5
        total = np.add.reduceat(counts, first)
        followers = np.diff([*first, len(grams)])
        return cls(grams, counts, contexts, total, followers, discount)


@dataclass(frozen=True, eq=False)
class KneserNey:
    """Chances of the next character; `orders` has the counts of 1-grams, 2-grams ... n-grams.

    Kneser & Ney (1995), interpolated as in Chen & Goodman (1999), eq. 23: with context c,

        p(w | c) = max(N(c w) - D, 0) / N(c .) + D N1+(c .) / N(c .) p(w | c without its first)

    where N counts in the longest n-grams and, in the shorter ones, the different characters that
    come before. Below the 1-grams every class is equally likely.
    """

    classes: int
    orders: tuple[Counts, ...]

    @classmethod
    def fit(cls, train: np.ndarray, classes: int, n: int) -> KneserNey:
        """Of a text (rows,) of class numbers, for n-grams."""
        return cls.of(np.lib.stride_tricks.sliding_window_view(train, n), classes)

    @classmethod
    def of(cls, windows: np.ndarray, classes: int) -> KneserNey:
        """Of n-grams (rows, n), each as often as it is there, its last class the one asked for."""
        n = windows.shape[1]
        powers = classes ** np.arange(n - 1, -1, -1, dtype=np.int64)
        grams, counts = np.unique(windows.astype(np.int64) @ powers, return_counts=True)
        orders = [Counts.of(grams, counts, classes)]
        for length in range(n - 1, 0, -1):
            # each longer n-gram is there once: what is counted is the characters before
            grams, counts = np.unique(grams % classes**length, return_counts=True)
            orders.append(Counts.of(grams, counts, classes))
        return cls(classes, tuple(reversed(orders)))

    def at(self, codes: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The chances (rows,) of the characters at these rows of a text, given those before."""
        return self.chances(np.stack([codes[rows - i] for i in range(len(self.orders))], axis=1))

    def chances(self, newest_first: np.ndarray) -> np.ndarray:
        """(rows, n) class numbers, the asked one first and then those before it, to chances."""
        found = np.full(len(newest_first), 1 / self.classes)
        code = np.zeros(len(newest_first), np.int64)
        for length, counts in enumerate(self.orders, start=1):
            code = code + newest_first[:, length - 1].astype(np.int64) * self.classes ** (
                length - 1
            )
            total, followers = (
                _look_up(counts.contexts, values, code // self.classes)
                for values in (counts.total, counts.followers)
            )
            own = np.maximum(_look_up(counts.grams, counts.counts, code) - counts.discount, 0)
            seen = total > 0
            safe = np.where(seen, total, 1)
            smoothed = own / safe + counts.discount * followers / safe * found
            found = np.where(seen, smoothed, found)
        return found


def _look_up(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """The value of each wanted key, 0 where it is not there; keys are sorted."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, values[place], 0)
