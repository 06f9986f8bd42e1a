"""Intervals over seeds and blocks cover what they should, and neither source alone does."""

from __future__ import annotations

import numpy as np
import pytest

from lstm_bench.stats.blocks import Items

N, S = 1500, 5


def losses(rng: np.random.Generator, seeds: float, memory: float) -> tuple[np.ndarray, np.ndarray]:
    """By seed (S, N), and of a baseline (N,): means 0.8 and 1, whose items remember each other."""
    shared, own, other = (_remembering(rng, memory) for _ in range(3))
    by_seed = 0.8 + seeds * rng.normal(size=(S, 1)) + 0.3 * shared + 0.2 * own
    return by_seed + 0.1 * rng.normal(size=(S, N)), 1 + 0.4 * shared + 0.2 * other


def _remembering(rng: np.random.Generator, memory: float) -> np.ndarray:
    from scipy.signal import lfilter

    noise = rng.normal(size=N + 200) * np.sqrt(1 - memory**2)
    return lfilter([1.0], [1.0, -memory], noise)[200:]


def coverage(items: Items, seeds: float, memory: float, times: int = 60) -> float:
    rng = np.random.default_rng(1)
    found = [items.ratio(*losses(rng, seeds, memory)) for _ in range(times)]
    return float(np.mean([each.low <= 0.8 <= each.high for each in found]))


@pytest.mark.parametrize("seeds", [0.0, 0.02, 0.1])
def test_the_interval_of_a_ratio_covers_it(seeds: float):
    assert coverage(Items(np.ones(N), overlap=16), seeds, memory=0.7) >= 0.87


def test_items_taken_as_independent_would_promise_too_much():
    assert coverage(OneByOne(np.ones(N)), 0.0, memory=0.9, times=20) < 0.75


class OneByOne(Items):
    """Resampled an item at a time."""

    length = 1  # type: ignore[assignment]


def test_the_shares_say_whose_the_variance_is():
    rng, items = np.random.default_rng(2), Items(np.ones(N), overlap=16)
    assert items.ratio(*losses(rng, 0.0, 0.7)).data > 0.9
    assert items.ratio(*losses(rng, 0.3, 0.7)).data < 0.1


def test_a_pair_that_differs_by_a_factor_alone_has_no_interval_to_speak_of():
    base = 1 + np.random.default_rng(3).random(N)
    found = Items(np.ones(N), overlap=8).ratio(np.stack([0.5 * base] * S), base)
    assert (found.value, found.low, found.high) == pytest.approx((0.5, 0.5, 0.5))


def test_items_that_only_one_has_measured_count_in_neither():
    base = np.ones(N)
    half = np.where(np.arange(N) % 2, 2.0, np.nan)
    every = np.where(np.arange(N) % 2, base, 100.0)
    assert Items(base).ratio(half, every).value == pytest.approx(2.0)


def test_weights_count_answers():
    weights = np.array([3.0, 1.0] * 100)
    assert Items(weights).level(np.array([0.0, 4.0] * 100)).value == pytest.approx(1.0)


def test_too_few_blocks_or_one_seed_decide_nothing():
    rng = np.random.default_rng(4)
    few = Items(np.ones(40), overlap=20).level(rng.random((S, 40)))
    shorter = Items(np.ones(10), overlap=32).level(rng.random((S, 10)))
    assert np.isnan([shorter.low, shorter.high]).all()
    one = Items(np.ones(N)).level(rng.random((1, N)))
    assert np.isnan([few.low, few.high, one.low, one.high]).all()
    assert few.value == pytest.approx(0.5, abs=0.1)
