"""What a grown config adds to a plan: a rule runs for the files that are new, and for no others.

That Snakemake runs what a plan adds, and keeps the rest, is shown in tests/workflow/test_sweep.py.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from lstm_bench.planning.plan import resolve
from lstm_bench.store.plans import Plan
from tests.workflow.sweeps import PROBED
from tests.workflow.workspace import ROOT, TINY

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
BIASED = {"cell": "lstm", "forget_bias": 3, "label": "lstm 3"}


def made(plan: Plan) -> dict[str, set[Any]]:
    """What the sweep of a plan makes, by stage; the parameters that make it anew stand in it."""
    blocks = set(plan.blocks(plan.asked))
    return {
        "train": {(id, block, plan.conditions[id].code) for id, block in blocks},
        "probe": {file for name in plan.asked for file in plan.probe_files(name)},
    }


def added(config: dict[str, Any], **changes: Any) -> dict[str, int]:
    """How many jobs of each stage a changed config adds to those of the first."""
    before, after = (made(resolve(each, SCHEMA)) for each in (config, {**config, **changes}))
    return {stage: len(after[stage] - before[stage]) for stage in after}


@pytest.mark.parametrize(
    ("changes", "jobs"),
    [
        ({}, {"train": 0, "probe": 0}),
        ({"lengths": [10, 12]}, {"train": 2, "probe": 0}),
        ({"replicates": 4}, {"train": 2, "probe": 0}),
        ({"cells": ["elman", "lstm", BIASED]}, {"train": 1, "probe": 1}),
        (
            {"training": {**TINY["training"], "learning_rate": 0.02}},
            {"train": 2, "probe": 0},
        ),
    ],
    ids=["nothing", "a length", "seeds", "a cell", "a learning rate"],
)
def test_it_plans_its_own_jobs_only(changes: dict[str, Any], jobs: dict[str, int]) -> None:
    assert added(TINY, **changes) == jobs


def test_a_changed_factor_is_measured_anew_and_trains_nothing() -> None:
    whole = {**TINY, **PROBED, "experiments": list(PROBED)}
    further = {**PROBED["extrapolation"], "factors": [2, 3]}
    assert added(whole, extrapolation=further) == {"train": 0, "probe": 1}
