"""What every experiment starts from: one row a replicate, with what its arm is as columns."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lstm_bench.experiments.run import conclude, evidence
from lstm_bench.experiments.runs import (
    NOT_TRIED,
    ends_of,
    frame,
    groups,
    log2_updates,
    mean_updates_of,
    rate_of,
)
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from tests.unit.experiments import hand_made
from tests.unit.experiments.hand_made import BUDGET, planned
from tests.unit.experiments.outcomes import alike, made, store

ENDS = [  # status, updates to solve; what is judged, solved and counted
    ("solved", 300, True, True, 300),
    ("unsolved", None, True, False, BUDGET),
    ("diverged", 300, True, False, BUDGET),  # it had solved the task, and lost it
    ("timeout", None, True, False, BUDGET),
    ("error", None, False, False, BUDGET),
    (NOT_TRIED, None, False, False, BUDGET),  # shorter rungs of its ladder failed
]


def seen(rows: list[dict[str, Any]], **plan: Any) -> pd.DataFrame:
    about = {"condition": "c", "task_label": "adding", "cell_label": "lstm", "T": 20}
    return hand_made.evidence([{**about, **row} for row in rows], plan or {"c": planned()}).runs


def every_end() -> pd.DataFrame:
    return seen([{"status": status, "updates_to_solve": at} for status, at, *_ in ENDS])


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The plan of an experiment of which every replicate ended so."""
    monkeypatch.chdir(tmp_path)

    def plan(name: str, end: str = "solved", **changes: Any) -> Plan:
        found = made(name, **changes)
        store(found, [name], alike(end))
        return found

    return plan


def test_what_did_not_solve_is_censored_at_the_budget_and_an_error_is_not_judged() -> None:
    runs = every_end()
    assert runs.judged.tolist() == [judged for _, _, judged, _, _ in ENDS]
    assert runs.solved.tolist() == [solved for *_, solved, _ in ENDS]
    assert runs.updates.tolist() == [updates for *_, updates in ENDS]
    assert runs.tried.tolist() == [True] * 5 + [False]
    assert (runs.budget == BUDGET).all()


def test_the_budget_and_the_size_are_those_of_the_condition() -> None:
    short = replace(planned(updates=60, flops=7), parameters=5, state_size=3)
    runs = seen([{"condition": "long"}, {"condition": "short"}], long=planned(), short=short)
    sizes = runs.set_index("condition")[["parameters", "state", "flops_per_update", "updates"]]
    assert sizes.loc["long"].tolist() == [100, 8, 100, BUDGET]
    assert sizes.loc["short"].tolist() == [5, 3, 7, 60]


def test_rates_ends_and_means_are_of_the_judged() -> None:
    runs = every_end()
    rate = rate_of(runs)
    assert (rate["n"], rate["solved"], rate["share"]) == (4, 1, 0.25)
    assert 0 < rate["low"] < 0.25 < rate["high"] < 1
    assert ends_of(runs) == {"diverged": 1, "timeout": 1, "error": 1}
    assert mean_updates_of(runs)["mean_updates"] == (300 + 3 * BUDGET) / 4
    none = runs[~runs.judged]
    assert (rate_of(none)["n"], ends_of(none)["error"]) == (0, 1)
    assert math.isnan(rate_of(none)["share"])
    assert math.isnan(mean_updates_of(none)["mean_updates"])


def test_a_logarithm_of_no_updates_is_that_of_one() -> None:
    runs = seen([{"updates_to_solve": at} for at in (0, 8)])
    assert log2_updates(runs).tolist() == [0, 3]


def test_seconds_of_an_update_are_those_of_all_replicates_of_the_condition() -> None:
    rows = [
        {"updates": 100, "train_seconds": 3.0},
        {"updates": 300, "train_seconds": 5.0},
        {"condition": "other", "updates": 10, "train_seconds": 1.0},
        {"condition": "none", "updates": 0, "train_seconds": 0.0, "status": "error"},
    ]
    runs = seen(rows, c=planned(), other=planned(), none=planned())
    assert runs.update_seconds.tolist() == [0.02, 0.02, 0.1, 0]
    assert runs.trained.tolist() == [100, 300, 10, 0]


