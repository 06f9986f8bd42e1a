"""Exponential smoothing by statsmodels: a level, a damped trend, a season."""

from __future__ import annotations

import warnings

import numpy as np

FITTED_ON = 2000  # rows of the training part, its last ones, whose likelihood is maximised
LONGEST_SEASON = 60  # rows: each is a state of the filter
FORMS = {"level": {}, "level and damped trend": {"trend": True, "damped_trend": True}}


def forecasts(y: np.ndarray, train: int, season: int, horizon: int) -> dict[str, np.ndarray]:
    """By form, the forecast (rows,) of y `horizon` rows after each row, NaN before the first.

    y       the whole series; the parameters are those of its first `train` rows alone, and are kept
            while the filter goes on through the others
    season  rows, or 0: a form with a season is fitted too, where it is not longer than
            `LONGEST_SEASON`

    Hyndman, Koehler, Ord & Snyder (2008), Forecasting with Exponential Smoothing, ch. 2: additive
    errors; after a row with state a the forecast is Z T^h a.
    """
    from statsmodels.tsa.statespace.exponential_smoothing import ExponentialSmoothing

    forms: dict[str, dict[str, object]] = {name: dict(form) for name, form in FORMS.items()}
    if 2 <= season <= LONGEST_SEASON:
        forms[f"level and season of {season}"] = {"seasonal": season}
    first = max(0, train - FITTED_ON)
    found = {}
    for name, form in forms.items():
        # it starts from the first rows, the same ones when it goes on
        model = ExponentialSmoothing(y[first:train], initialization_method="heuristic", **form)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of an optimiser that stops at a bound
            fitted = model.fit(disp=False)
            whole = fitted.append(y[train:], refit=False)
        states, ahead = whole.filter_results, np.full(len(y), np.nan)
        power = np.linalg.matrix_power(states.transition[:, :, -1], horizon)
        ahead[first:] = (states.design[:, :, -1] @ power @ states.filtered_state)[0]
        found[name] = ahead
    return found
