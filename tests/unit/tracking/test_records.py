"""How stored rows are summed up, thinned and named."""

from __future__ import annotations

import math
from typing import Any

import pytest

from lstm_bench.spec import Condition, Training
from lstm_bench.store.planned import PlannedCondition
from lstm_bench.tracking import notes
from lstm_bench.tracking.credentials import without_credentials
from lstm_bench.tracking.known import Known
from lstm_bench.tracking.names import names
from lstm_bench.tracking.records import (
    Clock,
    condition_metrics,
    flat_params,
    median_curve,
    rounded,
    thin,
)

CLOCK = Clock(1000, 2000, 100)


def row(seed: int, status: str, solved_at: int | None = None, updates: int = 100) -> dict[str, Any]:
    score = None if status in ("diverged", "error") else 0.5
    return {
        "seed": seed,
        "T": 20,
        "status": status,
        "reason": "",
        "updates": updates,
        "updates_to_solve": solved_at,
        "stayed": True,
        "test_score": score,
        "test_loss": score,
    }


def finals(*rows: dict[str, Any]) -> dict[str, float]:
    return {p.name: p.value for p in condition_metrics(rows, {}, CLOCK)}


def test_thinning_keeps_both_ends_and_order() -> None:
    assert thin(range(200)) == list(range(200))
    few = thin(range(1001))
    assert len(few) == 200
    assert (few[0], few[-1]) == (0, 1000)
    assert few == sorted(set(few))


def test_the_clock_runs_evenly_and_stops_at_the_end() -> None:
    assert [CLOCK.at(update) for update in (0, 50, 100, 120)] == [1000, 1500, 2000, 2000]
    assert Clock(1000, 2000, 0).at(0) == 2000


def test_a_stopped_replicate_keeps_its_last_value() -> None:
    curve = median_curve([[(0, 1.0), (50, 0.0)], [(0, 1.0), (50, 0.8), (100, 0.6)]])
    assert curve == [(0, 1.0), (50, 0.4), (100, 0.3)]


def test_a_diverged_replicate_counts_as_worst() -> None:
    points = [{"update": u, "validation_loss": 0.5, "validation_score": 0.5} for u in (0, 50, 100)]
    blank = {"train_loss": math.nan, "gradient_norm": None}
    curves = {seed: [{**point, **blank} for point in points] for seed in range(3)}
    curves[0] = curves[0][:1]
    rows = [row(0, "diverged", updates=30), row(1, "unsolved"), row(2, "unsolved")]
    found = condition_metrics(rows, curves, CLOCK)
    losses = {p.step: p.value for p in found if p.name == "validation/loss"}
    assert losses == {0: 0.5, 30: 0.5, 50: 0.5, 100: 0.5}
    curves[1] = []
    found = condition_metrics([*rows[:2], row(1, "diverged")], curves, CLOCK)
    assert all(math.isfinite(p.value) for p in found)


def test_the_median_counts_the_unsolved_as_later() -> None:
    assert finals(row(0, "solved", 40), row(1, "solved", 60), row(2, "unsolved"))[
        "updates_to_solve"
    ] == pytest.approx(60)
    assert "updates_to_solve" not in finals(row(0, "solved", 40), row(1, "timeout"))


def test_errors_of_the_machine_are_left_out() -> None:
    found = finals(row(0, "solved", 40), row(1, "error"), row(2, "diverged"))
    assert (found["replicates"], found["solved"]) == (2, 0.5)
    assert found["test/score"] == 0.5


def test_a_score_that_was_met_before_a_time_out_is_not_solved() -> None:
    assert finals(row(0, "timeout", 40))["solved"] == 0


def test_params_are_flat_text() -> None:
    spec = {
        "task": "copy",
        "T": 20,
        "cell": "lstm",
        "task_options": {"symbols": 4},
        "cell_options": {"forget_bias": 3.0},
        "training": {"learning_rate": 0.01, "train_size": None},
        "network": {"layers": 2},
    }
    assert flat_params(spec, seed=3) == {
        "task": "copy",
        "T": "20",
        "cell": "lstm",
        "task.symbols": "4",
        "cell.forget_bias": "3.0",
        "network.layers": "2",
        "learning_rate": "0.01",
        "train_size": "null",
        "seed": "3",
    }


def test_rounding_keeps_six_digits() -> None:
    assert rounded(0.12345678) == 0.123457
    assert rounded(1e-9) == 1e-9


def named(*variants: dict[str, Any]) -> list[str]:
    """What conditions of one cell, task and length are called that differ in these settings."""
    conditions = {}
    for changes in variants:
        own = {key: changes.pop(key) for key in ("width", "task_options") if key in changes}
        training = Training(**changes)
        made = Condition("adding", 20, "lstm", training=training, **own)
        conditions[made.id] = PlannedCondition(made)
    known = Known(conditions, dict.fromkeys(conditions, ("adding", "mine")), [], [], [], [])
    shown = names(known, [(id, "sweep") for id in conditions])
    return [shown[id, "sweep"] for id in conditions]


def test_a_name_tells_what_sets_a_condition_apart() -> None:
    assert named({}) == ["mine adding T20"]
    assert named({"truncate": 5}, {"truncate": 5, "carry": False}, {}) == [
        "mine, k = 5, adding T20",
        "mine, k = 5, reset, adding T20",
        "mine adding T20",
    ]
    few = {"train_size": 64, "stop": "budget", "keep": "best"}
    many = {**few, "train_size": 512}
    variants = ({}, few, {**few, "weight_decay": 1.0}, many, {**many, "train_distinct": 64})
    assert named(*variants) == [
        "mine adding T20",
        "mine, 64 sequences, adding T20",
        "mine, 64 sequences, decay 1, adding T20",
        "mine, 512 sequences, adding T20",
        "mine, 512 sequences, 64 different, adding T20",
    ]
    assert named({"learning_rate": 0.01}, {"learning_rate": 0.1, "optimiser": "sgd"}) == [
        "mine, lr 0.01, adding T20",
        "mine, lr 0.1, adding T20",
    ]
    assert named({"width": 8}, {"futility_after": 0.5}, {"clip": "none"}) == [
        "mine, width 8, adding T20",
        "mine, width 32, adding T20",
        "mine, width 32, clip none, adding T20",
    ]


def test_two_conditions_never_share_a_name() -> None:
    """Where words are alike the hash decides."""
    options = ({"task_options": {"a": "1.0"}}, {"task_options": {"a": "1"}})
    first, second = named(*options)
    assert first != second
    assert first.startswith("mine, task.a 1, adding T20 ")


def test_a_note_stays_within_what_mlflow_keeps() -> None:
    rows = [row(seed, "error") | {"reason": "r" * 40} for seed in range(1000)]
    spec = Condition("adding", 9, "lstm")
    entry = PlannedCondition(spec, score_name="accuracy", solved_score=0.99)
    note = notes.condition(rows, entry, None)
    assert len(note) < 8000
    assert "940 more" in note


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("http://ada:secret@host:5000/a?token=x", "http://host:5000/a"),
        ("https://host", "https://host"),
        ("sqlite:///results/mlflow.db", "sqlite:///results/mlflow.db"),
    ],
)
def test_credentials_are_not_shown(uri: str, shown: str) -> None:
    assert without_credentials(uri) == shown
