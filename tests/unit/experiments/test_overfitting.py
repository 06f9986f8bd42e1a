"""What is compared with what, and when: on curves whose answers are known."""

from __future__ import annotations

from typing import Any

import numpy as np
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
        arm = {"comparison": "equal width", "size": size, "distinct": size, "weight_decay": 0.0}
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


def test_a_replicate_that_never_fits_its_training_set_is_not_compared() -> None:
    seen = fitted(
        {
            ("elman", 0, 16): [(1, 0.0), (0.01, 0.9)],
            ("elman", 1, 16): [(1, 0.0), (0.01, 0.8)],
            ("elman", 0, 64): [(1, 0.0), (0.50, 0.0)],
            ("lstm", 0, 16): [(1, 0.0), (0.01, 0.6)],
            ("lstm", 1, 16): [(1, 0.0), (0.01, 0.4)],
            ("lstm", 0, 64): [(1, 0.0), (0.01, 1.0)],
        }
    )
    experiment = OVERFITTING
    table = experiment.table(seen)
    at = table.set_index(["cell", "size"])
    assert at.fitted[("elman", 64)] == 0
    assert np.isnan(at.matched_score[("elman", 64)])
    (row,) = experiment.summary(table, seen).to_dict("records")
    assert (row["sizes"], row["n"]) == ("16", 2)
    assert row["difference"] == pytest.approx(-0.35)
    assert (
        "lstm minus elman" in experiment.verdict(table, experiment.summary(table, seen))["answer"]
    )


def test_where_nothing_can_be_compared_the_answer_says_so() -> None:
    seen = fitted({("elman", 0, 16): [(1, 0.0), (1, 0.0)], ("lstm", 0, 16): [(1, 0), (1, 0)]})
    experiment = OVERFITTING
    table = experiment.table(seen)
    assert "No two cells" in experiment.verdict(table, experiment.summary(table, seen))["answer"]


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


def test_every_size_is_trained_at_both_widths_and_the_rest_at_one() -> None:
    members = list(OVERFITTING.members(sweep()))
    elman = [m for m in members if m.cell == "elman"]
    own = [m for m in elman if m.factors["comparison"] == "equal width"]
    equal = [m for m in elman if m.factors["comparison"] == "equal parameters"]
    assert {m.condition.width for m in own} == {8}
    assert {m.condition.width for m in equal} == {17}
    assert [m.condition.training.train_size for m in equal] == [16, 64]
    assert sum(m.condition.training.weight_decay > 0 for m in own) == 2
    assert [m.condition.training.train_distinct for m in own].count(16) == 1
    assert {m.condition.training.stop for m in members} == {"budget"}


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
