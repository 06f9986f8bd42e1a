"""What a cell needs as a ratio to a reference, on times that are known."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from lstm_bench.experiments.base import Evidence
from lstm_bench.experiments.time_ratios import beside_reference, cheaper_from, direction
from lstm_bench.experiments.training_time import TrainingTime
from tests.unit.experiments.hand_made import BUDGET, evidence, planned

Times = dict[tuple[str, str, int], list[int | None]]


def solved_at(times: Times) -> Evidence:
    """Updates to solve by task, cell and T, a seed each; None: unsolved. An LSTM costs four."""
    plan, rows = {}, []
    for (task, cell, T), each in times.items():
        condition = f"{task}{cell}{T}"
        plan[condition] = planned(flops=400 if cell == "lstm" else 100)
        about = {"condition": condition, "task_label": task, "cell_label": cell, "T": T}
        about |= {"backend": "loop"}
        rows += [{**about, "updates_to_solve": updates} for updates in each]
    return evidence(rows, plan)


STEPS: Times = {
    ("adding", "elman", 10): [100] * 6,
    ("adding", "lstm", 10): [50] * 6,
    ("adding", "elman", 40): [None] * 6,
    ("adding", "lstm", 40): [100] * 6,
    ("order", "elman", 10): [10, 20, 30, 10, 20, 30],
    ("order", "lstm", 10): [20, 40, 60, 20, 40, 60],
}


def test_ratios_are_of_the_same_seed_and_of_operations_as_well() -> None:
    found = beside_reference(solved_at(STEPS).runs, "lstm")
    easy, hard = found["adding", "elman", 10], found["adding", "elman", 40]
    assert (easy["pairs"], easy["updates_ratio"], easy["flops_ratio"]) == (6, 2, 0.5)
    assert hard["updates_ratio"] == pytest.approx(BUDGET / 100)  # a bound: counted at the budget
    assert found["order", "elman", 10]["updates_ratio"] == pytest.approx(0.5)
    assert found["adding", "lstm", 10]["pairs"] == 0


def test_the_reference_becomes_cheaper_between_two_lengths() -> None:
    table = TrainingTime().table(solved_at(STEPS))
    rows = table[(table.task == "adding") & (table.cell == "elman")]
    assert cheaper_from(rows) == {"fewer_updates_from": "< 10", "fewer_flops_from": "10–40"}
    assert cheaper_from(rows[:0]) == {"fewer_updates_from": "", "fewer_flops_from": ""}


def test_the_finding_names_the_tasks_by_direction_where_both_solve() -> None:
    runs = solved_at(STEPS).runs
    told = direction(runs, "lstm", ["elman", "lstm"])
    assert "fewer on adding; more on order" in told
    assert "No length is solved by both" in direction(runs[runs["T"] == 40], "lstm", ["elman"])


@pytest.mark.parametrize("missing", [["elman"], []])
def test_without_a_pair_there_is_no_ratio(missing: list[str]) -> None:
    runs: pd.DataFrame = solved_at(STEPS).runs
    found: dict[Any, dict[str, Any]] = beside_reference(runs[runs.cell.isin(missing)], "lstm")
    assert all(row["pairs"] == 0 for row in found.values())
