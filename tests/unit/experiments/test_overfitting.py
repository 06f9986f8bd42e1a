"""What is compared with what, and when: on curves whose answers are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from lstm_bench.errors import BenchError
from lstm_bench.experiments.base import Evidence
from lstm_bench.experiments.initialisation import Initialisation, InitialisationSettings
from lstm_bench.experiments.overfitting import Overfitting, OverfittingSettings, per_replicate
from lstm_bench.planning.widths import Sizes
from lstm_bench.spec import Training
from lstm_bench.sweep import Choice, Sweep
from tests.unit.experiments.hand_made import evidence, planned

TASK = Choice("adding", lengths=(20,))
OVERFITTING = Overfitting(OverfittingSettings(tasks=(TASK,), sizes=(16, 64), updates=300))
STARTS = Initialisation(InitialisationSettings(tasks=(TASK,), biases=(0, 1.0)))


def fitted(curves: dict[tuple[str, int, int], list[tuple[float, float]]]) -> Evidence:
    """(training loss, validation score) at updates 0, 10, ..., by cell label, seed and size."""
    replicates, points, plan = [], [], {}
    for (cell, seed, size), curve in curves.items():
        condition = f"{cell}{size}"
        plan[condition] = planned(train_size=size)
        about = {"condition": condition, "seed": seed, "cell_label": cell, "task_label": "adding"}
        arm = {"comparison": "equal parameters", "size": size, "weight_decay": 0.0}
        known = {"T": 20, "width": 8, "floor": 2.0, "test_score": 0.7}
        replicates.append({**about, **arm, **known})
        for place, (loss, score) in enumerate(curve):
            row = {**about, "update": 10 * place, "train_loss": loss, "validation_score": score}
            points.append({**row, "validation_loss": 1.0})
    cells = ["elman", "lstm"]
    return evidence(replicates, plan, curves=points, cells=cells)


def test_the_matched_reading_is_the_first_below_the_share_of_the_floor() -> None:
    nothing = float("nan")
    seen = fitted({("lstm", 0, 16): [(nothing, 0.1), (1.0, 0.2), (0.09, 0.3), (0.01, 0.4)]})
    (row,) = per_replicate(seen, 0.05).to_dict("records")
    assert row["fitted"]
    assert row["matched_score"] == 0.3  # 0.09 <= 0.05 * 2
    assert row["matched_gap"] == pytest.approx((1.0 - 0.09) / 2)
    assert (row["score"], row["stopped_score"]) == (0.4, 0.7)
    assert row["gap"] == pytest.approx((1.0 - 0.01) / 2)


def test_a_replicate_that_never_fits_its_training_set_is_read_at_the_end_alone() -> None:
    seen = fitted(
        {
            ("elman", 0, 16): [(1, 0.0), (0.01, 0.9)],
            ("elman", 1, 16): [(1, 0.0), (0.50, 0.0)],
            ("lstm", 0, 16): [(1, 0.0), (0.09, 0.6), (0.03, 0.5)],
            ("lstm", 1, 16): [(1, 0.0), (0.01, 0.4)],
        }
    )
    table = OVERFITTING.table(seen).set_index("cell")
    assert table.fitted.to_dict() == {"elman": 1, "lstm": 2}
    measured = OVERFITTING.measured(seen).set_index(["reading", "cell", "seed"])
    assert ("same training loss", "elman", 1) not in measured.index
    assert measured.gap["end", "elman", 1] == pytest.approx((1 - 0.5) / 2)
    assert measured.gap["end", "lstm", 0] == pytest.approx((1 - 0.03) / 2)
    assert measured.gap["same training loss", "lstm", 0] == pytest.approx((1 - 0.09) / 2)
    assert measured.score["same training loss", "lstm", 0] == 0.6
    summary = OVERFITTING.summary(OVERFITTING.table(seen), seen).set_index(["reading", "cell"])
    assert summary.pairs["end", "lstm"] == 2
    assert summary.difference["end", "lstm"] == pytest.approx((-0.01 + 0.245) / 2)
    assert summary.pairs["same training loss", "lstm"] == 1
    told = OVERFITTING.verdict(table, summary.reset_index())["answer"]
    assert "lstm +0.12" in str(told)


def test_where_nothing_can_be_compared_the_answer_says_so() -> None:
    seen = fitted({("lstm", 0, 16): [(1, 0.0), (1, 0.0)]})
    table = OVERFITTING.table(seen)
    summary = OVERFITTING.summary(table, seen)
    assert "No two cells" in str(OVERFITTING.verdict(table, summary)["answer"])


def sweep(**changes: Any) -> Sweep:
    given: dict[str, Any] = {
        "tasks": (TASK,),
        "cells": (Choice("elman"), Choice("lstm")),
        "training": Training(),
        "width": 8,
        "replicates": 5,
        "seed_block": 5,
        "sizes": Sizes(),
    }
    return Sweep(**{**given, **changes})


def test_every_size_is_trained_at_equal_parameters_and_more_where_it_is_asked_for() -> None:
    members = list(OVERFITTING.members(sweep()))
    elman = [m.condition for m in members if m.cell == "elman"]
    assert {c.width for c in elman} == {17}
    assert {m.condition.width for m in members if m.cell == "lstm"} == {8}
    assert [c.training.train_size for c in elman] == [16, 64]
    assert {c.training.stop for c in elman} == {"budget"}
    both = ("equal parameters", "equal width")
    more = Overfitting(replace(OVERFITTING.settings, comparisons=both, weight_decay=0.5))
    found = [m for m in more.members(sweep()) if m.cell == "elman"]
    assert [m.condition.width for m in found] == [17, 8] * 4
    assert sum(m.condition.training.weight_decay == 0.5 for m in found) == 4
    by_comparison = {m.factors["comparison"]: m.condition.width for m in found}
    assert by_comparison == {"equal parameters": 17, "equal width": 8}


def test_the_default_start_is_the_condition_that_other_experiments_train() -> None:
    given = sweep()
    members = {(m.cell, m.factors["start"]): m.condition for m in STARTS.members(given)}
    task, lstm = given.tasks[0], given.cells[1]
    assert members["lstm", "b = 1"].id == given.condition(task, 20, lstm).id
    assert members["lstm", "b = 0"].cell_options == {"forget_bias": 0.0}
    assert members["lstm", "chrono"].cell_options == {"chrono": 20}
    assert {c.training.learning_rate for c in members.values()} == {0.003}


def test_without_a_gated_cell_there_is_no_start_to_vary() -> None:
    with pytest.raises(BenchError, match="neither 'lstm' nor 'gru'"):
        list(STARTS.members(sweep(cells=(Choice("elman"),))))
