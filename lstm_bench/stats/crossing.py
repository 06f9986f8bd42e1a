"""Ratios of paired times, and the length where one of two becomes the cheaper."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

from lstm_bench.stats.rates import LEVEL, censored_interval

RESAMPLES = 2000


@dataclass(frozen=True)
class Ratio:
    """The ratio of two means over paired replicates, its 95 % interval, and log10 of the draws."""

    value: float
    low: float
    high: float
    draws: np.ndarray


def paired_ratio(times: np.ndarray, reference: np.ndarray, resamples: int = RESAMPLES) -> Ratio:
    """mean(times) / mean(reference); pairs are resampled (percentile, seeded).

    The bounds are NaN with fewer than three pairs.
    """
    a, b = np.asarray(times, dtype=float), np.asarray(reference, dtype=float)
    rows = np.random.default_rng(0).integers(0, len(a), (resamples, len(a)))
    draws = np.log10(a[rows].mean(axis=1) / b[rows].mean(axis=1))
    tail = (1 - LEVEL) / 2
    low, high = 10.0 ** np.quantile(draws, [tail, 1 - tail])
    if len(a) < 3:
        low = high = float("nan")
    return Ratio(float(a.mean() / b.mean()), float(low), float(high), draws)


@dataclass(frozen=True)
class Crossing:
    """The length from which on the reference is cheaper, with its censoring.

    censored is "" where it lies inside the grid, "below" where the reference is cheaper at the
    shortest length already, "above" where it is not so at the longest; `ends` says the same of low
    and of high. The bounds are NaN where the ratios have none.
    """

    T: float
    low: float
    high: float
    censored: str
    ends: tuple[str, str] = ("", "")


def _crossed(logs: np.ndarray, ratio: np.ndarray) -> tuple[float, str]:
    """Where a non-decreasing fit of the log ratio against log T crosses 0."""
    fit = scipy.optimize.isotonic_regression(ratio, increasing=True).x
    if fit[0] > 0:
        return float(np.exp(logs[0])), "below"
    if fit[-1] <= 0:
        return float(np.exp(logs[-1])), "above"
    after = int(np.argmax(fit > 0))
    part = -fit[after - 1] / (fit[after] - fit[after - 1])
    return float(np.exp(logs[after - 1] + part * (logs[after] - logs[after - 1]))), ""


def crossing(lengths: Sequence[int], ratios: Sequence[Ratio], times: Sequence[float]) -> Crossing:
    """Where the ratios, each multiplied by its `times`, rise through 1; log-interpolated.

    `times` turns a ratio of updates into one of something an update takes (1, FLOPs, seconds).
    """
    logs, shift = np.log(np.asarray(lengths, dtype=float)), np.log10(np.asarray(times, dtype=float))
    point, censored = _crossed(logs, np.log10([r.value for r in ratios]) + shift)
    if not all(np.isfinite(r.low) for r in ratios):
        return Crossing(point, float("nan"), float("nan"), censored)
    draws = np.stack([r.draws for r in ratios]) + shift[:, None]
    # the draws of one length are independent of those of another: its sequences are others
    rng = np.random.default_rng(1)
    mixed = np.stack([rng.permutation(row) for row in draws])
    low, high, ends = censored_interval(_crossed(logs, column) for column in mixed.T)
    return Crossing(point, low, high, censored, ends)
