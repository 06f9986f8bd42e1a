from __future__ import annotations

import pytest

from lstm_bench.stats.rates import wilson


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
