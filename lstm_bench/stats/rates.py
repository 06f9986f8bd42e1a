"""Success rates, their intervals, and the length at which half of the replicates succeed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import scipy

LEVEL = 0.95


@cache
def wilson(successes: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """The Wilson score interval of a rate; (0, 1) where nothing was tried."""
    if n == 0:
        return 0.0, 1.0
    interval = scipy.stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)


@dataclass(frozen=True)
class Horizon:
    """T*, the length at which the share of solvers falls to one half, with its censoring.

    censored is "" when T* lies inside the grid, "above" when half or more still solve the longest
    length (T* is at least that) and "below" when fewer than half solve the shortest. `ends` says
    the same of low and of high: both may lie on one length and yet on different sides of it.
    """

    T: float
    low: float
    high: float
    censored: str
    ends: tuple[str, str]

    @property
    def shown(self) -> str:
        """`47`, `≥ 100`, `< 10`."""
        return _signed(self.T, self.censored)

    @property
    def interval(self) -> str:
        """`[32, ≥ 100]`, `[< 10, 12]`."""
        low, high = _signed(self.low, self.ends[0]), _signed(self.high, self.ends[1])
        return f"[{low}, {high}]"


def _signed(T: float, side: str) -> str:
    return {"": "", "above": "≥ ", "below": "< "}[side] + f"{T:.0f}"


def censored_interval(draws: Iterable[tuple[float, str]]) -> tuple[float, float, tuple[str, str]]:
    """The ends of the central interval of draws that are censored "below", "above" or not ("").

    The lengths alone do not say on which side of the grid an end lies: a grid of one length has
    both censored values there.
    """
    values, sides = zip(*draws)
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    low, high = np.quantile(values, tails)
    order = ("below", "", "above")
    places = np.quantile([order.index(side) for side in sides], tails, method="nearest")
    return float(low), float(high), (order[places[0]], order[places[1]])


def _crossing(lengths: np.ndarray, shares: np.ndarray, n: np.ndarray) -> tuple[float, str]:
    """Where a non-increasing fit of the shares against log T crosses one half."""
    fit = scipy.optimize.isotonic_regression(shares, weights=n, increasing=False).x
    if fit[-1] >= 0.5:
        return float(lengths[-1]), "above"
    if fit[0] < 0.5:
        return float(lengths[0]), "below"
    after = int(np.argmax(fit < 0.5))
    upper, lower = fit[after - 1], fit[after]
    part = (upper - 0.5) / (upper - lower)
    logs = np.log(lengths)
    return float(np.exp(logs[after - 1] + part * (logs[after] - logs[after - 1]))), ""


def horizon(
    lengths: Sequence[int], solved: Sequence[int], n: Sequence[int], resamples: int = 2000
) -> Horizon:
    """T* with an interval from Jeffreys posterior draws of the share at every length.

    Beta(k + 1/2, n - k + 1/2) also varies where all or none of the replicates solved, which a
    bootstrap would not. The interval knows nothing of the curve between two lengths of the grid,
    and never reaches beyond its ends, where T* is censored.
    """
    T, k, tried = (np.asarray(x, dtype=float) for x in (lengths, solved, n))
    point, censored = _crossing(T, k / tried, tried)
    rng = np.random.default_rng(0)
    draws = rng.beta(k + 0.5, tried - k + 0.5, (resamples, len(T)))
    low, high, ends = censored_interval(_crossing(T, draw, tried) for draw in draws)
    return Horizon(point, low, high, censored, ends)
