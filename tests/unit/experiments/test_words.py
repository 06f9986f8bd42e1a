"""Numbers as text: whole columns, columns with holes, and columns without a row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from lstm_bench.experiments.crossover import _shown
from lstm_bench.experiments.words import count_range, interval, intervals, told
from lstm_bench.stats.crossing import Crossing

NONE = pd.Series(dtype=float)


def test_a_column_becomes_text_with_a_word_for_holes() -> None:
    assert told(pd.Series([0.5, np.nan, 2.0]), "{:.1f}").tolist() == ["0.5", "–", "2.0"]
    low, high = pd.Series([0.0, 0.1, np.nan]), pd.Series([1.0, np.nan, 1.0])
    assert intervals(low, high, "{:.1f}").tolist() == [" [0.0, 1.0]", "", ""]
    assert interval(-0.1, 0.25, "{:+.2f}") == " [-0.10, +0.25]"


def test_text_of_no_row_can_be_joined_to_text() -> None:
    joined = told(NONE, "{:.1f}") + " (" + told(NONE, "{:.1f}") + ")" + intervals(NONE, NONE, "{}")
    assert joined.tolist() == []
    assert joined.dtype == object


@pytest.mark.parametrize(
    ("counts", "shown"), [([10, 10], "10"), ([4, 10, 7], "4-10"), ([], "0"), ([np.nan], "0")]
)
def test_counts_are_told_as_one_or_as_a_range(counts: list[float], shown: str) -> None:
    assert count_range(counts) == shown


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        (Crossing(23.2, 15.1, 41.0, ""), "23 [15, 41]"),
        (Crossing(5.0, 5.0, 12.0, "below"), "≤ 5 [≤ 5, 12]"),
        (Crossing(100.0, 32.0, 99.99999999999999, "above"), "> 100 [32, > 100]"),
        (Crossing(100.0, 100.0, 100.0, "above"), "> 100"),
        (Crossing(23.2, np.nan, np.nan, ""), "23"),
    ],
)
def test_ends_of_a_crossing_carry_their_signs(found: Crossing, shown: str) -> None:
    assert _shown(found, 5, 100) == shown
