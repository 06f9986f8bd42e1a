"""Power or exponential: known curves come out, and noise is not taken for an answer."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from lstm_bench.stats.scaling import EXPONENTIAL, POWER, Mean, compare, fit, mean_log2

RUNS, SEEDS, SPREAD = 120, 20, 0.5  # of log2 of a replicate's updates, about that of the study


def lengths(count: int) -> np.ndarray:
    return 10 * 2.0 ** np.arange(count)


def exact(count: int, form: str, slope: float) -> list[Mean]:
    x = np.log2(lengths(count)) if form == POWER else lengths(count)
    return [Mean(T, 3 + slope * at, 0.05) for T, at in zip(lengths(count), x)]


@pytest.mark.parametrize(("form", "slope"), [(POWER, 0.7), (POWER, -0.2), (EXPONENTIAL, 0.01)])
def test_a_curve_without_noise_is_found_again(form: str, slope: float) -> None:
    found = fit(exact(6, form, slope), form)
    assert found.slope == pytest.approx(slope, rel=1e-6)
    assert found.low < slope < found.high
    assert found.at(np.array([10.0, 80.0])) == pytest.approx(
        [3 + slope * (np.log2(T) if form == POWER else T) for T in (10, 80)]
    )


def test_three_lengths_are_too_few() -> None:
    with pytest.raises(ValueError, match="3 lengths"):
        fit(exact(3, POWER, 1.0), POWER)


def test_what_is_not_solved_counts_as_longer_than_the_budget() -> None:
    rng = np.random.default_rng(0)
    times = 2 ** rng.normal(10.0, 1.0, 4000)
    budget = 2**10.5
    mean, error = mean_log2(np.minimum(times, budget), times < budget)
    assert mean == pytest.approx(10.0, abs=0.06)
    assert 0 < error < 0.05
    plain, _ = mean_log2(np.minimum(times, budget), np.ones(4000, bool))
    assert plain < 9.8


@cache
def called(form: str, count: int, growth: float, scatter: float) -> tuple[float, float, float]:
    """Shares of simulated studies that call the right form, and the wrong one, and whose interval
    holds the slope: times grow by T^growth from the first length to the last.
    """
    rng = np.random.default_rng(count)
    T = lengths(count)
    x = np.log2(T) if form == POWER else T
    slope = growth * np.log2(T[-1] / T[0]) / (x[-1] - x[0])
    right = wrong = covered = 0
    for _ in range(RUNS):
        curve = 6 + slope * (x - x[0]) + scatter * rng.standard_normal(count)
        logs = curve[:, None] + SPREAD * rng.standard_normal((count, SEEDS))
        means = [Mean(at, *mean_log2(2**row, np.ones(SEEDS, bool))) for at, row in zip(T, logs)]
        power, exponential, _, found = compare(means)
        own = power if form == POWER else exponential
        right, wrong = right + (found == form), wrong + (found not in (form, "either"))
        covered += own.low <= slope <= own.high
    return right / RUNS, wrong / RUNS, covered / RUNS


@pytest.mark.parametrize("form", [POWER, EXPONENTIAL])
@pytest.mark.parametrize("count", [4, 6, 8])
@pytest.mark.parametrize(("growth", "scatter"), [(0.25, 0.4), (0.5, 0.2), (1.0, 0.4)])
def test_the_wrong_form_is_rarely_called(form, count, growth, scatter) -> None:
    _, wrong, covered = called(form, count, growth, scatter)
    assert wrong <= 0.085  # a share of .05 of 120 runs lies below it in 19 of 20
    assert covered >= 0.83


@pytest.mark.parametrize("form", [POWER, EXPONENTIAL])
def test_eight_lengths_tell_a_square_root_from_an_exponential_and_four_flat_ones_nothing(form):
    assert called(form, 8, 0.5, 0.2)[0] > 0.9
    assert called(form, 4, 0.25, 0.4)[0] < 0.2
