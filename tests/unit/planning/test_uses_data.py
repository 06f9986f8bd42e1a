"""The preset on measured data: what it trains, its declaration, and where its files come from."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from lstm_bench.planning.overlays import inherited, merged
from lstm_bench.planning.plan import resolve
from lstm_bench.store.plans import Plan
from tests.workflow.workspace import ROOT

DATA = ROOT / "workflow/data"
TASKS = {"sunspots", "co2", "elnino", "sqlite"}


@pytest.fixture(scope="module")
def plan() -> Plan:
    paths = ["config.yaml", "workflow/presets/uses_data.yaml"]
    layers = [(path, yaml.safe_load((ROOT / path).read_text())) for path in paths]
    for task in layers[1][1]["tasks"]:
        task["file"] = str(ROOT / task["file"])
    schema = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    return resolve(merged(layers), schema, inherited(layers))


def test_its_claims_are_judged_on_declared_seeds(plan: Plan):
    assert not plan.declaration.exploratory
    assert plan.declaration.number == 8
    claims = {name: claim for name, claim in plan.claims.items() if not claim.not_judged}
    assert set(claims) == {"uses_data_elman", "uses_data_baseline", "uses_data_window"}
    assert all(set(claim.declared["tasks"]) == TASKS for claim in claims.values())


def test_every_cell_has_the_same_size_and_the_same_rates(plan: Plan):
    members = plan.experiments["data"].members
    conditions = [plan.conditions[member.condition] for member in members]
    cells = pd.DataFrame({"task": [m.task for m in members], "cell": [m.cell for m in members]})
    cells["parameters"] = [each.parameters for each in conditions]
    cells["rate"] = [each.spec.training.learning_rate for each in conditions]
    assert set(cells.task) == TASKS
    assert (cells.groupby(["task", "cell"]).rate.agg(sorted).map(tuple) == (0.002, 0.01)).all()
    by_cell = cells.drop_duplicates(["task", "cell"]).groupby("task").cell.agg(set)
    assert by_cell["co2"] == {"lstm", "elman", "gru", "window of 4", "window of 64"}
    assert by_cell["sqlite"] == {"lstm", "elman", "gru", "window of 4", "window of 32"}
    # of a text a unit of the long window has a weight for every character and step
    plain = cells[~((cells.task == "sqlite") & (cells.cell == "window of 32"))]
    assert abs(plain.parameters / 10_000 - 1).max() < 0.05


def test_the_series_are_those_that_statsmodels_ships(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    (code,) = re.findall(r"```python\n(.*?)```", (DATA / "README.md").read_text(), re.S)
    made: dict[str, object] = {}
    exec(code, made)
    for name in ("sunspots.csv", "co2.csv", "elnino.csv"):
        assert (tmp_path / name).read_bytes() == (DATA / name).read_bytes()
    header = "/*\n** One.\n**   Two.\n*/\nint f(void); /* three */\n"
    assert made["english"](header) == "One.\n  Two.\nthree\n"  # type: ignore[operator]
