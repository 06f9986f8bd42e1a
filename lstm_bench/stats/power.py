"""What n replicates can see: power, the smallest detectable effect, and how many more it takes.

The power is that of the two-sided paired t test, from scipy's noncentral t distribution; that of
the sign-flip test is close to it from n = 8 on (simulated in tests/unit/stats/test_power.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy

from lstm_bench.stats.comparisons import fewest_to_decide

POWER = 0.8
MOST = 1000  # beyond this, "more than"


def power(effect: float, n: int, alpha: float) -> float:
    """The chance to reject at `alpha` when the mean difference is `effect` standard deviations."""
    critical = scipy.stats.t.ppf(1 - alpha / 2, n - 1)
    away = abs(effect) * np.sqrt(n)
    # vanishing: scipy may say NaN
    other = np.nan_to_num(scipy.stats.nct.cdf(-critical, n - 1, away))
    return float(scipy.stats.nct.sf(critical, n - 1, away) + other)


def detectable(deviation: float, n: int, alpha: float, wanted: float = POWER) -> float:
    """The smallest mean difference found with chance `wanted`, in the unit of `deviation`."""
    if deviation == 0 or n < 2:
        return float("nan")
    found = scipy.optimize.brentq(lambda d: power(d, n, alpha) - wanted, 1e-9, 200.0)
    return float(found) * deviation


def replicates_needed(
    differences: Any, threshold: float, claims: int, alpha: float, wanted: float = POWER
) -> int | None:
    """The n at which the effect seen would be found with chance `wanted`, were it the true one.

    At alpha / claims, the first and hardest step of Holm, and never fewer than that step needs.
    None where the effect seen is the threshold itself, or more than `MOST` would be needed.
    """
    values = np.asarray(differences, dtype=float)
    fewest = fewest_to_decide(claims, alpha)
    away = float(np.mean(values)) - threshold
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    if away == 0:
        return None
    if deviation == 0:
        return fewest
    sizes = range(fewest, MOST + 1)
    effect, step = away / deviation, alpha / claims
    return next((n for n in sizes if power(effect, n, step) >= wanted), None)
