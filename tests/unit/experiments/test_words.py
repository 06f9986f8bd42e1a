"""Numbers as text: whole columns, columns with holes, and columns without a row."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from lstm_bench.experiments.crossover import _shown
from lstm_bench.experiments.horizon import HorizonExperiment
from lstm_bench.experiments.words import interval, intervals, not_trained, spans, told
from lstm_bench.stats.crossing import Crossing

NONE = pd.Series(dtype=float)


def test_a_column_becomes_text_with_a_word_for_holes() -> None:
    assert told(pd.Series([0.5, np.nan, 2.0]), "{:.1f}").tolist() == ["0.5", "–", "2.0"]
    low, high = pd.Series([0.0, 0.1, np.nan]), pd.Series([1.0, np.nan, 1.0])
    assert intervals(low, high, "{:.1f}").tolist() == [" [0.0, 1.0]", "", ""]
    assert interval(-0.1, 0.25, "{:+.2f}") == " [-0.10, +0.25]"
    table = pd.DataFrame({"mean": [0.5, np.nan], "mean_low": [0.4, 0], "mean_high": [np.nan, 1]})
    assert spans(table, "mean", "{:.1f}").tolist() == ["0.5", "– [0.0, 1.0]"]


def test_text_of_no_row_can_be_joined_to_text() -> None:
    joined = told(NONE, "{:.1f}") + " (" + told(NONE, "{:.1f}") + ")" + intervals(NONE, NONE, "{}")
    assert joined.tolist() == []
    assert joined.dtype == object


@pytest.mark.parametrize(
    ("ends", "failed", "shown"),
    [
        (["timeout"] * 54, 54, "all 54 replicates timed out"),
        (["diverged"], 1, "the one replicate diverged"),
        (
            ["timeout"] * 3 + ["error"] + ["diverged"] * 2,
            6,
            "6 of 6 replicates were not trained to an end "
            "(3 timed out, 2 diverged, 1 ended in an error)",
        ),
        (
            ["solved", "unsolved", "timeout"],
            1,
            "1 of 3 replicates were not trained to an end (1 timed out)",
        ),
    ],
)
def test_replicates_that_were_not_trained_to_an_end_are_counted(
    ends: list[str], failed: int, shown: str
) -> None:
    assert not_trained(ends) == (failed, shown)


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


@pytest.mark.parametrize(
    ("ends", "shown"),
    [(("below", "below"), "≤ 20"), (("below", "above"), "≤ 20 [≤ 20, > 20]")],
)
def test_a_crossing_at_the_one_length_says_how_sure_it_is(
    ends: tuple[str, str], shown: str
) -> None:
    assert _shown(Crossing(20.0, 20.0, 20.0, "below", ends), 20, 20) == shown


def test_a_horizon_at_the_one_length_says_how_sure_it_is() -> None:
    solved = {"elman": 5, "jordan": 0, "lstm": 10}
    table = pd.DataFrame(
        {"task": "adding", "cell": cell, "T": 20, "solved": k, "n": 10, "learning_rate": 0.01}
        for cell, k in solved.items()
    )
    experiment, seen = HorizonExperiment(), SimpleNamespace(tasks=["adding"], cells=list(solved))
    display = experiment.display(experiment.summary(table, seen)).set_index("cell")  # type: ignore[arg-type]
    assert display["T* on adding"].to_dict() == {
        "elman": "≥ 20 [< 20, ≥ 20]",
        "jordan": "< 20",
        "lstm": "≥ 20",
    }
