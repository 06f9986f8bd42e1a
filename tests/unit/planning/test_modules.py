"""Modules among the cells of a config: what is planned, said and refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lstm_bench.errors import BenchError
from lstm_bench.planning.ensure import plan_digest
from lstm_bench.planning.plan import resolve
from lstm_bench.store.plans import Plan
from tests.workflow.test_bad_input import SCHEMA
from tests.workflow.workspace import ROOT, TINY

OWN = "tests/unit/cells/given/own_modules.py"
MODULES = [
    "elman",
    {"module": f"{OWN}:Janet", "label": "janet", "beta": 2},
    {"module": f"{OWN}:MultiHead", "heads": 2, "width": 8},
    "torch.nn:LSTMCell",
    {"module": "torch.nn:LSTM", "batch_first": True, "label": "layer"},
]


def plan(**changes: Any) -> Plan:
    return resolve({**TINY, "cells": MODULES, **changes}, SCHEMA)


def cells_of(found: Plan, experiment: str) -> set[str]:
    return {member.cell for member in found.experiments[experiment].members}


def test_modules_stand_beside_the_cells_of_the_suite():
    found = plan(experiments=["horizon"])
    multi, own = "own_modules:MultiHead(heads=2, width=8)", "own_modules:Janet"
    assert cells_of(found, "horizon") == {"elman", "janet", multi, "torch.nn:LSTMCell", "layer"}
    specs = [entry.spec for entry in found.conditions.values()]
    assert {s.cell for s in specs if s.cell_options == {"beta": 2.0}} == {own}
    assert {s.width for s in specs if s.cell == "own_modules:MultiHead"} == {8}
    assert found.config["plugins"] == [OWN]
    ways = {e.spec.cell: e.effort.way for e in found.conditions.values()}
    assert ways[own] == ways["torch.nn:LSTMCell"] == "kernel"
    assert ways["torch.nn:LSTM"] == ways["own_modules:MultiHead"] == "loop"


def test_a_plan_says_how_each_module_is_taken():
    said = plan(experiments=["horizon"]).notices
    assert any(s.startswith("janet is taken as a cell, (x (B, d), state) -> state") for s in said)
    assert any(s.startswith("layer is taken as a layer over (B, T, d)") for s in said)


def test_an_experiment_that_goes_step_by_step_leaves_layers_out_by_name():
    found = plan(experiments=["horizon", "gradient_flow"])
    assert cells_of(found, "horizon") - cells_of(found, "gradient_flow") == {"layer"}
    assert any("gradient_flow leave out layer" in sentence for sentence in found.notices)
    with pytest.raises(BenchError, match="'gradient_flow' goes step by step, and layer read whole"):
        plan(experiments=["gradient_flow"], cells=[MODULES[-1]])


def test_sizes_are_matched_for_a_module():
    found = plan(experiments=["horizon"], width={"match": "parameters", "budget": 10000})
    entries = [found.conditions[m.condition] for m in found.experiments["horizon"].members]
    sizes = {e.spec.cell: e.parameters for e in entries if e.spec.width != 8}
    assert sizes.keys() == {"elman", "torch.nn:LSTM", "torch.nn:LSTMCell", "own_modules:Janet"}
    assert all(abs(size - 10000) <= 200 for size in sizes.values())


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"module": "torch.nn:LSTMCell", "cell": "lstm"}, "it names a cell and a module"),
        ({"module": "torch.nn:LSTMCel"}, "did you mean 'LSTMCell'"),
        ({"module": "torch.nn:LSTMCell", "bias": 3}, "option bias is 3, but must be a bool"),
        ({"module": "torch.nn"}, "must be text of the form"),
        ({"module": f"{OWN}:MultiHead", "width": 30}, "30 units do not fall into 4 heads"),
        ({"module": "torch.nn:LSTM", "training": {"truncate": 2}}, "has no steps between which"),
        ({"module": "torch.nn:LSTM", "updates": 2}, "it stands under training"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_before_anything_is_trained(entry: dict[str, Any], said: str):
    with pytest.raises(BenchError, match=said):
        plan(cells=[entry], experiments=["horizon"])


def test_an_edited_module_makes_another_plan(tmp_path: Path):
    file, schema = tmp_path / "edited.py", ROOT / "workflow/schemas/config.schema.yaml"
    file.write_text("import other\n")
    (tmp_path / "other.py").write_text("A = 1\n")
    config = {**TINY, "cells": [{"module": f"{file}:Cell"}]}
    before = plan_digest(config, schema)
    assert plan_digest(config, schema) == before
    (tmp_path / "other.py").write_text("A = 2\n")
    assert plan_digest(config, schema) != before
