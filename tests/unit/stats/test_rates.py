from __future__ import annotations

import numpy as np
import pytest

from lstm_bench.stats.rates import horizon, wilson


@pytest.mark.parametrize(
    ("solved", "n", "low", "high"),
    [(3, 3, 0.44, 1.0), (0, 5, 0.0, 0.43), (10, 10, 0.72, 1.0), (9, 10, 0.60, 0.98)],
)
def test_wilson_intervals_are_the_published_ones(
    solved: int, n: int, low: float, high: float
) -> None:
    assert wilson(solved, n) == pytest.approx((low, high), abs=0.006)


def test_nothing_tried_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_the_horizon_lies_where_the_share_crosses_one_half_on_a_log_scale() -> None:
    found = horizon([10, 40], [10, 0], [10, 10])
    assert found.T == pytest.approx(20)
    assert found.censored == ""
    assert 10 < found.low < 20 < found.high < 40


def test_a_share_above_one_half_at_the_longest_length_is_censored_above() -> None:
    found = horizon([10, 100], [10, 6], [10, 10])
    assert (found.T, found.censored) == (100, "above")


def test_a_share_below_one_half_at_the_shortest_length_is_censored_below() -> None:
    found = horizon([10, 100], [4, 0], [10, 10])
    assert (found.T, found.censored) == (10, "below")


def test_a_share_that_rises_again_is_smoothed_before_it_is_read() -> None:
    assert horizon([10, 20, 40, 80], [10, 4, 6, 0], [10] * 4).T == pytest.approx(40)


def test_the_interval_of_the_horizon_covers_a_known_one() -> None:
    rng = np.random.default_rng(1)
    lengths = np.array([10, 20, 40, 80, 160])
    shares = np.interp(np.log(lengths), np.log([10, 160]), [1, 0])
    truth = 40.0  # half way on the log scale
    covered = 0
    for _ in range(100):
        solved = rng.binomial(10, shares)
        found = horizon(lengths.tolist(), solved.tolist(), [10] * 5, resamples=200)
        covered += found.low <= truth <= found.high
    assert covered >= 88


@pytest.mark.parametrize(
    ("solved", "shown", "interval"),
    [
        ([10, 6, 0], "22", "[16, 27]"),
        ([10, 10, 6], "≥ 40", "[32, ≥ 40]"),
        ([4, 0, 0], "< 10", "[< 10, 12]"),
        ([10, 10, 10], "≥ 40", "[≥ 40, ≥ 40]"),
        ([10, 5, 0], "20", "[15, 26]"),
    ],
)
def test_an_end_of_the_interval_on_an_end_of_the_grid_says_what_lies_beyond(
    solved: list[int], shown: str, interval: str
) -> None:
    found = horizon([10, 20, 40], solved, [10] * 3)
    assert (found.shown, found.interval) == (shown, interval)


@pytest.mark.parametrize(
    ("solved", "n", "shown", "interval"),
    [
        (0, 10, "< 20", "[< 20, < 20]"),
        (3, 10, "< 20", "[< 20, ≥ 20]"),
        (5, 10, "≥ 20", "[< 20, ≥ 20]"),
        (10, 10, "≥ 20", "[≥ 20, ≥ 20]"),
        (0, 3, "< 20", "[< 20, ≥ 20]"),
        (1, 1, "≥ 20", "[< 20, ≥ 20]"),
    ],
)
def test_one_length_tells_on_which_side_of_it_the_ends_lie(
    solved: int, n: int, shown: str, interval: str
) -> None:
    found = horizon([20], [solved], [n])
    assert (found.shown, found.interval) == (shown, interval)
    assert (found.T, found.low, found.high) == (20, 20, 20)


@pytest.mark.parametrize("solved", range(11))
def test_the_interval_of_one_length_holds_the_estimate(solved: int) -> None:
    found = horizon([20], [solved], [10])
    assert found.censored in found.ends
