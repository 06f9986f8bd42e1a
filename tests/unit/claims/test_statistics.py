"""What the statistics read off replicates, by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from lstm_bench.claims.statistics import (
    flops_per_update,
    flops_to_solve,
    share_of_lengths,
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
    """The runs of these replicates that are judged."""
    runs = evidence(rows, {"c": planned(flops=8, updates=BUDGET)}).runs
    return runs[runs.judged]


def of(values: pd.DataFrame) -> dict[tuple[str, int], float]:
    return {(row.cell, row.seed): row.value for row in values.itertuples()}


def test_the_share_of_lengths_is_that_of_a_seed_and_an_error_takes_it_out() -> None:
    stored = seen(
        replicate("lstm", 10, 0, 100),
        replicate("lstm", 20, 0, None),
        replicate("lstm", 10, 1, 100),
        replicate("lstm", 20, 1, None, status="error"),
        replicate("elman", 10, 0, None, status="diverged"),
        replicate("elman", 20, 0, None),
    )
    found = of(share_of_lengths(stored, ["lstm", "elman"]))
    assert found == {("lstm", 0): 0.5, ("elman", 0): 0.0}


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
