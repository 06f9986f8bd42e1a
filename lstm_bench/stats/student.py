"""Means over replicates, with Student's interval."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import scipy

from lstm_bench.stats.rates import LEVEL


def student_interval(values: Iterable[float], level: float = LEVEL) -> tuple[float, float, float]:
    """The mean and the ends of its Student interval; numbers that are none are left out.

    One value has no interval (NaN), and none has no mean either. The interval takes replicates as
    independent and their mean as normal; it does not know that a score ends at 1.
    """
    known = np.asarray([v for v in values if v is not None], dtype=float)
    known = known[np.isfinite(known)]
    if len(known) < 2:
        return (float(known.mean()) if len(known) else float("nan"), float("nan"), float("nan"))
    quantile = scipy.stats.t.ppf((1 + level) / 2, len(known) - 1)
    half = quantile * known.std(ddof=1) / np.sqrt(len(known))
    mean = float(known.mean())
    return mean, mean - float(half), mean + float(half)
