"""Which sweep a command speaks of: the one last run, not the one last planned."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lstm_bench.cli import cli
from lstm_bench.errors import BenchError, DamagedFile
from lstm_bench.spec import Condition, seed_blocks
from lstm_bench.store.checksums import write_checked_json
from lstm_bench.store.paths import Results
from lstm_bench.store.planned import PlannedMember
from lstm_bench.store.plans import Plan
from lstm_bench.store.signatures import drawn_otherwise, is_of_another, sign
from lstm_bench.store.status import status_of
from lstm_bench.training.outcome import write_failure

HORIZON = {
    "members": [{"task": "adding", "cell": "lstm", "condition": "c-1"}],
    "blocks": ["seeds-000-001", "seeds-002-003"],
}


def planned(results: Results, digest: str, at: float, **changes: Any) -> Plan:
    data = {
        "config": {"experiments": ["horizon"], "plugins": []},
        "experiments": {"horizon": HORIZON, "tuning": {"members": [], "blocks": []}},
        **{key: {} for key in ("conditions", "tables", "claims")},
    }
    path = results.plan(digest)
    write_checked_json(path, {**data, **changes})
    os.utime(path, (at, at))
    return Plan.read(path)


def ran(plan: Plan, results: Results, at: float, *layers: str) -> None:
    plan.mark_run(results, layers)
    os.utime(results.mark(plan.path.stem), (at, at))


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Results:
    monkeypatch.chdir(tmp_path)
    return Results()


def test_a_plan_that_was_only_made_is_not_the_last_run(results: Results):
    first = planned(results, "aaaa", 1)
    assert Plan.last_run(results).path == first.path  # 0.3.4 left no marks: the newest
    ran(first, results, 5, "config.yaml")
    planned(results, "bbbb", 9)  # a dry run, an estimate
    assert Plan.last_run(results).path == first.path
    ran(planned(results, "cccc", 2), results, 6, "config.yaml", "smoke.yaml")
    assert Plan.last_run(results).named(results) == "config.yaml + smoke.yaml (plan cccc)"
    ran(first, results, 7, "config.yaml")
    assert Plan.last_run(results).path == first.path


def test_a_plan_of_an_older_version_is_read_as_far_as_both_know_it(results: Results):
    horizon = {**HORIZON, "in_sweep": True}  # as 0.3.4 wrote it: without factors, with other keys
    sweep = {"tasks": [], "cells": [{"name": "lstm", "label": "mine", "key": "lstm"}]}
    found = planned(results, "aaaa", 1, experiments={"horizon": horizon}, sweep=sweep)
    assert found.experiments["horizon"].members == (PlannedMember("adding", "lstm", "c-1", {}),)
    assert [cell.shown for cell in found.sweep.cells] == ["mine"]
    with pytest.raises(DamagedFile, match="another version of lstm_bench wrote it"):
        planned(results, "bbbb", 2, conditions={"c-1": {"of": "a later version"}})


def test_nothing_run_is_one_sentence(results: Results):
    with pytest.raises(BenchError, match="run snakemake first"):
        Plan.last_run(results)


def test_the_status_names_its_config(results: Results):
    ran(planned(results, "aaaa", 1), results, 1, "config.yaml", "mine.yaml")
    said = CliRunner().invoke(cli, ["status"]).output
    assert "config.yaml + mine.yaml" in said
    assert "2 waiting" in said
    of_tuning = CliRunner().invoke(cli, ["status", "--experiment", "tuning"]).output
    assert "seed blocks  0" in of_tuning


def test_a_config_without_a_run_is_called_so(results: Results):
    planned(results, "aaaa", 1)
    said = CliRunner().invoke(cli, ["status"]).output
    assert "a config that was not run here (plan aaaa)" in said


def test_seeds_that_failed_alike_are_told_together(results: Results):
    condition = Condition("adding", 4, "elman")
    for block, reason in zip(seed_blocks(5, 2), ["full", "full", "killed"], strict=True):
        write_failure(results.block(condition, block), condition, block, reason, "", "")
    blocks = [(folder.parent.name, folder.name) for folder in results.blocks()]
    assert status_of(blocks, results).failures == [
        f"{condition.id}: 4 seeds: error, full",
        f"{condition.id}: seed 4: error, killed",
    ]
    said = CliRunner().invoke(cli, ["status"]).output
    assert said.count("failed  ") == 2


def test_an_experiments_folder_says_which_plan_drew_it(results: Results):
    decisive = {"settings": {}, "code": "1", "figure_code": "2", "probe": None}
    plan = planned(results, "aaaa", 1, experiments={"horizon": {**HORIZON, **decisive}})
    ran(plan, results, 1, "config.yaml", "mine.yaml")
    sign(plan, results, "horizon", "conclude")
    found = json.loads((results.experiment("horizon") / "plan.json").read_text(encoding="utf-8"))
    assert (found["plan"], found["config"]) == ("aaaa", ["config.yaml", "mine.yaml"])


def test_tables_of_another_config_are_known_without_snakemakes_records(results: Results):
    folder = results.experiment("horizon")
    folder.mkdir(parents=True)
    decisive = {"settings": {}, "code": "1", "figure_code": "2", "probe": None}
    first = {"horizon": {**HORIZON, **decisive}}
    plan = planned(results, "aaaa", 1, experiments=first)
    assert not is_of_another(plan, results, "horizon")  # nothing is there
    (folder / "table.csv").touch()
    assert is_of_another(plan, results, "horizon")  # of 0.3.4, or of a killed stage
    for stage in ("conclude", "draw"):
        sign(plan, results, "horizon", stage)
    assert not is_of_another(plan, results, "horizon")
    for change in ({"members": []}, {"settings": {"a": 1}}, {"code": "3"}, {"figure_code": "4"}):
        other = planned(results, "bbbb", 2, experiments={"horizon": {**first["horizon"], **change}})
        assert drawn_otherwise(other, results) == ["horizon"]


def test_what_a_probe_measured_otherwise_has_another_name(results: Results):
    entry = {**HORIZON, "probe": "cost", "probe_settings": {"cells": ["lstm"]}, "probe_code": "1"}
    names = set()
    for change in ({}, {"probe_settings": {"cells": ["gru"]}}, {"probe_code": "2"}):
        plan = planned(results, "aaaa", 1, experiments={"cost": {**entry, **change}})
        names.update(plan.probe_files("cost"))
    assert len(names) == 3
