"""Time to solve with censoring: Kaplan-Meier and restricted means, by lifelines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from lifelines import KaplanMeierFitter
from lifelines.utils import median_survival_times

from lstm_bench.stats.rates import LEVEL


@dataclass(frozen=True)
class TimeToSolve:
    """What is known of a time that some replicates did not reach.

    median is infinite when fewer than half solved; mean is the restricted mean up to `horizon`.
    """

    n: int
    solved: int
    median: float
    median_low: float
    median_high: float
    mean: float
    mean_low: float
    mean_high: float
    horizon: float


def _fit(times: np.ndarray, solved: np.ndarray) -> KaplanMeierFitter:
    return KaplanMeierFitter(alpha=1 - LEVEL).fit(times, event_observed=solved)


def time_to_solve(times: np.ndarray, solved: np.ndarray, horizon: float) -> TimeToSolve:
    """Median and restricted mean of a time, with 95 % intervals.

    The median's interval comes from the Kaplan-Meier curve's (log-log) band. In the mean a censored
    time counts as the horizon: the restricted mean where nothing is censored earlier, and a lower
    bound of the mean; its interval comes from resampling replicates (percentile, seeded).
    """
    fit = _fit(times, solved)
    band = median_survival_times(fit.confidence_interval_)
    rng = np.random.default_rng(0)
    capped = np.minimum(np.where(solved, times, horizon), horizon)
    draws = rng.choice(capped, (2000, len(capped))).mean(axis=1)
    tail = (1 - LEVEL) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return TimeToSolve(
        n=len(times),
        solved=int(solved.sum()),
        median=float(fit.median_survival_time_),
        median_low=float(band.iloc[0, 0]),
        median_high=float(band.iloc[0, 1]),
        mean=float(capped.mean()),
        mean_low=float(low),
        mean_high=float(high),
        horizon=horizon,
    )


def solved_by(times: np.ndarray, solved: np.ndarray) -> pd.DataFrame:
    """The Kaplan-Meier share solved by each time: columns time, share, low, high."""
    fit = _fit(times, solved)
    alive, band = fit.survival_function_, fit.confidence_interval_
    return pd.DataFrame(
        {
            "time": alive.index.to_numpy(),
            "share": 1 - alive.iloc[:, 0].to_numpy(),
            "low": 1 - band.iloc[:, 1].to_numpy(),
            "high": 1 - band.iloc[:, 0].to_numpy(),
        }
    )
