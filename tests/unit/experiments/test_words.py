"""Numbers as text: whole columns, columns with holes, and columns without a row."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from lstm_bench.experiments.horizon import HorizonExperiment
from lstm_bench.experiments.words import interval, intervals, not_trained, spans, told

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


def test_a_horizon_says_between_which_lengths_it_lies_and_what_was_not_tried() -> None:
    solved = {"elman": [12, 6, 0], "jordan": [0, 5, 0], "lstm": [12, 12, 12]}
    table = pd.DataFrame(
        {"task": "adding", "cell": cell, "T": T, "solved": k, "n": 12, "tried": True}
        for cell, each in solved.items()
        for T, k in zip((10, 20, 40), each)
    )
    last = {"task": "adding", "T": 80, "solved": 0, "n": 0, "tried": False}
    table = pd.concat([table, pd.DataFrame([{**last, "cell": cell} for cell in ("elman", "irnn")])])
    experiment, seen = (
        HorizonExperiment(),
        SimpleNamespace(tasks=["adding"], cells=[*solved, "irnn"]),
    )
    summary = experiment.summary(table, seen)  # type: ignore[arg-type]
    assert experiment.display(summary).set_index("cell")["T* on adding"].to_dict() == {
        "elman": "10–40",
        "jordan": "< 40 (not monotone: 20)",
        "lstm": "> 40",
    }
    assert summary.longest_tried.tolist() == [40, 40, 40]
    assert np.isnan(summary.high[2])
