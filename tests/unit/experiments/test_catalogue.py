from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

from lstm_bench import cells, tasks
from lstm_bench.errors import BenchError
from lstm_bench.experiments.catalogue import Catalogue
from lstm_bench.experiments.run import conclude
from lstm_bench.planning.plan import resolve
from lstm_bench.plotting.render import render
from lstm_bench.plotting.style import figure_bytes, paper_style
from lstm_bench.spec import Condition
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from tests.unit.experiments.hand_made import evidence
from tests.workflow.test_bad_input import SCHEMA
from tests.workflow.workspace import ROOT, TINY

CHOSEN = {
    "experiments": ["catalogue"],
    "tasks": ["adding", "copy", "temporal_order"],
    "cells": ["elman", "gru", "lstm"],
    "catalogue": {
        "task": "adding",
        "cell": "lstm",
        "pairs": [
            {"task": "copy", "cell": "gru", "training": {"learning_rate": 0.1}},
            {"task": "temporal_order", "cell": "lstm", "training": {"updates": 500}},
        ],
    },
}
SOLVED, LEARNT, IDLE = (100, 0.0), (None, 0.5), (None, 0.95)  # updates, loss in chance losses
DIVERGED, BROKEN = (None, None), (None, -1.0)


def planned(**changes: Any) -> Plan:
    return resolve({**TINY, **CHOSEN, **changes}, SCHEMA)


def trained(plan: Plan) -> dict[tuple[str, str], Condition]:
    """The specs by (task, cell)."""
    members = plan.experiments["catalogue"].members
    found = {(m.task, m.cell): plan.conditions[m.condition].spec for m in members}
    assert len(found) == len(members)
    return found


def concluded(outcomes: dict[tuple[str, str], list[tuple[int | None, float | None]]]):
    """Table, summary, verdict and evidence of these replicates."""
    plan = planned()
    rows = []
    for member in plan.experiments["catalogue"].members:
        pair, spec = (
            (member.task, member.cell),
            plan.conditions[member.condition].spec,
        )
        floor = tasks.create(spec.task).chance_loss(spec.T)
        for updates, loss in outcomes.get(pair, [SOLVED] * 5):
            status = "unsolved" if updates is None else "solved"
            status = {None: "diverged", -1.0: "error"}.get(loss, status)
            rows.append(
                {
                    "condition": member.condition,
                    "task_label": pair[0],
                    "cell_label": pair[1],
                    "T": spec.T,
                    "learning_rate": spec.training.learning_rate,
                    "status": status,
                    "updates_to_solve": updates,
                    "test_loss": loss * floor if status in ("solved", "unsolved") else None,
                }
            )
    seen = evidence(rows, plan.conditions, tasks=CHOSEN["tasks"], cells=CHOSEN["cells"])
    experiment = Catalogue()
    table = experiment.table(seen)
    summary = experiment.summary(table, seen)
    return table, summary, experiment.verdict(table, summary), seen


def at(table: pd.DataFrame, task: str, cell: str) -> pd.Series:
    (row,) = table[(table.task == task) & (table.cell == cell)].to_dict("records")
    return pd.Series(row)


def test_every_task_has_the_one_cell_every_cell_the_one_task_and_pairs_their_own() -> None:
    found = trained(planned())
    assert set(found) == {
        ("adding", "elman"),
        ("adding", "gru"),
        ("adding", "lstm"),
        ("copy", "lstm"),
        ("copy", "gru"),
        ("temporal_order", "lstm"),
    }
    assert found["copy", "gru"].training.learning_rate == 0.1
    assert found["copy", "lstm"].training.learning_rate == 0.01
    assert found["temporal_order", "lstm"].training.updates == 500
    assert found["adding", "lstm"].training.updates == 60


def test_all_stands_for_every_entry_no_other_names_at_a_length_it_can_have() -> None:
    plan = planned(
        tasks=[{"task": "adding", "lengths": [12]}, "all"],
        cells=["lstm", "all"],
        lengths=[10, 21],
        catalogue={},
    )
    assert plan.sweep.cells[0].name == "lstm"
    found = {(t.name, T) for t in plan.sweep.tasks for T in t.lengths}
    assert {("adding", 12), ("copy", 10), ("copy", 21), ("digits", 64)} <= found
    assert {("adding", 10), ("digits", 10), ("multiplication", 10)}.isdisjoint(found)
    members = [(m.task, m.cell) for m in plan.experiments["catalogue"].members]
    assert {task for task, _ in members} == set(tasks.registry())
    assert {cell for task, cell in members if task == "adding"} == set(cells.registry())
    assert plan.experiments["tuning"].members == ()


