"""The page of the MLflow experiment: views in the form of the UI, charts of one experiment each."""

from __future__ import annotations

import base64
import json
import re
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

from lstm_bench.spec import Condition, SeedBlock, Training
from lstm_bench.store.paths import Results
from lstm_bench.store.planned import PlannedMember
from lstm_bench.store.plans import Plan
from lstm_bench.tracking import notes, page, views
from lstm_bench.tracking.importer import track
from tests.unit.tracking.conftest import Mlflow
from tests.unit.tracking.fake_results import finish, finish_block, make_plan


def state(view: views.View) -> dict[str, Any]:
    """What the UI reads of a view."""
    packed = json.loads(view.tag()[1])["state"].split(";")[1]
    return json.loads(zlib.decompress(base64.b64decode(packed)))


def with_controls(results: Results) -> Plan:
    """horizon over two lengths, and truncation, whose controls are called as the cells are."""
    plan = make_plan(results, lengths=(10, 20), blocks=["seeds-000-001"])
    short = Condition("adding", 20, "lstm", training=Training(truncate=5))
    whole = Condition("adding", 20, "lstm")
    entry = replace(plan.conditions[whole.id], spec=short)
    members = tuple(PlannedMember("adding", "lstm", c.id) for c in (whole, short))
    horizon = plan.experiments["horizon"]
    truncation = replace(horizon, members=members)
    experiments = {"horizon": horizon, "truncation": truncation, "again": horizon}
    found = replace(
        plan,
        conditions={**plan.conditions, short.id: entry},
        experiments=experiments,
        config={**plan.config, "experiments": list(experiments)},
    ).write(plan.path)
    finish(results, found)
    return found


def test_saved_views_are_in_the_form_of_the_ui(tmp_path: Path) -> None:
    plan = make_plan(Results(tmp_path), tasks=[f"task{i}" for i in range(9)], lengths=range(9, 99))
    tags = page.experiment_tags(plan, "7")
    assert all(len(value) < 5000 for value in tags.values())
    linked = re.findall(r"viewStateShareKey=(\w+)", tags[notes.NOTE])
    assert {f"{views.STATE}{key}" for key in linked} == {t for t in tags if views.STATE in t}
    for view in views.VIEWS:
        value = json.loads(tags[f"mlflow.sharedViewState.{view.key}"])
        assert value["name"] == view.title
        assert state(view)["searchFilter"] == view.filter
        assert set(state(view)["selectedColumns"]) < set(state(view)["columnOrder"])
        assert view.link("7") in tags[notes.NOTE]


def test_a_chart_shows_the_runs_of_one_experiment(results: Results) -> None:
    """And T is an axis: a metric's step."""
    plan = with_controls(results)
    track(plan, results)
    mlflow = Mlflow(results)
    charts = page.chart_views(plan)
    assert {name: list(found) for name, found in charts.items()} == {
        "horizon": ["adding against T", "adding T=10", "adding T=20"],
        "truncation": ["adding T=20"],
    }

    def names(experiment: str, told: str) -> list[str]:
        found = mlflow.runs(state(charts[experiment][told])["searchFilter"])
        return sorted(run.info.run_name for run in found)

    assert names("horizon", "adding T=20") == ["elman adding T20", "lstm adding T20"]
    assert names("truncation", "adding T=20") == ["lstm adding T20", "lstm, k = 5, adding T20"]
    by_T = state(charts["horizon"]["adding against T"])
    assert by_T["groupBy"]["groupByKeys"] == [{"mode": "param", "groupByData": "cell"}]
    metrics = [chart["metricKey"] for chart in by_T["compareRunCharts"]]
    for run in mlflow.runs(by_T["searchFilter"]):
        points = mlflow.history(run, metrics[0])
        assert [(p.step, p.value) for p in points] == [
            (run.data.metrics["T"], run.data.metrics["solved"])
        ]
    shown = mlflow.runs(state(charts["truncation"]["adding T=20"])["searchFilter"])
    assert len({run.data.tags["mlflow.runColor"] for run in shown}) == 2


def test_a_view_of_an_earlier_config_goes(results: Results) -> None:
    plan = with_controls(results)
    track(plan, results)
    last = make_plan(results, lengths=(10,), blocks=["seeds-000-001"])
    track(last, results)
    client = Mlflow(results).client
    tags = client.get_experiment(Mlflow(results).experiment_id).tags
    wanted = page.experiment_tags(last, Mlflow(results).experiment_id)
    assert {tag for tag in tags if views.STATE in tag} == {t for t in wanted if views.STATE in t}


def test_the_lines_of_the_note_give_the_report_s_table(results: Results) -> None:
    """The share by cell and T, whatever else has the same cell and T."""
    import mlflow
    import pandas as pd

    plan = with_controls(results)
    finish_block(results, Condition("adding", 20, "gru"), SeedBlock(0, 1))  # lstm-bench train
    track(plan, results)
    mlflow.set_tracking_uri(f"sqlite:///{results.mlflow_db}")
    note = page.experiment_tags(plan, "1")[notes.NOTE]
    code = note.partition("```python\n")[2].partition("```")[0]
    *before, last = code.split("\nruns.")
    found: dict[str, Any] = {"mlflow": mlflow}
    exec("\n".join(before), found)
    table = eval(f"runs.{last.strip()}", found)
    assert list(table.columns) == [10, 20]
    assert list(table.index) == [("adding", "elman"), ("adding", "lstm")]
    for (_, cell), shares in table.iterrows():
        for T, share in shares.items():
            block = results.block(Condition("adding", int(T), cell), SeedBlock(0, 1))
            rows = pd.read_parquet(block / "replicates.parquet")
            assert share == (rows.status == "solved").mean()


def test_the_page_of_the_docs_has_the_lines_of_the_note() -> None:
    text = (Path(__file__).parents[3] / "docs/mlflow.md").read_text()
    lines = notes.in_python("lstm_bench", page.runs_of("horizon"))[1:]
    assert "\n".join(lines) in text
