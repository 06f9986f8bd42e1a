"""How a time to solve grows with the length: as a power of T, or exponentially in T.

    power         log2 u = a + b log2 T
    exponential   log2 u = a + b T

fitted to the mean log2 of the times at each length. A mean is that of a normal distribution of
log2 u, right-censored where a replicate did not solve (maximum likelihood), and its variance about
the curve is its own squared standard error and one of the lengths, tau², which is estimated with
the curve: replicates of one length share its rate and its budget, so that their number alone would
make any curve of two parameters look wrong, and the better of two wrong ones look right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

FEWEST = 4  # lengths: two parameters, and two left to tell how well they do
DECISIVE = 4.0  # evidence from which one form is called the better, see `compare`
POWER, EXPONENTIAL = "power", "exponential"


@dataclass(frozen=True)
class Mean:
    """The mean of a logarithm at one length, with its standard error."""

    T: float
    value: float
    error: float


@dataclass(frozen=True)
class Fit:
    """A curve of one form.

    intercept, slope   a and b
    low, high          95 % interval of the slope: Student's, of the lengths less two
    scatter            tau, how far lengths lie from the curve beyond the noise of their replicates
    likelihood         its logarithm
    """

    form: str
    intercept: float
    slope: float
    low: float
    high: float
    scatter: float
    likelihood: float

    def at(self, T: np.ndarray) -> np.ndarray:
        return self.intercept + self.slope * _of(self.form, np.asarray(T, dtype=float))


def mean_log2(times: Sequence[float], solved: Sequence[bool]) -> tuple[float, float]:
    """The mean of log2 of times, of which the unsolved ones are lower bounds, and its error.

    Needs two solved ones. The error counts these alone, which is too large rather than too small.
    """
    values, event = np.log2(np.asarray(times, dtype=float)), np.asarray(solved, dtype=bool)
    if event.all():
        return float(values.mean()), float(values.std(ddof=1) / np.sqrt(len(values)))
    data = scipy.stats.CensoredData(uncensored=values[event], right=values[~event])
    mean, deviation = scipy.stats.norm.fit(data)
    return float(mean), float(deviation / np.sqrt(event.sum()))


def fit(means: Sequence[Mean], form: str) -> Fit:
    """The curve of a form through these means. Raises ValueError below `FEWEST` of them."""
    if len(means) < FEWEST:
        raise ValueError(f"{len(means)} lengths; {FEWEST} are the fewest that can be fitted")
    x = _of(form, np.array([each.T for each in means], dtype=float))
    y = np.array([each.value for each in means])
    own = np.array([each.error for each in means]) ** 2
    design = np.stack([np.ones_like(x), x / x.max()], axis=1)

    def weighted(log_tau: float) -> tuple[float, np.ndarray, np.ndarray]:
        variance = own + np.exp(2 * log_tau)
        normal = design.T @ (design / variance[:, None])
        found = np.linalg.solve(normal, design.T @ (y / variance))
        rest = y - design @ found
        return float(-0.5 * np.sum(np.log(variance) + rest**2 / variance)), found, normal

    best = scipy.optimize.minimize_scalar(
        lambda log_tau: -weighted(log_tau)[0], bounds=(-5, 2), method="bounded"
    )
    likelihood, (a, b), normal = weighted(best.x)
    half = scipy.stats.t.ppf(0.975, len(means) - 2) * np.sqrt(np.linalg.inv(normal)[1, 1])
    slope, low, high = (value / x.max() for value in (b, b - half, b + half))
    return Fit(form, float(a), slope, low, high, float(np.exp(best.x)), likelihood)


def compare(means: Sequence[Mean]) -> tuple[Fit, Fit, float, str]:
    """Power, exponential, the evidence for the first, and what it calls: a form, or `either`.

    The evidence is twice the difference of the log likelihoods, times (k - 2) / k of k lengths:
    both forms have as many parameters, and few lengths fit any of them well. Simulated
    (tests/unit/stats/test_scaling.py), the wrong form is called in at most one of twenty.
    """
    power, exponential = fit(means, POWER), fit(means, EXPONENTIAL)
    left = (len(means) - 2) / len(means)
    evidence = 2 * (power.likelihood - exponential.likelihood) * left
    called = POWER if evidence > 0 else EXPONENTIAL
    return power, exponential, evidence, called if abs(evidence) > DECISIVE else "either"


def _of(form: str, T: np.ndarray) -> np.ndarray:
    return np.log2(T) if form == POWER else T
