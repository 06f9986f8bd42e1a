"""The one interval of a mean: its coverage, and what it says of few values."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lstm_bench.stats.means import mean_interval


@pytest.mark.parametrize("n", [3, 4, 5, 10])
def test_the_interval_covers_a_normal_mean_as_often_as_it_says(n: int) -> None:
    rng = np.random.default_rng(0)
    found = [mean_interval(rng.normal(1.0, 2.0, n)) for _ in range(600)]
    assert np.mean([low <= 1.0 <= high for _, low, high in found]) >= 0.90


def test_the_mean_of_capped_times_is_covered_better_than_by_plain_percentiles() -> None:
    """Log-normal times, capped as unsolved replicates are: plain percentiles cover 0.85."""
    rng = np.random.default_rng(0)
    truth = np.minimum(rng.lognormal(0, 1, 10**6), 3).mean()
    draws = np.minimum(rng.lognormal(0, 1, (600, 10)), 3)
    found = [mean_interval(times) for times in draws]
    assert np.mean([low <= truth <= high for _, low, high in found]) >= 0.89


def test_one_value_has_no_interval_and_none_has_no_mean() -> None:
    mean, low, high = mean_interval([0.5, float("nan"), float("inf")])
    assert mean == 0.5
    assert math.isnan(low)
    assert math.isnan(high)
    assert all(map(math.isnan, mean_interval([])))


def test_equal_values_have_an_interval_of_no_width() -> None:
    assert mean_interval([7.0] * 5) == mean_interval([7.0, 7.0]) == (7, 7, 7)
