"""What the statistics read off replicates, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from lstm_bench.claims.statistics import (
    flops_per_update,
    flops_to_solve,
    reach,
    rows_where,
    updates_to_solve,
)
from tests.unit.experiments.hand_made import evidence, planned

BUDGET = 400


def replicate(cell: str, T: int, seed: int, updates: float | None, **more: Any) -> dict[str, Any]:
    return {
        "task_label": "adding",
        "cell_label": cell,
        "T": T,
        "seed": seed,
        "updates_to_solve": updates,
        "condition": "c",
        **more,
    }


def seen(*rows: dict[str, Any]) -> pd.DataFrame:
    """The runs of these replicates, without those that an error ended."""
    runs = evidence(rows, {"c": planned(flops=8, updates=BUDGET)}).runs
    return runs[runs.status != "error"]


def of(values: pd.DataFrame) -> dict[tuple[str, int], float]:
    return {(row.cell, row.seed): row.value for row in values.itertuples()}


def climbed(cell: str, seed: int, *ends: str, first: int = 10) -> list[dict[str, Any]]:
    """A replicate a length, from `first` on by factors of 2, with these ends."""
    return [
        replicate(cell, first * 2**i, seed, 100 if end == "solved" else None, status=end)
        for i, end in enumerate(ends)
    ]


def test_the_reach_is_the_longest_length_solved_with_all_shorter_ones() -> None:
    rows = [
        *climbed("lstm", 0, "solved", "solved", "solved"),
        *climbed("lstm", 1, "solved", "unsolved", "solved"),
        *climbed("lstm", 2, "solved", "error", "unsolved"),
        *climbed("lstm", 3, "solved", "unsolved", "error"),
        *climbed("elman", 0, "diverged", "not tried", "not tried"),
        *climbed("elman", 1, "solved", "solved", "not tried"),
    ]
    found = {key: 2.0**value for key, value in of(reach(seen(*rows), ["lstm", "elman"])).items()}
    assert found == pytest.approx(
        {("lstm", 0): 40, ("lstm", 1): 10, ("lstm", 3): 10, ("elman", 0): 5, ("elman", 1): 20}
    )


def test_a_midpoint_that_one_cell_was_tried_at_is_no_rung_of_another() -> None:
    rows = [
        *climbed("lstm", 0, "solved", "solved", "unsolved"),
        replicate("lstm", 28, 0, 100, status="solved"),
        *climbed("lstm", 1, "solved", "unsolved", "unsolved"),
        replicate("lstm", 28, 1, None, status="unsolved"),
        *climbed("elman", 0, "solved", "solved", "not tried"),
        *climbed("elman", 1, "unsolved", "unsolved", "not tried"),
    ]
    found = {key: 2.0**value for key, value in of(reach(seen(*rows), ["lstm", "elman"])).items()}
    assert found == pytest.approx(
        {("lstm", 0): 28, ("lstm", 1): 10, ("elman", 0): 20, ("elman", 1): 5}
    )


def test_a_length_of_which_a_seed_was_not_tried_is_not_compared() -> None:
    rows = [row for seed in (0, 1) for row in climbed("lstm", seed, "solved", "solved")]
    rows += climbed("elman", 0, "solved", "solved")
    rows += climbed("elman", 1, "solved", "not tried")
    values = updates_to_solve(seen(*rows), ["lstm", "elman"])
    assert len(values) == 4
    assert set(values.value) == {np.log2(100)}
    alone = [row for row in rows if row["T"] == 20]
    assert updates_to_solve(seen(*alone), ["lstm", "elman"]).empty


def test_the_shortest_length_is_that_of_each_task() -> None:
    table = pd.DataFrame({"task": ["a", "a", "b"], "T": [10, 20, 20]})
    assert rows_where(table, {"T": "shortest"}).index.tolist() == [0, 2]


def test_updates_are_compared_where_both_solve_and_the_unsolved_count_at_the_budget() -> None:
    rows = [replicate("lstm", T, seed, 100) for T in (10, 20) for seed in (0, 1)]
    rows += [replicate("elman", 10, 0, 200), replicate("elman", 10, 1, None)]
    rows += [replicate("elman", 20, 0, None), replicate("elman", 20, 1, None)]
    found = of(updates_to_solve(seen(*rows), ["lstm", "elman"]))
    assert found[("lstm", 0)] == pytest.approx(np.log2(100))
    assert found[("elman", 0)] == pytest.approx(np.log2(200))
    assert found[("elman", 1)] == pytest.approx(np.log2(BUDGET))


def test_operations_to_solve_are_updates_times_those_of_an_update() -> None:
    rows = [replicate(cell, 10, 0, 100) for cell in ("lstm", "elman")]
    assert flops_to_solve(seen(*rows), ["lstm", "elman"]).value.tolist() == [np.log2(800)] * 2


def test_where_no_length_is_solved_by_both_there_is_nothing_to_compare() -> None:
    rows = [replicate("lstm", 10, 0, 100), replicate("elman", 10, 0, None)]
    assert updates_to_solve(seen(*rows), ["lstm", "elman"]).empty


def test_operations_are_those_of_every_length_and_width() -> None:
    about = {"task": "adding", "T": 10, "width": 8, "flops_per_update": 8}
    probe = pd.DataFrame([{**about, "cell": "lstm"}, {**about, "cell": "lstm", "width": 16}])
    assert flops_per_update(probe, ["lstm"]).value.tolist() == [3.0, 3.0]
    assert flops_per_update(probe.iloc[:0], ["lstm"]).empty
