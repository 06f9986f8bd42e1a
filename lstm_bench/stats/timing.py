"""Medians of measured times, and how they grow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from lstm_bench.stats.rates import LEVEL


@dataclass(frozen=True)
class Median:
    """A median and an interval between two of its samples.

    coverage is the probability that the interval holds the true median: at least 95 % from six
    samples on; with fewer the interval is the whole range and covers less.
    """

    n: int
    value: float
    low: float
    high: float
    coverage: float


def median(samples: Sequence[float] | np.ndarray, level: float = LEVEL) -> Median:
    """By order statistics: of n samples the number below the median is binomial (n, 1/2).

    The interval is [x_(k), x_(n+1-k)] with the largest k whose coverage 1 - 2 P(X < k) reaches
    `level`. Nothing is assumed of the distribution but that samples are independent.
    """
    x = np.sort(np.asarray(samples, dtype=float))
    n = len(x)
    if n == 0:
        nothing = float("nan")
        return Median(0, nothing, nothing, nothing, 0.0)
    outside = 2 * scipy.stats.binom.cdf(np.arange(n // 2 + 1) - 1, n, 0.5)  # for k = 0, 1, ...
    fitting = np.flatnonzero(1 - outside >= level)
    k = max(int(fitting.max()), 1)
    coverage = 1 - 2 * float(scipy.stats.binom.cdf(k - 1, n, 0.5))
    return Median(n, float(np.median(x)), float(x[k - 1]), float(x[n - k]), max(coverage, 0.0))


def exponent(x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray) -> float:
    """p of y ~ x^p, the slope of log y against log x; NaN with fewer than two different x."""
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if len(np.unique(x)) < 2:
        return float("nan")
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])
