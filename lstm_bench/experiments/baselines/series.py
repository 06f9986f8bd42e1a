"""Baselines of a series: persistence, last season's value, linear autoregression, smoothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lstm_bench.experiments.baselines.base import Baseline
from lstm_bench.experiments.baselines.smoothing import forecasts
from lstm_bench.tasks.series import Series

FITTED_ON = 20_000  # windows of the training part, evenly spaced, that a regression is fitted on
LONGEST_PERIOD = 1000  # rows that are looked through for a season
LEAST = 0.2  # the autocorrelation from which a lag counts as a season
Z99 = 2.58  # and it must be more than chance gives a series of this length


def series_baselines(task: Series, T: int, size: int) -> Iterator[Baseline]:
    """Persistence, seasonal where there is a season, autoregression, exponential smoothing."""
    y, h = task.scaled.target.astype(float), task.horizon
    ends = task.ends(T, "test")[task.places(T, "test", size)]
    asked = y[ends + h]
    yield Baseline("persistence", (y[ends] - asked) ** 2)
    season = task.season or period(y[slice(*task.parts(gap=0)["train"])])
    if season:
        rows = ends + h - season * -(-h // season)
        before = np.where(rows >= 0, y[rows], np.nan)
        yield Baseline("seasonal", (before - asked) ** 2, f"period {season}")
    yield autoregression(task, T, ends)
    validated = task.ends(T, "validation")
    found = forecasts(y, task.parts(gap=0)["train"][1], season, h)
    scored = {form: _error(ahead[validated], y[validated + h]) for form, ahead in found.items()}
    best = min(scored, key=lambda form: scored[form])
    yield Baseline("smoothing", (found[best][ends] - asked) ** 2, best)


def autoregression(task: Series, T: int, ends: np.ndarray) -> Baseline:
    """The best affine answer from the last k rows of all columns; k is chosen on validation.

    Fitted for the horizon itself (the "direct" forecast), by least squares.
    """
    train, validated = task.ends(T, "train"), task.ends(T, "validation")
    train = train[np.linspace(0, len(train) - 1, min(len(train), FITTED_ON)).astype(int)]
    windows = sorted({2**i for i in range(T.bit_length()) if 2**i <= T} | {T})
    scored: dict[int, tuple[float, np.ndarray]] = {}
    for k in windows:
        if len(train) > k * task.inputs + 1:
            weights = np.linalg.lstsq(_lags(task, train, k), _asked(task, train), rcond=None)[0]
            error = _error(_lags(task, validated, k) @ weights, _asked(task, validated))
            scored[k] = error, weights
    if not scored:
        return Baseline("autoregression", np.full(len(ends), np.nan), "too few rows")
    k = min(scored, key=lambda each: scored[each][0])
    losses = (_lags(task, ends, k) @ scored[k][1] - _asked(task, ends)) ** 2
    return Baseline("autoregression", losses, f"the last {k} rows")


def period(y: np.ndarray) -> int:
    """The season of a series in rows, or 0: the highest autocorrelation that rises again.

    A straight trend is taken off first. A lag counts where its autocorrelation is a local maximum
    of at least `LEAST` and the curve was below half of it before, so that a slow decay is none.
    """
    from scipy.signal import detrend
    from statsmodels.tsa.stattools import acf

    most = min(LONGEST_PERIOD, len(y) // 3)
    if most < 3:
        return 0
    flat = detrend(y)
    if not flat.std() > 1e-9 * max(1.0, abs(y).max()):
        return 0
    r = acf(flat, nlags=most, fft=True)
    least = max(LEAST, Z99 / np.sqrt(len(y)))
    found = [
        lag
        for lag in range(2, most)
        if r[lag] >= least and r[lag] == r[lag - 1 : lag + 2].max() and r[1:lag].min() < r[lag] / 2
    ]
    return max(found, key=lambda lag: r[lag], default=0)


def _lags(task: Series, ends: np.ndarray, k: int) -> np.ndarray:
    """(windows, 1 + k * columns): a one, and the last k rows."""
    rows = task.scaled.inputs[ends[:, None] + np.arange(1 - k, 1)].astype(float)
    return np.column_stack([np.ones(len(ends)), rows.reshape(len(ends), -1)])


def _asked(task: Series, ends: np.ndarray) -> np.ndarray:
    return task.scaled.target[ends + task.horizon].astype(float)


def _error(answers: np.ndarray, asked: np.ndarray) -> float:
    return float(((answers - asked) ** 2).mean())
