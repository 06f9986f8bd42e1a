"""What gradient_flow, truncation and training_time ask for, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest

from lstm_bench.errors import BenchError
from lstm_bench.planning.plan import resolve
from tests.workflow.test_bad_input import SCHEMA
from tests.workflow.workspace import TINY


def planned(**changes: Any) -> dict[str, Any]:
    asked = {"experiments": ["horizon", "gradient_flow", "truncation", "training_time"]}
    settings = {
        "truncation": {
            "tasks": ["temporal_order"],
            "lengths": [10],
            "windows": [1, 2, 10, 50],
            "cells": None,
        },
    }
    return resolve({**TINY, **asked, **settings, **changes}, SCHEMA)


def test_gradient_flow_and_training_time_train_nothing_of_their_own() -> None:
    entries = planned().experiments
    horizon = {m.condition for m in entries["horizon"].members}
    assert {m.condition for m in entries["gradient_flow"].members} == horizon
    assert {m.condition for m in entries["training_time"].members} == horizon
    runs = entries["gradient_flow"].probe_settings["runs"]
    assert {condition for condition, _ in runs} == horizon


def test_windows_are_carried_the_longest_reset_too_and_the_whole_gradient_is_trained_once() -> None:
    plan = planned()
    members = [m.condition for m in plan.experiments["truncation"].members]
    found = [plan.conditions[id].spec.training for id in members[:4]]
    assert [(t.truncate, t.carry) for t in found] == [
        (None, True), (1, True), (2, True), (2, False),
    ]  # fmt: skip
    assert len(members) == 2 * 4


def test_seeds_of_a_short_training_share_a_job() -> None:
    entry = planned(replicates=7, seed_block=2).experiments["truncation"]
    assert entry.blocks == ("seeds-000-006",)


def test_the_arms_of_an_experiment_hold_whatever_the_config_trains_with() -> None:
    training = {**TINY["training"], "truncate": 2, "carry": False, "weight_decay": 0.5}
    plan = planned(experiments=["truncation", "overfitting"], training=training)
    for name, factor in (("truncation", "carry"), ("overfitting", "weight_decay")):
        for member in plan.experiments[name].members:
            trained = plan.conditions[member.condition].spec.training
            assert getattr(trained, factor) == member.factors[factor]


def test_what_cannot_be_measured_is_refused_before_anything_runs() -> None:
    with pytest.raises(BenchError, match="reference"):
        planned(training_time={"reference": "gru"})
    with pytest.raises(BenchError, match="several layers"):
        planned(network={"layers": 2})


def test_gradients_are_measured_up_to_the_longest_length_asked_for() -> None:
    for lengths, measured in (([10, 12, 40], {10, 12}), ([40, 80], {40})):
        plan = planned(lengths=lengths, gradient_flow={"longest": 12})
        entry = plan.experiments["gradient_flow"]
        conditions = entry.probe_settings["conditions"]
        assert {m.condition for m in entry.members} == set(conditions)
        assert {condition["T"] for condition in conditions.values()} == measured
