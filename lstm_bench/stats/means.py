"""The one interval of a mean over replicates."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import scipy

from lstm_bench.stats.intervals import FEWEST, LEVEL, interval


def mean_interval(values: Iterable[float], level: float = LEVEL) -> tuple[float, float, float]:
    """The mean and the ends of its interval; values that are not numbers are left out.

    From five values on it is the expanded percentile bootstrap (`stats.intervals`), with fewer
    Student's, which takes them as normal. One value has no interval (NaN), none has no mean either.
    """
    known = np.asarray([value for value in values if value is not None], dtype=float)
    known = known[np.isfinite(known)]
    if not len(known):
        return float("nan"), float("nan"), float("nan")
    mean = float(known.mean())
    if len(known) < 2:
        return mean, float("nan"), float("nan")
    if np.ptp(known) == 0:
        return mean, mean, mean
    if len(known) < FEWEST:
        quantile = scipy.stats.t.ppf((1 + level) / 2, len(known) - 1)
        half = float(quantile * known.std(ddof=1) / np.sqrt(len(known)))
        return mean, mean - half, mean + half
    low, high = interval([known], level=level)
    return mean, float(low), float(high)
