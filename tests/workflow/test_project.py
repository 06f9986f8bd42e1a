"""What holds the project together: lint, environment files, presets, plans of many blocks."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import lstm_bench
from lstm_bench import experiments
from lstm_bench.planning.ensure import ensure_plan
from lstm_bench.planning.fitting import with_sections
from lstm_bench.planning.plan import resolve
from tests.workflow.workspace import ROOT, TINY, Workspace

SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())


def test_snakemake_lint_is_clean(tmp_path: Path) -> None:
    shown = Workspace(tmp_path).snakemake("--lint")
    assert shown.returncode == 0, shown.stdout


def test_environment_yml_installs_what_pyproject_says() -> None:
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    words = [entry for entry in environment["dependencies"] if isinstance(entry, str)]
    assert any(word.startswith("python" + project["requires-python"]) for word in words)
    pip = next(entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    assert pip == ["-e .[sweep]"]


def test_the_lock_satisfies_pyproject() -> None:
    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = (ROOT / "requirements.lock").read_text().split()
    locked = dict(line.split("==") for line in lines if "==" in line)
    names = {name.lower().replace("_", "-"): version for name, version in locked.items()}
    extras = project["optional-dependencies"]
    wanted = [
        Requirement(each) for each in (*project["dependencies"], *extras["sweep"], *extras["dev"])
    ]
    for requirement in (each for each in wanted if each.name != "lstm-bench"):
        version = names[requirement.name.lower().replace("_", "-")]
        assert requirement.specifier.contains(version), requirement


@pytest.mark.parametrize(
    "preset", ["smoke", "gpu", "catalogue", "cause", "cause_sgd", "uses", "study_plain"]
)
def test_a_preset_over_the_default_config_resolves(
    preset: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from snakemake.utils import update_config

    monkeypatch.chdir(ROOT)
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    overlay = yaml.safe_load((ROOT / f"workflow/presets/{preset}.yaml").read_text())
    update_config(config, overlay)
    config["device"] = "auto"
    assert resolve(config, SCHEMA).conditions


def test_two_thousand_blocks_plan_in_ten_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lengths = list(range(10, 210))
    cells = ["elman", "irnn", "jordan", "lstm", "gru"]
    size = {"lengths": lengths, "cells": cells, "replicates": 4}
    workspace = Workspace(tmp_path, experiments=["horizon"], **size)
    monkeypatch.chdir(tmp_path)
    ensure_plan(workspace.config, tmp_path)
    before = _cpu_seconds_of_children()
    assert workspace.planned("--quiet", "rules")["train"] == 2000
    assert len(list(tmp_path.glob("results/plans/*.json"))) == 1
    # CPU time, and some slack: another test process may run beside this one
    assert _cpu_seconds_of_children() - before < 15


def _cpu_seconds_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_the_training_entry_point_imports_neither_pandas_nor_mlflow_nor_matplotlib() -> None:
    code = (
        "import sys, lstm_bench.training.run; "
        "heavy = {'pandas', 'mlflow', 'matplotlib', 'scipy', 'sympy'}; "
        "print(sorted(heavy & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_the_default_config_names_every_key_of_the_schema() -> None:
    config = yaml.safe_load((ROOT / "config.yaml").read_text())
    assert set(config) == set(with_sections(SCHEMA, experiments.registry())["properties"])
    assert set(config["training"]) == set(SCHEMA["properties"]["training"]["properties"])
    assert TINY.keys() <= config.keys()


def test_make_uses_the_cores_that_this_shell_may_use() -> None:
    one = next(iter(os.sched_getaffinity(0)))
    shown = subprocess.run(
        ["make", "-n", "smoke", f"PYTHON={sys.executable}"],
        cwd=ROOT,
        capture_output=True,
        encoding="utf-8",
        check=True,
        preexec_fn=lambda: os.sched_setaffinity(0, {one}),
    )
    assert "--cores 1 " in shown.stdout


def test_the_version_to_cite_is_this_one() -> None:
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == lstm_bench.__version__
    assert f"## {cited['version']} (" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
