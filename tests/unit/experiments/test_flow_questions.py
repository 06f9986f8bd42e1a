"""What gradient_flow, truncation and training_time ask for, and what they refuse."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from lstm_bench.errors import BenchError
from lstm_bench.planning.plan import resolve
from lstm_bench.probes.truncation import compare
from tests.workflow.test_bad_input import SCHEMA
from tests.workflow.workspace import TINY


def planned(**changes: Any) -> dict[str, Any]:
    asked = {"experiments": ["horizon", "gradient_flow", "truncation", "training_time"]}
    settings = {
        "truncation": {
            "tasks": ["temporal_order"],
            "lengths": [10],
            "windows": [2, 10, 50],
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


def test_a_window_is_trained_carried_and_reset_and_the_whole_gradient_once() -> None:
    plan = planned()
    members = [m.condition for m in plan.experiments["truncation"].members]
    found = [plan.conditions[id].spec.training for id in members[:3]]
    assert [(t.truncate, t.carry) for t in found] == [
        (None, True), (2, True), (2, False),
    ]  # fmt: skip
    assert len(members) == 2 * 3


def test_the_arms_of_an_experiment_hold_whatever_the_config_trains_with() -> None:
    training = {**TINY["training"], "truncate": 2, "carry": False, "weight_decay": 0.5}
    plan = planned(experiments=["truncation", "overfitting"], training=training)
    for name, factor in (("truncation", "carry"), ("overfitting", "weight_decay")):
        for member in plan.experiments[name].members:
            trained = plan.conditions[member.condition].spec.training
            assert getattr(trained, factor) == member.factors[factor]
    whole = plan.experiments["truncation"].probe_settings["runs"]
    assert {plan.conditions[id].spec.training.truncate for id, _ in whole} == {None}


def test_what_cannot_be_measured_is_refused_before_anything_runs() -> None:
    with pytest.raises(BenchError, match="reference"):
        planned(training_time={"reference": "gru"})
    with pytest.raises(BenchError, match="several layers"):
        planned(network={"layers": 2})


def test_cosine_and_bias_of_known_gradients() -> None:
    found = compare(torch.tensor([3.0, 0.0]), torch.tensor([3.0, 4.0]))
    assert found == pytest.approx({"cosine": 0.6, "bias": 0.8})
