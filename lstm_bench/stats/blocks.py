"""Intervals of losses whose items follow each other in time: over seeds and over the data.

Losses of neighbouring items (windows of a series, pieces of a text) depend on each other, so that
the data are resampled in contiguous blocks: Künsch (1989, The Annals of Statistics 17:1217), on a
circle as in Politis & Romano (1992). The length of a block is the cube root of the number of items,
the order that is best for a variance (Hall, Horowitz & Jing 1995), and at least as many items as
overlap. Every network and baseline is seen on the same blocks, so that their ratios are paired.

The variance over seeds and that over blocks add. Few seeds, or few blocks, make it uncertain: the
interval is Student's with Welch and Satterthwaite's degrees of freedom. Simulated coverage of a
95 % interval of a ratio (1,500 items, an autoregression of 0.7, blocks of 16, five seeds): 0.91
where the data alone vary, 0.93 where both do, 0.94 where seeds dominate (300 runs each). Items
taken as independent cover less than 0.75; tests/unit/stats/test_blocks.py repeats both.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy

from lstm_bench.stats.intervals import LEVEL

RESAMPLES = 1000
FEWEST = 3  # blocks: of fewer no variance is told


@dataclass(frozen=True)
class Estimate:
    """A number with its interval; NaN ends where there is none.

    data   the share of its variance that is the data's, from 0 to 1; the rest is the seeds'
    """

    value: float
    low: float
    high: float
    data: float

    def named(self, name: str) -> dict[str, float]:
        """Columns `name`, `name`_low, `name`_high and `name`_data."""
        ends = {"": self.value, "_low": self.low, "_high": self.high, "_data": self.data}
        return {f"{name}{end}": value for end, value in ends.items()}


@dataclass(frozen=True, eq=False)
class Items:
    """The items of a test part in the order of time, and the blocks they are resampled in.

    weights   (N,) how many answers each item has
    overlap   how many items in a row share inputs; 1 where none do
    """

    weights: np.ndarray
    overlap: int = 1

    @property
    def length(self) -> int:
        """Items of a block."""
        count = len(self.weights)
        return min(count, max(int(np.ceil(count ** (1 / 3))), self.overlap))

    @property
    def blocks(self) -> int:
        """Blocks of a resample."""
        return max(1, round(len(self.weights) / self.length))

    @cached_property
    def starts(self) -> np.ndarray:
        """(resamples, blocks) the first item of each block; the same for every loss."""
        rng = np.random.default_rng(0)
        return rng.integers(0, len(self.weights), (RESAMPLES, self.blocks))

    def mean(self, losses: np.ndarray) -> np.ndarray:
        """Losses (..., N), NaN where an item was not measured, to their weighted means (...)."""
        known = np.isfinite(losses)
        return np.where(known, losses, 0) @ self.weights / (known @ self.weights)

    def ratio(self, losses: np.ndarray, others: np.ndarray) -> Estimate:
        """The mean of losses over that of others, on the items that both have.

        Each is (N,) of an answer without seeds, or (S, N) by seed, in the same order: a seed that
        one of them lacks, a row of NaN, is left out of both.
        """
        losses, others = _with_the_same_seeds(losses, others)
        both = np.isfinite(_over_seeds(losses)) & np.isfinite(_over_seeds(others))
        first, second = (np.where(both, each, np.nan) for each in (losses, others))
        above, below = self.mean(first), self.mean(second)
        value = float(above.mean() / below.mean())
        weights = np.where(both, self.weights, 0)
        resampled = self._sums(_over_seeds(first), weights) / self._sums(
            _over_seeds(second), weights
        )
        by_seed = (above - value * below) / below.mean()  # the ratio made linear at its value
        return self._estimate(value, resampled, by_seed)

    def level(self, losses: np.ndarray) -> Estimate:
        """The mean of losses."""
        return self.ratio(losses, np.ones(len(self.weights)))

    def _sums(self, losses: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """(resamples,) the weighted sum of losses (N,) in the blocks of each resample."""
        weighted = np.where(weights > 0, losses, 0) * weights
        total = np.concatenate([[0.0], np.cumsum(np.concatenate([weighted, weighted]))])
        return (total[self.starts + self.length] - total[self.starts]).sum(axis=1)

    def _estimate(self, value: float, resampled: np.ndarray, by_seed: np.ndarray) -> Estimate:
        seeds, n = 0.0, np.size(by_seed)
        if by_seed.ndim:
            seeds = float(by_seed.var(ddof=1) / n) if n > 1 else np.nan
        data = float(resampled.var(ddof=1)) if self.blocks >= FEWEST else np.nan
        total = seeds + data
        if np.isnan(total) or total == 0:
            end = np.nan if np.isnan(total) else value
            return Estimate(value, end, end, np.nan)
        spread = seeds**2 / max(n - 1, 1) + data**2 / (self.blocks - 1)
        half = scipy.stats.t.ppf((1 + LEVEL) / 2, total**2 / spread) * np.sqrt(total)
        return Estimate(value, value - half, value + half, data / total)


def _with_the_same_seeds(losses: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = [np.isfinite(each).any(axis=1) for each in (losses, others) if each.ndim == 2]
    rows = np.logical_and.reduce(known) if known else None
    first, second = (each[rows] if each.ndim == 2 else each for each in (losses, others))
    return first, second


def _over_seeds(losses: np.ndarray) -> np.ndarray:
    return losses.mean(axis=0) if losses.ndim == 2 else losses
