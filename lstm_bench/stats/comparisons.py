"""Is one better than the other: seed-paired tests, and the probability of improvement."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, log2
from typing import Any

import numpy as np
import scipy

from lstm_bench.stats.intervals import LEVEL, interval

EXACT_UP_TO = 12  # 2^12 sign patterns; above, as many random ones as below
RANDOM = 9999


def sign_flip(differences: Any, threshold: float = 0.0, seed: int = 0) -> float:
    """The two-sided p-value of "the mean of paired differences is `threshold`".

    Under that hypothesis, and where differences lie symmetrically about it, the sign of each is a
    coin's: p is the share of sign patterns with a mean as far out (exact up to n = 12). With
    threshold 0 symmetry follows from exchangeable partners, whatever their distribution. The
    smallest p is 2 / 2^n. Raises ValueError for fewer than two differences.
    """
    away = np.asarray(differences, dtype=float) - threshold
    if len(away) < 2:
        raise ValueError(f"a paired test needs two differences or more, not {len(away)}")
    if not away.any():
        return 1.0
    found = scipy.stats.permutation_test(
        (away,),
        np.mean,
        permutation_type="samples",
        vectorized=True,
        n_resamples=2**EXACT_UP_TO if len(away) <= EXACT_UP_TO else RANDOM,
        rng=np.random.default_rng(seed),
    )
    return float(min(found.pvalue, 1.0))


def fewest_to_decide(claims: int, alpha: float) -> int:
    """The n from which a sign-flip test can survive Holm over so many claims at its first step."""
    return max(2, ceil(log2(2 * claims / alpha)))


def probability_of_improvement(
    first: Sequence[Any], second: Sequence[Any], level: float = LEVEL
) -> tuple[float, float, float]:
    """P(a replicate of the first is better than one of the second), ties half; with interval.

    first, second   one array of values a task, higher is better; the mean over tasks is taken
                    (Agarwal et al. 2021), replicates are resampled within each task and side.
    """
    sides = [np.asarray(values, dtype=float) for pair in zip(first, second) for values in pair]

    def improvement(*samples: Any, axis: int = -1) -> Any:
        shares = []
        for a, b in zip(samples[::2], samples[1::2]):
            gap = a[..., :, None] - b[..., None, :]
            shares.append(((gap > 0) + 0.5 * (gap == 0)).mean(axis=(-1, -2)))
        return sum(shares) / len(shares)

    low, high = interval(sides, improvement, level)
    return float(improvement(*sides)), float(low), float(high)
