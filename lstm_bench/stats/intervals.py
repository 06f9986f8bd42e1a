"""Bootstrap intervals of means, interquartile means and their differences, by scipy.

With few replicates the percentile interval is too narrow twice over: the spread of a resample is
that of the sample with divisor n, and its tails are those of a normal distribution. Hesterberg
(2015, The American Statistician 69:371, "expanded percentile") widens the level so that for the
mean of normal data it equals the t interval:

    alpha'/2 = Phi(-sqrt(n / (n - 1)) t_{1 - alpha/2, n - 1})

Simulated coverage chose it, over four shapes of differences, mean (minimum) at n = 5, 10, 20:

    expanded    0.92 (0.91)   0.94 (0.93)   0.95 (0.94)
    percentile  0.84 (0.81)   0.89 (0.88)   0.93 (0.91)
    BCa         0.84 (0.80)   0.88 (0.86)   0.91 (0.89)

For the difference of interquartile means the plain percentile interval covers 0.95 to 0.96 from
n = 10 on, the expanded one 0.98. tests/unit/stats/test_intervals.py repeats the comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy

LEVEL = 0.95
RESAMPLES = 2000
FEWEST = 5  # below this a mean has Student's interval: resamples of so few are too alike
METHODS = ("expanded", "percentile", "bca")


def iqm(values: Any, axis: int = -1) -> Any:
    """The interquartile mean: of the middle half of the values, a quarter cut off at either end."""
    return scipy.stats.trim_mean(values, 0.25, axis=axis)


def expanded_level(n: int, level: float = LEVEL) -> float:
    """The level at which a percentile interval of n values has the length of a t interval."""
    t = scipy.stats.t.ppf((1 + level) / 2, n - 1)
    return float(1 - 2 * scipy.stats.norm.sf(np.sqrt(n / (n - 1)) * t))


def interval(
    samples: Sequence[Any],
    statistic: Callable[..., Any] = np.mean,
    level: float = LEVEL,
    method: str = "expanded",
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> tuple[Any, Any]:
    """The interval of `statistic(*samples, axis=-1)`, each sample resampled by itself (stratified).

    samples   arrays (..., n); leading axes are problems of their own. With several samples the
              smallest n sets the expansion
    Raises ValueError for a sample of fewer than two values.
    """
    sized = [np.asarray(sample, dtype=float) for sample in samples]
    fewest = min(sample.shape[-1] for sample in sized)
    if fewest < 2:
        raise ValueError(f"an interval needs two values or more, not {fewest}")
    found = scipy.stats.bootstrap(
        sized,
        statistic,
        n_resamples=resamples,
        vectorized=True,
        axis=-1,
        confidence_level=expanded_level(fewest, level) if method == "expanded" else level,
        method="bca" if method == "bca" else "percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return found.low, found.high


def mean_of_strata(*strata: Any, axis: int = -1) -> Any:
    """The mean of the strata's means: every stratum counts alike, however many values it has."""
    return sum(np.mean(stratum, axis=axis) for stratum in strata) / len(strata)


def difference(statistic: Callable[..., Any] = np.mean) -> Callable[..., Any]:
    """A statistic of the first sample less that of the second; the two are resampled apart."""

    def of(first: Any, second: Any, axis: int = -1) -> Any:
        return statistic(first, axis=axis) - statistic(second, axis=axis)

    return of
