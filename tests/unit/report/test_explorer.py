"""What the explorer knows: every replicate, its ends, thinned curves, gates and gradients."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from lstm_bench.errors import DamagedFile
from lstm_bench.report import explorer
from lstm_bench.report.explorer import page_name, selections, told_apart, write_explorer
from lstm_bench.report.policy import content_policy, inert_json
from lstm_bench.report.replicates import MOST, thinned
from lstm_bench.store.collect import collect
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.store.tables import write_table
from tests.unit.report.hostile import HOSTILE
from tests.unit.tracking.fake_results import finish, make_plan


@pytest.fixture
def swept(tmp_path: Path) -> tuple[Plan, Results]:
    results = Results(tmp_path)
    plan = make_plan(results, cells=("lstm", "irnn", "elman"), lengths=(20, 50))
    finish(results, plan)
    return plan, results


def data_of(page: Path) -> dict:
    found = re.search(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.S)
    assert found is not None
    return json.loads(found[1])


def test_every_replicate_is_there_as_it_was_stored(swept):
    plan, results = swept
    (page,) = write_explorer(plan, results, results.root / "explorer")
    entries = {entry["id"]: entry for entry in data_of(page)["entries"]}
    stored = collect(results, plan.blocks(plan.asked), "replicates")
    assert len(stored) == 30
    assert {"solved", "unsolved"} <= set(stored.status)
    for row in stored.to_dict("records"):
        run = next(r for r in entries[row["condition"]]["runs"] if r["seed"] == row["seed"])
        assert (run["status"], run["updates"]) == (row["status"], row["updates"])
        if row["test_loss"] == row["test_loss"]:
            assert run["test_loss"] == pytest.approx(row["test_loss"], rel=1e-3)


def test_a_curve_ends_where_its_replicate_ended(swept):
    plan, results = swept
    (page,) = write_explorer(plan, results, results.root / "explorer")
    curves = collect(results, plan.blocks(plan.asked), "curves")
    for entry in data_of(page)["entries"]:
        for run in entry["runs"]:
            own = curves[(curves.condition == entry["id"]) & (curves.seed == run["seed"])]
            finite = own[own.validation_loss < 1e300].set_index("update").validation_loss
            drawn = {u: v for u, v in zip(entry["updates"], run["v"]) if v is not None}
            assert max(drawn) == finite.index.max()
            for update, value in drawn.items():
                assert value == pytest.approx(finite[update], rel=1e-3)


def test_gates_and_gradients_are_those_of_the_probes(swept):
    plan, results = swept
    id = plan.experiments["horizon"].members[0].condition
    trace = {"condition": id, "seed": 3, "measure": "trace", "gate": "write"}
    gates = [{**trace, "of": "relevant", "lag": 0, "value": 0.25}]
    gates += [{**trace, "of": "irrelevant", "lag": 1, "value": 0.125}]
    gates += [{**trace, "measure": "auc", "of": "trained", "lag": -1, "value": 0.75}]
    norm = {"condition": id, "seed": 3, "measure": "log_norm", "stage": "init", "part": "h"}
    flow = [{**norm, "lag": 0, "value": -1.0}, {**norm, "lag": 5, "value": -3.5}]
    flow += [{**norm, "lag": 9, "value": float("-inf")}]
    flow += [{**norm, "measure": "slope", "lag": -1, "value": -0.5}]
    asked = ["horizon", "selective_memory", "gradient_flow"]
    entries = {name: replace(plan.experiments["horizon"], probe=name) for name in asked[1:]}
    config = {**plan.config, "experiments": asked}
    plan = replace(plan, config=config, experiments={**plan.experiments, **entries})
    for name, rows in (("selective_memory", gates), ("gradient_flow", flow)):
        write_table(results.root / plan.probe_files(name)[0], rows)
    (page,) = write_explorer(plan, results, results.root / "explorer")
    entry = next(e for e in data_of(page)["entries"] if e["id"] == id)
    run = next(r for r in entry["runs"] if r["seed"] == 3)
    assert (entry["steps"], entry["relevant"], entry["lags"]) == ([0, 1], [0], [0, 5, 9])
    assert run["gates"] == {"write": [0.25, 0.125]}
    assert run["flow"] == {"init": {"h": [0, -2.5, -17]}}
    assert (run["auc_trained"], run["slope_init"]) == (0.75, -0.5)
    assert entry["asked_by"] == ["horizon", "selective_memory", "gradient_flow"]


def test_a_large_sweep_is_spread_over_pages_that_know_each_other(swept, monkeypatch):
    plan, results = swept
    monkeypatch.setattr(explorer, "POINTS", 300)
    folder = results.root / "explorer"
    (folder / "page-99.html").parent.mkdir(parents=True)
    (folder / "page-99.html").write_text("of a larger sweep")
    pages = write_explorer(plan, results, folder)
    assert len(pages) == 6
    assert sorted(folder.iterdir()) == sorted(pages)
    for number, page in enumerate(pages):
        data = data_of(page)
        assert page.name == page_name(number)
        where = {
            (t["task"], c["cell"], T): at
            for t in data["index"]
            for c in t["cells"]
            for T, at in c["T"]
        }
        assert len(where) == len(selections(plan))
        assert {where[e["task"], e["cell"], e["T"]] for e in data["entries"]} == {number}


def test_a_damaged_file_is_named(swept):
    plan, results = swept
    condition, block = plan.blocks(plan.asked)[0]
    path = results.block(condition, block) / "curves.parquet"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DamagedFile, match=re.escape(str(path))):
        write_explorer(plan, results, results.root / "explorer")


def test_an_error_has_a_row_and_no_curve(swept):
    plan, results = swept
    condition, block = plan.blocks(plan.asked)[0]
    folder = results.block(condition, block)
    rows = collect(results, [(condition, block)], "replicates").to_dict("records")
    gone = {"status": "error", "reason": "killed", "updates": None, "floor": None}
    write_table(folder / "replicates.parquet", [{**row, **gone} for row in rows])
    nothing = {"condition": condition, "seed": None, "update": None}
    nothing |= dict.fromkeys(("train_loss", "validation_loss", "validation_score"))
    write_table(folder / "curves.parquet", [nothing])
    (page,) = write_explorer(plan, results, results.root / "explorer")
    entry = next(e for e in data_of(page)["entries"] if e["id"] == condition)
    assert entry["updates"] == []
    assert {(r["status"], r["reason"], len(r["v"])) for r in entry["runs"]} == {
        ("error", "killed", 0)
    }


@pytest.mark.parametrize(("count", "kept"), [(0, []), (1, [0]), (100, [5]), (5000, [3, 4321])])
def test_thinning_keeps_both_ends_and_what_it_must(count, kept):
    values = list(range(0, count * 50, 50))
    found = thinned(values, [50 * k for k in kept if k < count])
    assert len(found) <= MOST
    assert set(found) <= set(values)
    if count:
        assert (found[0], found[-1]) == (values[0], values[-1])
        assert {50 * k for k in kept if k < count} <= set(found)


def test_conditions_of_one_choice_are_told_apart_by_what_differs():
    a = {"T": 10, "training": {"train_size": 64, "updates": 5}}
    b = {"T": 10, "training": {"train_size": 128, "updates": 5, "stop": "budget"}}
    assert told_apart({"a": a}) == {"a": ""}
    told = told_apart({"a": a, "b": b})
    assert told == {"a": "train size 64, stop default", "b": "train size 128, stop budget"}


@pytest.mark.parametrize("name", HOSTILE)
def test_json_in_a_page_ends_nothing_and_is_what_it_was(name):
    text = inert_json({name: [name]})
    assert not set("<>&\u2028\u2029") & set(text)
    assert json.loads(text) == {name: [name]}


def test_a_policy_names_the_texts_and_no_other():
    policy = content_policy("a{}", "b()")
    assert "unsafe" not in policy
    assert "http" not in policy
    assert policy != content_policy("a{}", "c()")
    assert "script-src" not in content_policy("a{}")
