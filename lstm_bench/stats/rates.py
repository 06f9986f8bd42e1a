"""Success rates and their intervals. Of T*, see `stats.ladder`."""

from __future__ import annotations

from functools import cache

import scipy

LEVEL = 0.95


@cache
def wilson(successes: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """The Wilson score interval of a rate; (0, 1) where nothing was tried."""
    if n == 0:
        return 0.0, 1.0
    interval = scipy.stats.binomtest(successes, n).proportion_ci(level, method="wilson")
    return float(interval.low), float(interval.high)
