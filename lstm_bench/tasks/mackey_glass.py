"""Forecasting a chaotic series: the Mackey-Glass delay equation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np

from lstm_bench.errors import BenchError
from lstm_bench.tasks.forecasting import LONGEST, STARTS, SeriesForecast

BETA, GAMMA, POWER = 0.2, 0.1, 10
PER_UNIT = 10  # points of the integration in a unit of time
HISTORIES = (1.2, 1.1, 0.9)  # the constant past of each split's series
WASHED_OUT = 2000  # units of time dropped at the start


@dataclass(frozen=True)
class MackeyGlass(SeriesForecast):
    """Forecast a chaotic series, many steps ahead, at every step of the second half.

    The series solves  dx/dt = beta x(t - tau) / (1 + x(t - tau)^10) - gamma x(t)  with beta = 0.2
    and gamma = 0.1, is read once a unit of time, and is standardised. It is chaotic from tau = 16.8
    on; tau = 17 is the usual choice, 30 the harder one. Step t shows x_t and
    asks for x_{t+horizon}.

        input    .31 .40 .47 .52 .55 .57 .58 .57     horizon=2, T=8
        target    .   .   .   .  .58 .57 .55 .51

    T is the length of the context, not the horizon: the state of the equation is its last tau
    units of time, so memory beyond tau + 1 steps brings nothing new in principle, and T >= 2(tau+1)
    makes the first question answerable. What is hard is the function, and more so the farther
    ahead; compare `lstm-bench show mackey_glass` for persistence and linear autoregression, as
    Gers, Eck & Schmidhuber (2001) found a window to be enough for this series.

    Sequences are cut at uniformly random places from one long series; train, validation and test
    have series of their own, from other pasts. Without memory or input the best answer is the mean
    over those places, with the variance as its loss, computed exactly from the stored numbers (1
    by the standardisation, but for the ends). The optimal loss is 0: the equation has no noise.
    Solved when 99 % of the variance is explained, a normalised root mean squared error (NRMSE) of
    0.1.

    `tau` is the delay, `horizon` how many steps ahead: 84 is that of Jaeger & Haas (2004), whose
    sampling and protocol are not followed; at 6, the other usual one (preset short), a linear
    autoregression over 20 values is nearly good enough. The integration is by
    the method of steps on a grid of 0.1: the linear part exactly, the delayed one by trapezoids.
    """

    tau: int = 17
    horizon: int = 84

    name = "mackey_glass"
    solved_score = 0.99
    shortest = 36
    citation = (
        "Mackey & Glass (1977), Oscillation and chaos in physiological control systems; "
        "Gers, Eck & Schmidhuber (2001), Applying LSTM to time series predictable through "
        "time-window approaches"
    )
    formula = (
        r"\dot x(t) = \frac{0.2\,x(t-\tau)}{1 + x(t-\tau)^{10}} - 0.1\,x(t), \quad y_t = x_{t+H}"
    )
    presets: ClassVar = {"short": {"horizon": 6}, "tau30": {"tau": 30}}

    def __post_init__(self) -> None:
        for name, value in (("tau", self.tau), ("horizon", self.horizon)):
            if not 1 <= value <= 1000:
                raise BenchError(
                    f"task 'mackey_glass': option {name} is {value}, but must be from 1 to 1000."
                )

    def require(self, T: int) -> None:
        super().require(T)
        if 2 * (self.tau + 1) > T:
            raise BenchError(
                f"lengths: T={T} is too short for task 'mackey_glass' with tau={self.tau}; "
                f"it needs T >= {2 * (self.tau + 1)}."
            )

    def series(self) -> tuple[np.ndarray, np.ndarray]:
        standard = _standardised(self.tau, STARTS + LONGEST + self.horizon)
        return standard[:, : -self.horizon], standard[:, self.horizon :]


@lru_cache(maxsize=4)
def _standardised(tau: int, length: int) -> np.ndarray:
    x = solve(tau, WASHED_OUT + length, HISTORIES)[:, WASHED_OUT:]
    return ((x - x[0, :STARTS].mean()) / x[0, :STARTS].std()).astype(np.float32)


def solve(tau: int, length: int, histories: tuple[float, ...]) -> np.ndarray:
    """x(0), x(1), ... (rows, length) from constant pasts, float64.

    On a stretch of length tau the delayed term F is known from the stretch before, and then
    x(t) = exp(-gamma t) (x(0) + integral_0^t exp(gamma s) F(s) ds).
    """
    points = tau * PER_UNIT
    growth = np.exp(GAMMA / PER_UNIT * np.arange(points + 1))
    past = np.repeat(np.array(histories)[:, None], points + 1, axis=1)
    stretches = [past[:, -1:]]
    for _ in range(-(-length // tau)):
        integrand = growth * BETA * past / (1 + past**POWER)
        steps = (integrand[:, 1:] + integrand[:, :-1]) / (2 * PER_UNIT)
        integral = np.concatenate([np.zeros_like(past[:, :1]), np.cumsum(steps, axis=1)], axis=1)
        past = (past[:, -1:] + integral) / growth
        stretches.append(past[:, PER_UNIT::PER_UNIT])
    return np.concatenate(stretches, axis=1)[:, :length]
