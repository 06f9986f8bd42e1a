"""Means with a bootstrap interval, by scipy."""

from __future__ import annotations

import numpy as np
import scipy

from lstm_bench.stats.rates import LEVEL


def mean_interval(values: np.ndarray, resamples: int = 2000) -> tuple[float, float, float]:
    """Mean and 95 % percentile interval over replicates; NaN bounds with fewer than three."""
    known = np.asarray(values, dtype=float)
    known = known[np.isfinite(known)]
    if not len(known):
        return float("nan"), float("nan"), float("nan")
    mean = float(known.mean())
    if len(known) < 3:
        return mean, float("nan"), float("nan")
    if np.ptp(known) == 0:
        return mean, mean, mean
    found = scipy.stats.bootstrap(
        (known,), np.mean, n_resamples=resamples, confidence_level=LEVEL, method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    return mean, float(found.low), float(found.high)
