from __future__ import annotations

import numpy as np
import pytest
from lifelines.statistics import logrank_test
from scipy.integrate import quad
from scipy.stats import norm

from lstm_bench.stats.means import mean_interval
from lstm_bench.stats.survival import (
    logrank,
    solved_by,
    time_to_solve,
    told_apart,
)


def test_without_censoring_the_mean_and_the_median_are_the_plain_ones() -> None:
    times = np.array([100.0, 200, 300, 400, 500])
    found = time_to_solve(times, np.ones(5, bool), 1000)
    assert found.mean == pytest.approx(300)
    assert found.median == 300
    assert (found.n, found.solved) == (5, 5)


def test_the_unsolved_count_up_to_the_budget() -> None:
    times = np.array([100.0, 1000, 1000, 1000])
    found = time_to_solve(times, np.array([True, False, False, False]), 1000)
    assert found.mean == pytest.approx((100 + 3 * 1000) / 4)
    assert found.median == np.inf
    assert found.mean_low <= found.mean <= found.mean_high <= 1000


def test_a_curve_starts_at_nothing_and_ends_at_the_share_that_solved() -> None:
    times = np.array([50.0, 100, 150, 200])
    curve = solved_by(times, np.array([True, True, True, False]))
    assert curve.share.iloc[0] == 0
    assert curve.share.iloc[-1] == pytest.approx(0.75)
    assert ((curve.low <= curve.share) & (curve.share <= curve.high)).all()


def test_nobody_solving_is_an_answer_too() -> None:
    found = time_to_solve(np.full(5, 1000.0), np.zeros(5, bool), 1000)
    assert (found.solved, found.median, found.mean) == (0, np.inf, 1000)


FEW = 399  # relabellings: enough for a level of 0.05, and quick
NAMES = ("one", "two", "three")


def drawn(
    rng: np.random.Generator, n: int, rate: float, budget: float = 1.5
) -> tuple[np.ndarray, np.ndarray]:
    """Exponential times read at a grain of budget / 30, as evaluations are, censored there."""
    times = np.ceil(rng.exponential(1 / rate, n) * 30 / budget) * budget / 30
    return np.minimum(times, budget), times <= budget


@pytest.mark.parametrize("n", [5, 10, 20])
def test_the_log_rank_test_rejects_equal_cells_as_rarely_as_it_says(n: int) -> None:
    rng = np.random.default_rng(n)
    p = [logrank(drawn(rng, n, 1), drawn(rng, n, 1), FEW) for _ in range(250)]
    assert np.mean(np.array(p) <= 0.05) <= 0.091  # three standard errors above 0.05


def test_the_power_of_the_log_rank_test_is_that_of_the_formula() -> None:
    """Schoenfeld (1981): Phi(|log hazard ratio| sqrt(events) / 2 - z), alpha = 0.05."""
    rng, found, events = np.random.default_rng(0), [], []
    for _ in range(200):
        first, second = drawn(rng, 20, 1), drawn(rng, 20, 3)
        found.append(logrank(first, second, FEW) <= 0.05)
        events.append(first[1].sum() + second[1].sum())
    expected = norm.cdf(np.log(3) * np.sqrt(np.mean(events)) / 2 - norm.isf(0.025))
    assert np.mean(found) == pytest.approx(expected, abs=0.09)


def test_the_log_rank_test_is_that_of_lifelines_and_has_an_answer_without_events() -> None:
    rng = np.random.default_rng(1)
    first, second = drawn(rng, 40, 1), drawn(rng, 50, 1.4)
    theirs = logrank_test(first[0], second[0], first[1], second[1]).p_value
    assert logrank(first, second) == pytest.approx(theirs, abs=0.02)
    nobody = (np.full(5, 2.0), np.zeros(5, bool))
    assert logrank(nobody, nobody) == 1
    at_once = (np.full(5, 2.0), np.ones(5, bool))
    assert logrank(at_once, at_once) == 1
    with pytest.raises(ValueError, match="a replicate"):
        logrank(nobody, (np.empty(0), np.empty(0, bool)))


def test_the_log_rank_test_of_one_replicate_is_that_of_its_place_among_all() -> None:
    one, other = (np.array([1.0]), np.array([True])), (np.array([2.0]), np.array([True]))
    assert logrank(one, other) == logrank(other, one) == 1  # of two, one is always the first
    many = (np.arange(2.0, 101.0), np.ones(99, bool))
    assert logrank(one, many) == pytest.approx(2 / 100)
    assert logrank(many, one) == pytest.approx(2 / 100)
    middle = (np.array([50.5]), np.array([True]))
    assert logrank(middle, many) > 0.9


def test_equal_cells_share_a_letter_in_nearly_every_family() -> None:
    """The chance that any of three equal cells is told apart is at most alpha: Holm."""
    rng = np.random.default_rng(2)
    families = [
        told_apart({name: drawn(rng, 10, 1) for name in NAMES}, relabellings=FEW)
        for _ in range(150)
    ]
    wrong = np.mean([set(each.letters.values()) != {"a"} for each in families])
    assert wrong <= 0.104  # three standard errors above 0.05
    far = told_apart({"fast": drawn(rng, 10, 30), "slow": drawn(rng, 10, 0.3)})
    assert far.letters == {"fast": "a", "slow": "b"}
    assert far.p[frozenset(("fast", "slow"))] < 0.01


def test_too_few_replicates_to_tell_any_two_apart_have_no_letters() -> None:
    two = {name: (np.array([i + 1.0, i + 1.5]), np.ones(2, bool)) for i, name in enumerate(NAMES)}
    assert set(told_apart(two, relabellings=FEW).letters.values()) == {"–"}
    alone = {"one": two["one"]}
    assert told_apart(alone, relabellings=FEW).letters == {"one": "a"}


@pytest.mark.parametrize("n", [10, 20])
def test_the_interval_of_a_difference_of_restricted_means_covers_it(n: int) -> None:
    rng, covered = np.random.default_rng(n), 0
    # E min(X, c) of X gamma(2) with scale s: the integral of (1 + x / s) exp(-x / s) from 0 to c
    slow_mean, fast_mean = (
        quad(lambda x, s=s: (1 + x / s) * np.exp(-x / s), 0, 1.5)[0] for s in (0.5, 0.25)
    )
    for _ in range(300):
        shared = rng.exponential(1, (2, n))  # half of a seed's luck is common to both cells
        slow = np.minimum(0.5 * (shared[0] + rng.exponential(1, n)), 1.5)
        fast = np.minimum(0.25 * (shared[0] + rng.exponential(1, n)), 1.5)
        _, low, high = mean_interval(slow - fast)
        covered += low <= slow_mean - fast_mean <= high
    assert 0.90 <= covered / 300 <= 0.98
