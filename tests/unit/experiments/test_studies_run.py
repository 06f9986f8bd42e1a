"""Ablation, fairness and sensitivity from the real planner to the figure, tiny."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from lstm_bench.experiments.run import conclude, draw
from lstm_bench.planning.plan import resolve
from lstm_bench.spec import TUNING_SEEDS, SeedBlock
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.training.run import train_block
from tests.workflow.test_bad_input import SCHEMA
from tests.workflow.workspace import TINY

TRAINING = {**TINY["training"], "updates": 20}
SECTIONS: dict[str, dict[str, Any]] = {
    "ablation": {
        "tasks": [{"task": "adding", "lengths": [5]}],
        "variants": ["lstm_cifg"],
        "rates": [0.01],
        "width": 4,
        "updates": 20,
        "evaluate_every": 10,
    },
    "fairness": {"tasks": ["temporal_order"], "lengths": [10]},
    "sensitivity": {"lengths": [5], "trials": 3, "replicates": 1, "updates": 20, "width": [4, 8]},
}


def plan(name: str, **changes: Any) -> Plan:
    config = {**TINY, "training": TRAINING, "experiments": [name], name: SECTIONS[name], **changes}
    return replace(resolve(config, SCHEMA), path=Path("plan.json"))


@pytest.mark.parametrize("name", list(SECTIONS))
def test_from_the_plan_to_the_figure(name: str, tmp_path: Path) -> None:
    made, results = plan(name), Results(tmp_path)
    for condition, block in made.blocks([name]):
        spec = made.conditions[condition].spec
        train_block(spec, SeedBlock.parse(block), results, device="cpu")
    folder = conclude(made, name, results)
    draw(made, name, results)
    table = pd.read_csv(folder / "table.csv")
    assert (table.n > 0).all()
    verdict = (folder / "verdict.json").read_bytes()
    assert json.loads(verdict)["answer"].endswith(".")
    for kind in ("svg", "pdf", "png"):
        assert (folder / f"figure.{kind}").stat().st_size > 2000
    conclude(made, name, results)
    assert (folder / "verdict.json").read_bytes() == verdict


def test_a_search_keeps_to_tuning_seeds_and_gives_every_cell_the_same_trials() -> None:
    made = plan("sensitivity")
    assert {block for _, block in made.blocks(["sensitivity"])} == {
        f"seeds-{TUNING_SEEDS}-{TUNING_SEEDS}"
    }
    points: dict[str, list[Any]] = {}
    for member in made.experiments["sensitivity"].members:
        spec = made.conditions[member.condition].spec
        own = (spec.width, spec.training.learning_rate, spec.training.clip_at)
        points.setdefault(member.cell, []).append((*own, spec.cell_options["init_scale"]))
    assert points["elman"] == points["lstm"]
    assert len(points["lstm"]) == 3


def test_every_cell_gets_the_size_of_the_reference_and_its_own_run_is_shared() -> None:
    made = plan("fairness")
    size: dict[tuple[str, str], Any] = {}
    for member in made.experiments["fairness"].members:
        arm = member.cell, member.factors["matched"]
        size[arm] = made.conditions[member.condition]
    lstm = size["lstm", "width"]
    for matched, key in (("parameters", "parameters"), ("state", "state_size")):
        assert abs(getattr(size["elman", matched], key) / getattr(lstm, key) - 1) < 0.1
    assert abs(size["elman", "flops"].flops_per_update / lstm.flops_per_update - 1) < 0.15
    assert size["elman", "width"].parameters < 0.5 * lstm.parameters
    assert all(size["lstm", m] == lstm for m in ("width", "parameters", "state", "flops"))
