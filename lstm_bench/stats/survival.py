"""Time to solve with censoring: Kaplan-Meier by lifelines, log-rank tests by permutation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import scipy

from lstm_bench.stats.family import holm, letters, ties
from lstm_bench.stats.means import mean_interval
from lstm_bench.stats.rates import LEVEL

if TYPE_CHECKING:
    from lifelines import KaplanMeierFitter

RELABELLINGS = 9999
Times = tuple[np.ndarray, np.ndarray]  # times, and whether each was solved (else censored)


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
    from lifelines import KaplanMeierFitter  # half a second, which few who import this room need

    return KaplanMeierFitter(alpha=1 - LEVEL).fit(times, event_observed=solved)


def time_to_solve(times: np.ndarray, solved: np.ndarray, horizon: float) -> TimeToSolve:
    """Median and restricted mean of a time, with 95 % intervals.

    The median's interval comes from the Kaplan-Meier curve's (log-log) band. In the mean a censored
    time counts as the horizon: the restricted mean where nothing is censored earlier, and a lower
    bound of the mean; its interval is that of `means.mean_interval`.
    """
    from lifelines.utils import median_survival_times

    fit = _fit(times, solved)
    band = median_survival_times(fit.confidence_interval_)
    capped = np.minimum(np.where(solved, times, horizon), horizon)
    mean, low, high = mean_interval(capped)
    return TimeToSolve(
        n=len(times),
        solved=int(solved.sum()),
        median=float(fit.median_survival_time_),
        median_low=float(band.iloc[0, 0]),
        median_high=float(band.iloc[0, 1]),
        mean=mean,
        mean_low=max(low, 0.0),  # Student's interval of a few does not know where times end
        mean_high=min(high, horizon),
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


def logrank_scores(times: np.ndarray, solved: np.ndarray) -> np.ndarray:
    """Of each replicate, 1 where it solved less the Nelson-Aalen hazard of all up to its time.

    Summed over one of two samples these are the observed solves less those expected: the numerator
    of the log-rank test (Peto & Peto 1972).
    """
    at = np.unique(times[solved])
    hazard = [(times[solved] == t).sum() / (times >= t).sum() for t in at]
    summed = np.concatenate([[0.0], np.cumsum(hazard)])
    return solved - summed[np.searchsorted(at, times, side="right")]


def logrank(first: Times, second: Times, relabellings: int = RELABELLINGS) -> float:
    """The two-sided p-value of "both solve at the same rate at all times", by permutation.

    The log-rank test with the law of its scores under relabelling (exact up to so many of them,
    above by as many random ones) in place of the normal one, which rejects 7 % instead of 5 at
    n = 5. The samples are taken as independent; seeds that are paired make it conservative
    where they go the same way. Where nobody solved there is nothing to tell apart, and p is 1.
    Raises ValueError for a sample without a replicate.
    """
    if not len(first[0]) or not len(second[0]):
        raise ValueError("a log-rank test needs a replicate or more on both sides")
    times, solved = (np.concatenate([a, b]) for a, b in zip(first, second))
    scores = logrank_scores(times, solved)
    if np.ptp(scores) == 0:
        return 1.0
    if 1 in (len(first[0]), len(second[0])):  # scipy permutes samples of two or more
        own = scores[0] if len(first[0]) == 1 else scores[-1]
        tails = np.mean(scores <= own), np.mean(scores >= own)
        return float(min(1.0, 2 * min(tails)))
    found = scipy.stats.permutation_test(
        (scores[: len(first[0])], scores[len(first[0]) :]),
        lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis),
        vectorized=True,
        n_resamples=relabellings,
        rng=np.random.default_rng(0),
    )
    return float(min(found.pvalue, 1.0))


@dataclass(frozen=True)
class ToldApart:
    """Names compared by their times: adjusted p-values of pairs, and a letter for each tie group.

    p         by pair, Holm over all of them
    letters   `a` for the fastest and those it is not told apart from, and so on
    """

    p: Mapping[frozenset[str], float]
    letters: Mapping[str, str]


def told_apart(
    times: Mapping[str, Times], alpha: float = 0.05, relabellings: int = RELABELLINGS
) -> ToldApart:
    """Log-rank tests of all pairs. Names come fastest first."""
    pairs = list(combinations(times, 2))
    adjusted = holm([logrank(times[a], times[b], relabellings) for a, b in pairs])
    apart = [pair for pair, p in zip(pairs, adjusted) if p <= alpha]
    found = {frozenset(pair): p for pair, p in zip(pairs, adjusted)}
    return ToldApart(found, letters(ties(list(times), apart)))
