from __future__ import annotations

import math

import numpy as np
import pytest

from lstm_bench.stats.crossing import crossing, paired_ratio


def ratios(values: list[float], n: int = 8, noise: float = 0.0):
    rng = np.random.default_rng(0)
    return [paired_ratio(v * np.exp(noise * rng.normal(size=n)), np.ones(n)) for v in values]


def test_the_ratio_is_of_means_and_pairs_stay_together():
    reference = np.array([100.0, 200.0, 400.0, 800.0])
    found = paired_ratio(3 * reference, reference)
    assert found.value == pytest.approx(3)
    assert found.low == pytest.approx(3)
    assert found.high == pytest.approx(3)


def test_it_is_interpolated_in_the_logarithm_of_the_length():
    found = crossing([10, 40], ratios([0.5, 2.0]), [1, 1])
    assert found.T == pytest.approx(20)
    assert found.censored == ""


def test_dearer_updates_move_it_to_shorter_lengths():
    found = crossing([10, 40], ratios([0.5, 2.0]), [1.4, 1.4])
    assert 10 < found.T < 20
    assert crossing([10, 40], ratios([0.5, 2.0]), [3, 3]).censored == "below"
    assert crossing([10, 40], ratios([0.5, 2.0]), [0.1, 0.1]).censored == "above"


def test_the_interval_widens_with_the_noise_and_needs_three_pairs():
    small, large = (
        crossing([10, 40], ratios([0.5, 2.0], noise=noise), [1, 1]) for noise in (0.1, 0.8)
    )
    assert small.low < small.T < small.high
    assert large.high - large.low > small.high - small.low
    assert math.isnan(crossing([10, 40], ratios([0.5, 2.0], n=2), [1, 1]).low)


@pytest.mark.parametrize(
    ("value", "noise", "censored", "ends"),
    [
        (0.5, 0.1, "above", ("above", "above")),
        (2.0, 0.1, "below", ("below", "below")),
        (0.6, 0.8, "above", ("below", "above")),
    ],
)
def test_one_length_tells_on_which_side_of_it_the_ends_lie(
    value: float, noise: float, censored: str, ends: tuple[str, str]
):
    found = crossing([20], ratios([value], noise=noise), [1])
    assert (found.censored, found.ends) == (censored, ends)


def test_an_end_beyond_the_grid_says_so_and_one_inside_does_not():
    found = crossing([10, 40], ratios([0.5, 2.0], noise=0.8), [1.6, 1.6])
    assert found.ends == ("below", "")
    assert found.low == pytest.approx(10)
    assert found.high < 40
