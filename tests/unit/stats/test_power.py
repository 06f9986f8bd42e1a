from __future__ import annotations

import numpy as np
import pytest

from lstm_bench.stats.comparisons import sign_flip
from lstm_bench.stats.power import detectable, power, replicates_needed


@pytest.mark.parametrize(("n", "alpha", "effect"), [(8, 0.05, 1.0), (10, 0.05 / 8, 1.5)])
def test_the_power_of_sign_flips_is_as_stated(n: int, alpha: float, effect: float) -> None:
    rng = np.random.default_rng(7)
    simulations = 200
    found = np.mean([sign_flip(rng.normal(effect, 1, n)) <= alpha for _ in range(simulations)])
    assert found == pytest.approx(power(effect, n, alpha), abs=0.08)


def test_without_an_effect_the_power_is_alpha() -> None:
    assert power(0.0, 10, 0.05) == pytest.approx(0.05)


@pytest.mark.parametrize("n", [5, 10, 20])
def test_the_smallest_detectable_effect_is_detected_as_often_as_wanted(n: int) -> None:
    effect = detectable(2.0, n, 0.01, wanted=0.8)
    assert power(effect / 2.0, n, 0.01) == pytest.approx(0.8, abs=1e-6)


def test_the_replicates_needed_reach_the_power_and_one_fewer_do_not() -> None:
    values = np.random.default_rng(9).normal(1.0, 1, 10)
    n = replicates_needed(values, 0.0, claims=8, alpha=0.05)
    assert n is not None
    size = float(np.mean(values) / np.std(values, ddof=1))
    assert power(size, n, 0.05 / 8) >= 0.8 > power(size, n - 1, 0.05 / 8)


def test_no_number_of_replicates_tells_a_threshold_from_itself() -> None:
    assert replicates_needed([1.0, -1.0], 0.0, claims=8, alpha=0.05) is None
    assert replicates_needed([0.0011, -0.001] * 5, 0.0, claims=8, alpha=0.05) is None
    assert replicates_needed([1.0, 1.0], 0.0, claims=8, alpha=0.05) == 9
