"""Medians by order statistics, exponents by a line in logarithms."""

from __future__ import annotations

import numpy as np
import pytest

from lstm_bench.stats.timing import exponent, median


@pytest.mark.parametrize(
    ("n", "k", "coverage"),
    [  # David & Nagaraja, Order Statistics: 1 - 2 sum_{i<k} C(n, i) / 2^n
        (6, 1, 1 - 2 / 64),
        (9, 2, 1 - 2 * (1 + 9) / 512),
        (11, 2, 1 - 2 * (1 + 11) / 2048),
        (15, 4, 1 - 2 * (1 + 15 + 105 + 455) / 2**15),
    ],
)
def test_the_interval_lies_between_the_order_statistics_of_the_binomial(
    n: int, k: int, coverage: float
):
    found = median(np.random.default_rng(0).permutation(np.arange(1.0, n + 1)))
    assert (found.low, found.high) == (k, n + 1 - k)
    assert found.coverage == pytest.approx(coverage)
    assert found.coverage >= 0.95
    assert found.value == (n + 1) / 2


def test_too_few_samples_give_their_range_and_say_how_much_it_covers():
    found = median([3.0, 1.0, 2.0])
    assert (found.value, found.low, found.high) == (2.0, 1.0, 3.0)
    assert found.coverage == pytest.approx(0.75)
    assert (median([5.0]).low, median([5.0]).coverage) == (5.0, 0.0)


def test_nothing_measured_is_nan_and_not_an_error():
    found = median([])
    assert found.n == 0
    assert np.isnan(found.value)


def test_the_interval_covers_the_true_median_as_often_as_it_says():
    rng = np.random.default_rng(1)
    found = [median(rng.lognormal(size=9)) for _ in range(2000)]
    covered = np.mean([m.low <= 1.0 <= m.high for m in found])
    assert covered == pytest.approx(found[0].coverage, abs=0.015)


def test_the_exponent_of_a_power_law_is_its_power():
    x = np.array([100, 300, 1000, 10000])
    assert exponent(x, 3e-6 * x**1.03) == pytest.approx(1.03)
    assert np.isnan(exponent([100, 100], [1.0, 2.0]))
