from __future__ import annotations

import math

import numpy as np
import pytest

from lstm_bench.stats.crossing import Ratio, crossing, paired_ratio
from lstm_bench.stats.ladder import Bracket


def ratios(*values: float, n: int = 8, noise: float = 0.1) -> list[Ratio]:
    spread = np.exp(noise * np.linspace(-2, 2, n)) if n > 1 else np.ones(1)
    return [paired_ratio(value * spread, np.ones(n)) for value in values]


def test_the_ratio_is_of_pairs_which_stay_together() -> None:
    reference = np.array([100.0, 200.0, 400.0, 800.0])
    found = paired_ratio(3 * reference, reference)
    assert (found.value, found.low, found.high) == pytest.approx((3, 3, 3))
    swapped = paired_ratio(reference, 3 * reference)
    assert swapped.value == pytest.approx(1 / 3)


def test_it_lies_between_the_lengths_on_whose_sides_the_ratios_surely_are() -> None:
    assert crossing([10, 20, 40], ratios(0.5, 0.6, 2.0), [1, 1, 1]) == Bracket(20, 40)
    assert crossing([10, 20, 40], ratios(0.5, 1.0, 2.0), [1, 1, 1]) == Bracket(10, 40)


def test_dearer_updates_move_it_to_shorter_lengths_and_beyond_the_ends() -> None:
    two = ratios(0.5, 2.0)
    shown = [crossing([10, 40], two, [times] * 2).shown for times in (1, 3, 0.1)]
    assert shown == ["10–40", "< 10", "> 40"]


def test_ratios_that_are_unsure_leave_it_open() -> None:
    assert crossing([10, 40], ratios(0.8, 4.0, noise=0.8), [1, 1]) == Bracket(0, 40)
    assert crossing([10], ratios(0.5, n=1), [1]) == Bracket(0, math.inf)
