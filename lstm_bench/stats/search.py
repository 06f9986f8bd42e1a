"""What a random search is worth: the expected best of n trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy

from lstm_bench.stats.rates import LEVEL

RESAMPLES = 1000


def weights(n: int, trials: int) -> np.ndarray:
    """(trials,) of the i-th smallest value being the largest of n drawn without repeats.

    C(i - 1, n - 1) / C(trials, n): the mean of the maximum over all subsets of n is then unbiased
    for n fresh trials. With repeats (Dodge et al. 2019) it is too small, most so for n near
    `trials` (Tang et al. 2020). Raises ValueError for n outside 1 ... trials.
    """
    if not 1 <= n <= trials:
        raise ValueError(f"n = {n} is not among 1 ... {trials} trials")
    i = np.arange(n, trials + 1)
    found = np.zeros(trials)
    # (i - 1)! / ((n - 1)! (i - n)!) over trials! / (n! (trials - n)!)
    gammaln = scipy.special.gammaln
    log = gammaln(i) - gammaln(n) - gammaln(i - n + 1)
    log -= gammaln(trials + 1) - gammaln(n + 1) - gammaln(trials - n + 1)
    found[n - 1 :] = np.exp(log)
    return found


def expected_best(
    values: Sequence[Any] | np.ndarray, n: int, level: float = LEVEL
) -> tuple[float, float, float]:
    """The mean of the best of n trials, more is better, with a percentile bootstrap interval.

    Trials are resampled, seeded. Meant for n up to half the trials; beyond, the largest value alone
    decides, and no resample has a larger one. The bounds are NaN with fewer than five trials.
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    share = weights(n, len(ordered))
    best = float(ordered @ share)
    if len(ordered) < 5:
        return best, float("nan"), float("nan")
    rng = np.random.default_rng(0)
    rows = rng.integers(0, len(ordered), (RESAMPLES, len(ordered)))
    draws = ordered[np.sort(rows, axis=1)] @ share
    tail = (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return best, float(low), float(high)
