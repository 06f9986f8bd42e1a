"""A sweep through a real Slurm gives the bytes of a local one, whatever happens to its jobs."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.slurm.cluster import cluster, missing
from tests.workflow.workspace import ROOT, Workspace, same_files

PLUGIN = "snakemake_executor_plugin_slurm"
WHY_NOT = (
    "takes minutes: make slurm-test"
    if not os.environ.get("LSTM_BENCH_SLURM_TEST")
    else f"no {PLUGIN}: pip install -e '.[slurm]'"
    if importlib.util.find_spec(PLUGIN) is None
    else missing()
)
pytestmark = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)

SMOKE = yaml.safe_load((ROOT / "workflow/presets/smoke.yaml").read_text())
SWEEP = {
    **{key: SMOKE[key] for key in ("cells", "width", "replicates", "seed_block")},
    "tasks": ["temporal_order"],
    "lengths": [10],
    "training": SMOKE["training"],
    "experiments": ["horizon"],
}
# as long on a busy machine as on an idle one
PATIENT = """\
import time
from lstm_bench.tasks.temporal_order import TemporalOrder

class Patient(TemporalOrder):
    '''Draws a batch in a quarter of a second.'''
    name = "patient"
    def sample(self, *asked):
        time.sleep(0.25)
        return super().sample(*asked)
"""
LONG = {
    **SWEEP,
    **{"tasks": ["patient"], "plugins": ["patient.py"], "cells": ["lstm"]},
    **{"replicates": 1, "seed_block": 1},
    "training": {**SWEEP["training"], "updates": 400, "stop": "budget"},
}
TABLE = "results/experiments/horizon/table.csv"


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with cluster(tmp_path_factory.mktemp("slurm") / "cluster"):
        yield


def _local(path: Path, **config: object) -> Workspace:
    workspace = Workspace(path, **config)
    (path / "patient.py").write_text(PATIENT)
    done = workspace.snakemake(TABLE)
    assert done.returncode == 0, done.stdout[-3000:]
    return workspace


def _on_slurm(path: Path, **config: object) -> Workspace:
    """A workspace whose profile looks after its jobs more often than on a cluster of many."""
    workspace = Workspace(path, **config)
    (path / "patient.py").write_text(PATIENT)
    profile = path / "profiles/slurm/config.yaml"
    profile.write_text(re.sub(r"(status-checks): 20", r"\1: 3", profile.read_text()))
    return workspace


def _start(workspace: Workspace, *words: str) -> subprocess.Popen[str]:
    command = [word for word in workspace.command() if word not in ("--cores", "2")]
    return subprocess.Popen(
        [*command, "--profile", "profiles/slurm", *words, "--", TABLE],
        cwd=workspace.path,
        env=workspace.environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _finish(sweep: subprocess.Popen[str]) -> str:
    shown, _ = sweep.communicate(timeout=900)
    assert sweep.returncode == 0, shown[-4000:]
    return shown


def _wait_for_a_checkpoint(workspace: Workspace, sweep: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 300
    while not list(workspace.path.glob("results/checkpoints/*/*/state.safetensors")):
        assert sweep.poll() is None, sweep.communicate()[0][-3000:]
        assert time.monotonic() < deadline, "no checkpoint"
        time.sleep(0.5)


def test_a_packed_sweep_gives_the_bytes_of_a_local_one(slurm: None, tmp_path: Path) -> None:
    there = _on_slurm(tmp_path / "there", **SWEEP)
    shown = _finish(_start(there))
    assert shown.count("has been submitted with SLURM jobid") == 1  # three blocks
    same_files(there, _local(tmp_path / "here", **SWEEP))
    assert not list(there.path.glob("results/checkpoints/*/*/*"))  # nothing is left aside
    assert list(there.path.glob("results/logs/slurm/*/*.log"))


def test_a_job_that_is_cancelled_and_one_at_its_time_limit_go_on(
    slurm: None, tmp_path: Path
) -> None:
    there = _on_slurm(tmp_path / "there", **LONG)
    limit = "train:runtime=1 if attempt < 3 else 20"  # minutes
    sweep = _start(there, "--set-resources", limit)
    _wait_for_a_checkpoint(there, sweep)
    subprocess.run(["scancel", "--user", str(os.geteuid())], check=True)
    shown = _finish(sweep)
    assert shown.count("has been submitted with SLURM jobid") == 3
    log = next(there.path.glob("results/logs/train/*/*.log")).read_text()
    assert "lowest validation loss" in log.splitlines()[0]  # not from the beginning
    same_files(there, _local(tmp_path / "here", **LONG))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--default-resources", "slurm_partition=mian", "runtime=3"], "did you mean 'main'?"),
        (["--set-resources", "train:mem_mb=99000"], "mem_mb 99000 is not allowed"),
        (["--set-resources", "train:gpu=1"], "gpu 1 is not allowed in partition 'main'"),
    ],
)
def test_what_the_cluster_lacks_is_refused_in_one_sentence(
    words: list[str], told: str, slurm: None, tmp_path: Path
) -> None:
    sweep = _start(_on_slurm(tmp_path / "there", **SWEEP), *words)
    shown, _ = sweep.communicate(timeout=300)
    assert sweep.returncode == 1
    assert shown.count(told) == 1
    assert "Traceback" not in shown
    waiting = subprocess.run(["squeue", "--noheader"], capture_output=True, text=True)
    assert waiting.stdout == ""