def test_the_preset_names_what_the_registries_hold_and_trains_each_five_times() -> None:
    config = yaml.safe_load((ROOT / "workflow/presets/catalogue.yaml").read_text())
    plan = resolve({**TINY, **config}, SCHEMA)
    members = plan.experiments["catalogue"].members
    specs = [plan.conditions[member.condition].spec for member in members]
    assert {spec.task for spec in specs} == set(tasks.registry())
    assert {spec.cell for spec in specs if spec.task == "adding"} == set(cells.registry())
    assert plan.experiments["catalogue"].blocks == ("seeds-000-004",)


def test_a_row_has_its_interval_its_losses_and_its_updates() -> None:
    table, _, _, _ = concluded({("adding", "gru"): [(50, 0.0), (150, 0.1), LEARNT, IDLE, BROKEN]})
    row = at(table, "adding", "gru")
    assert (row.n, row.solved, row.error, row.share) == (4, 2, 1, 0.5)
    assert 0 < row.low < 0.5 < row.high < 1
    assert row.floor == pytest.approx(1 / 6)
    assert row.ceiling == 0
    assert row.final_loss == pytest.approx(0.3 / 6)
    assert row.way == pytest.approx(0.7)
    assert row.median_updates == np.inf  # the median of 50, 150, never, never lies at never


def test_a_cell_that_stays_within_a_tenth_of_the_floor_or_diverges_has_not_trained() -> None:
    lost = {("adding", "elman"): [IDLE] * 5, ("adding", "gru"): [DIVERGED] * 3 + [SOLVED] * 2}
    _, _, verdict, _ = concluded(lost)
    assert verdict["not_trained"] == ["elman", "gru"]
    assert verdict["not_solved"] == []
    assert verdict["answer"] == (
        "1 of 3 cells train on adding at T=10 (not: elman, gru); "
        "3 of 3 tasks are solved by some cell."
    )


def test_a_task_is_solved_by_any_cell_and_named_where_none_solves_it() -> None:
    open_ = {
        ("copy", "lstm"): [LEARNT] * 5,
        ("temporal_order", "lstm"): [SOLVED] * 2 + [LEARNT] * 3,
    }
    _, summary, verdict, _ = concluded(open_)
    assert at(summary, "copy", "gru").share == 1
    assert "lstm" not in set(summary[summary.task == "copy"].cell)
    assert verdict["not_solved"] == ["temporal_order"]
    assert verdict["not_trained"] == []
    assert verdict["answer"].endswith("2 of 3 tasks are solved by some cell (not: temporal_order).")


def test_the_common_task_too_has_to_be_solved_by_something() -> None:
    none = {("adding", cell): [LEARNT] * 5 for cell in ("elman", "gru", "lstm")}
    assert concluded(none)[2]["not_solved"] == ["adding"]


def test_the_figure_has_a_line_a_pair_a_dot_a_solver_and_a_cross_for_the_rest() -> None:
    table, summary, _, seen = concluded({("adding", "elman"): [SOLVED] * 2 + [IDLE] * 3})
    with paper_style():
        figure = render(Catalogue().figure(table, summary, seen))
        left, right = figure.axes
        assert [label.get_text() for label in left.get_yticklabels()] == ["elman", "gru", "lstm"]
        assert [label.get_text() for label in right.get_yticklabels()] == [
            "copy, gru, 10",
            "copy, 10",
            "temporal_order, 10",
        ]
        dots = [line for line in left.lines if line.get_marker() == "o"]
        crosses = [line for line in left.lines if line.get_marker() == "x"]
        assert sorted(np.isfinite(line.get_xdata()).sum() for line in dots) == [2, 10]
        assert [x for line in crosses for x in line.get_xdata() if x == x] == [60]
        assert sorted(text.get_text() for text in left.texts) == ["2/5  5%", "5/5", "5/5"]
        assert len(figure_bytes(figure, "png")) > 10_000


def test_the_display_tells_shares_with_intervals() -> None:
    _, summary, _, _ = concluded({})
    shown = Catalogue().display(summary)
    assert shown.learnt.tolist()[:3] == ["adding at T = 10"] * 3
    assert shown.solved[0].startswith("5/5 [0.57, 1.00")


def test_a_config_that_tunes_nothing_says_so_when_asked_to_tune(tmp_path) -> None:
    plan = planned(cells=[{"cell": "lstm", "training": {"learning_rate": 0.01}}], catalogue={})
    with pytest.raises(BenchError, match="'tuning' has nothing to judge"):
        conclude(plan, "tuning", Results(tmp_path))
