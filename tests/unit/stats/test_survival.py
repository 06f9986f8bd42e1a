from __future__ import annotations

import numpy as np
import pytest

from lstm_bench.stats.survival import solved_by, time_to_solve


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