def test_a_condition_of_two_arms_has_a_row_in_each_and_takes_its_time_once() -> None:
    each = [{"seed": seed, "updates": 100, "train_seconds": 2.0} for seed in (0, 1)]
    runs = seen([{**row, "matched": arm} for arm in ("width", "state") for row in each])
    assert list(zip(runs.matched, runs.seed)) == [
        ("width", 0), ("width", 1), ("state", 0), ("state", 1),
    ]  # fmt: skip
    assert runs.update_seconds.tolist() == [0.02] * 4
    assert [about["matched"] for about, _ in groups(runs, ["cell", "matched"])] == [
        "width",
        "state",
    ]


def test_rows_come_by_task_and_cell_in_the_order_of_the_arms_and_by_length() -> None:
    places = [("b", "z", 20), ("b", "a", 9), ("b", "z", 9), ("a", "z", 9), ("b", "a", 20)]
    runs = seen([{"task_label": t, "cell_label": c, "T": T} for t, c, T in places])
    assert list(zip(runs.task, runs.cell, runs["T"])) == [
        ("b", "z", 9), ("b", "z", 20), ("b", "a", 9), ("b", "a", 20), ("a", "z", 9),
    ]  # fmt: skip
    assert runs.index.tolist() == list(range(5))


def test_labels_and_factors_of_the_plan_are_columns_and_shared_runs_have_several(
    stored: Any,
) -> None:
    plan = stored("fairness", cells=["elman", {"cell": "lstm", "label": "L"}])
    runs = evidence(plan, "fairness", Results()).runs
    assert set(runs.cell) == {"elman", "L"}
    members = plan.experiments["fairness"].members
    assert len(runs) == len(members) * plan.config["replicates"]
    arms = {(m.cell, m.factors["matched"], m.condition) for m in members}
    assert set(runs[["cell", "matched", "condition"]].itertuples(index=False, name=None)) == arms
    every = set(runs[runs.cell == "elman"].matched)
    of_reference = runs[(runs.cell == "L") & (runs["T"] == 10) & (runs.seed == 0)]
    assert set(of_reference.matched) == every > {"width"}
    assert of_reference.condition.nunique() == 1


@pytest.mark.parametrize(
    ("name", "factor"), [("overfitting", "comparison"), ("fairness", "matched")]
)
def test_a_label_that_reads_like_an_arm_is_a_label(name: str, factor: str, stored: Any) -> None:
    label = "lstm, equal parameters"
    plan = stored(name, cells=["elman", {"cell": "lstm", "label": label}])
    table = pd.read_csv(conclude(plan, name, Results()) / "table.csv")
    arms = table.groupby("cell")[factor].agg(set).to_dict()
    assert set(arms) == {"elman", label}
    assert arms[label] == arms["elman"]
    assert len(arms[label]) > 1


def test_nothing_to_read_has_the_columns_of_what_is_read(stored: Any) -> None:
    plan = stored("cost")
    runs = evidence(plan, "cost", Results()).runs
    some = every_end()
    assert runs.empty
    assert set(some.columns) <= set(runs.columns)
    assert runs.judged.dtype == runs.solved.dtype == bool
    assert list(groups(runs, ["task", "cell"])) == []
    assert frame([], {"n": int, "cell": object}).dtypes.to_dict() == {"n": int, "cell": object}


def test_where_every_block_ended_in_an_error_the_columns_are_all_there(stored: Any) -> None:
    plan = stored(
        "truncation", "error", truncation={"tasks": ["adding"], "lengths": [10], "windows": [2]}
    )
    runs = evidence(plan, "truncation", Results()).runs
    assert set(zip(runs.k, runs.carry)) == {(10, True), (2, True), (2, False)}
    assert not runs.judged.any()
    assert not runs.solved.any()
    assert (runs.updates == runs.budget).all()
