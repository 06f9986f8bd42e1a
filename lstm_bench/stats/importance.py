"""Functional ANOVA of a random forest: which inputs decide, and which of them together.

A tree is constant on boxes. So the mean of a forest over all inputs but a set u, and the variance
of that mean over u, are sums over pairs of boxes, exact for the forest: with boxes l of value y_l
and side w_lk along input k, and o_k(l, m) the length two of them share along k,

    E[E[f | u]^2] = sum over l, m of y_l y_m prod_{k in u} o_k(l, m) prod_{k not in u} w_lk w_mk

over the unit cube, inputs uniform and independent. Sobol's components of an input and of a pair
follow by subtraction (Hutter, Hoos & Leyton-Brown 2014, who average over trees instead of taking
the forest as one function, whose shares also hold the trees' own noise).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from sklearn.ensemble import RandomForestRegressor

from lstm_bench.stats.rates import LEVEL

TREES = 64
LEAST = 3  # trials in a leaf: less follows the noise, more is blind with some dozens of trials
RESAMPLES = 200  # an end of the 95 % interval is then the fifth value, not the first
FEWEST = 10  # trials for an interval


@dataclass(frozen=True)
class Share:
    """The share of the forest's variance that is of one input, or of two beyond either alone."""

    of: tuple[str, ...]
    share: float
    low: float
    high: float


@dataclass(frozen=True)
class Importance:
    """Shares of inputs and pairs, and `explained`, R² of the forest out of bag."""

    rows: list[Share]
    explained: float


def importance(
    points: np.ndarray,
    values: np.ndarray,
    names: Sequence[str],
    resamples: int = RESAMPLES,
    level: float = LEVEL,
) -> Importance:
    """Shares for trials at `points` (trials, inputs) in the unit cube with these values.

    Intervals are percentiles over forests fitted to resampled trials. Where all values are the same
    there is no variance to share, and every share is NaN.
    """
    forest = _fit(points, values, 0)
    shares = variance_shares(forest, points.shape[1])
    rng = np.random.default_rng(0)
    draws: list[dict[tuple[int, ...], float]] = []
    if len(values) >= FEWEST and np.ptp(values) > 0:
        for place in range(resamples):
            rows = rng.integers(0, len(values), len(values))
            draws.append(variance_shares(_fit(points[rows], values[rows], place), points.shape[1]))
    tail = (1 - level) / 2
    found = []
    for key, share in shares.items():
        known = [draw[key] for draw in draws if np.isfinite(draw[key])]
        low, high = np.quantile(known, [tail, 1 - tail]) if known else (np.nan, np.nan)
        found.append(Share(tuple(names[k] for k in key), share, float(low), float(high)))
    return Importance(found, _out_of_bag(points, values))


def _fit(points: np.ndarray, values: np.ndarray, seed: int) -> RandomForestRegressor:
    forest = RandomForestRegressor(TREES, min_samples_leaf=LEAST, random_state=seed)
    return forest.fit(points, values)


def _out_of_bag(points: np.ndarray, values: np.ndarray) -> float:
    if np.ptp(values) == 0 or len(values) < FEWEST:
        return float("nan")
    forest = RandomForestRegressor(TREES, min_samples_leaf=LEAST, random_state=0, oob_score=True)
    return float(forest.fit(points, values).oob_score_)


def variance_shares(forest: RandomForestRegressor, inputs: int) -> dict[tuple[int, ...], float]:
    """Shares of the forest's variance over the unit cube, by input (k,) and pair (j, k)."""
    low, high, value = boxes(forest, inputs)
    side = high - low
    plain = [np.outer(side[:, k], side[:, k]) for k in range(inputs)]
    shared = [
        np.maximum(np.minimum.outer(b, b) - np.maximum.outer(a, a), 0)
        for a, b in zip(low.T, high.T)
    ]

    def square(of: tuple[int, ...]) -> float:
        weight = np.ones((len(value), len(value)))
        for k in range(inputs):
            weight *= shared[k] if k in of else plain[k]
        return float(value @ weight @ value)

    mean = square(())
    whole = square(tuple(range(inputs))) - mean
    parts: dict[tuple[int, ...], float] = {(k,): square((k,)) - mean for k in range(inputs)}
    for j, k in combinations(range(inputs), 2):
        parts[j, k] = square((j, k)) - mean - parts[(j,)] - parts[(k,)]
    known = whole > 1e-12 * max(mean, 1e-300)
    return {key: part / whole if known else float("nan") for key, part in parts.items()}


def boxes(forest: RandomForestRegressor, inputs: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of every leaf of every tree: lower and upper corner (leaves, inputs), part of the mean."""
    lows, highs, values = [], [], []
    for estimator in forest.estimators_:
        tree = estimator.tree_
        stack = [(0, np.zeros(inputs), np.ones(inputs))]
        while stack:
            node, low, high = stack.pop()
            if tree.children_left[node] < 0:
                lows.append(low)
                highs.append(high)
                values.append(tree.value[node, 0, 0] / len(forest.estimators_))
                continue
            k, at = tree.feature[node], float(np.clip(tree.threshold[node], 0, 1))
            below, above = high.copy(), low.copy()
            below[k], above[k] = min(high[k], at), max(low[k], at)
            stack.append((tree.children_left[node], low, below))
            stack.append((tree.children_right[node], above, high))
    return np.array(lows), np.array(highs), np.array(values)
