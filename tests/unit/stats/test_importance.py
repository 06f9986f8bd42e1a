"""Functional ANOVA: exact for the forest, and right about functions with known shares."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import RandomForestRegressor

from lstm_bench.stats.importance import boxes, importance, variance_shares


def ishigami(points: np.ndarray) -> np.ndarray:
    """sin a + 7 sin² b + 0.1 c⁴ sin a on [-π, π]³: main shares 0.314, 0.442, 0; a × c 0.244."""
    a, b, c = (2 * points.T[:3] - 1) * np.pi
    return np.sin(a) + 7 * np.sin(b) ** 2 + 0.1 * c**4 * np.sin(a)


def test_boxes_fill_the_cube_and_give_the_forests_own_mean() -> None:
    rng = np.random.default_rng(0)
    points = rng.uniform(size=(200, 3))
    forest = RandomForestRegressor(5, min_samples_leaf=3, random_state=0).fit(
        points, ishigami(points)
    )
    low, high, value = boxes(forest, 3)
    assert np.prod(high - low, axis=1).sum() == pytest.approx(5)
    fresh = rng.uniform(size=(20000, 3))
    mean = float((value * np.prod(high - low, axis=1)).sum())
    assert mean == pytest.approx(forest.predict(fresh).mean(), abs=0.1)


def test_shares_of_a_forest_are_those_of_its_own_function() -> None:
    """Against the same shares by brute force, on a grid finer than the forest's boxes."""
    rng = np.random.default_rng(1)
    grid = np.round(rng.uniform(size=(60, 2)) * 16) / 16  # thresholds at multiples of 1/32
    forest = RandomForestRegressor(4, min_samples_leaf=3, random_state=0).fit(
        grid, grid[:, 0] * 3 + np.sin(9 * grid[:, 1]) + 2 * grid[:, 0] * grid[:, 1]
    )
    shares = variance_shares(forest, 2)
    at = (np.arange(64) + 0.5) / 64
    mesh = np.stack(np.meshgrid(at, at, indexing="ij"), axis=-1).reshape(-1, 2)
    seen = forest.predict(mesh).reshape(64, 64)
    total = seen.var()
    first, second = seen.mean(axis=1).var() / total, seen.mean(axis=0).var() / total
    assert shares[(0,)] == pytest.approx(first, abs=1e-6)
    assert shares[(1,)] == pytest.approx(second, abs=1e-6)
    assert shares[(0, 1)] == pytest.approx(1 - first - second, abs=1e-6)


def test_a_known_function_has_its_known_shares() -> None:
    points = np.random.default_rng(2).uniform(size=(500, 4))
    forest = RandomForestRegressor(10, min_samples_leaf=2, random_state=0)
    shares = variance_shares(forest.fit(points, ishigami(points)), 4)
    assert shares[(0,)] == pytest.approx(0.314, abs=0.08)
    assert shares[(1,)] == pytest.approx(0.442, abs=0.08)
    assert shares[(0, 2)] == pytest.approx(0.244, abs=0.08)
    assert shares[(2,)] < 0.03
    assert shares[(3,)] < 0.01  # an input the function does not have
    assert sum(shares.values()) <= 1 + 1e-9


def test_with_forty_trials_it_names_what_decides_and_says_when_nothing_does() -> None:
    rng = np.random.default_rng(3)
    points = rng.uniform(size=(40, 3))
    names = ("rate", "width", "scale")
    clear = importance(points, (points[:, 0] > 0.4) + 0.05 * rng.normal(size=40), names, 10)
    by_name = {share.of: share for share in clear.rows}
    assert by_name[("rate",)].share > 0.8
    assert by_name[("rate",)].low > by_name[("width",)].high
    assert clear.explained > 0.5
    noise = importance(points, rng.normal(size=40), names, 5)
    assert noise.explained < 0.3
    constant = importance(points, np.ones(40), names, 5)
    assert all(np.isnan(share.share) for share in constant.rows)
