"""The remote path without a cluster: two scripts that run a submitted job on this machine."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path

import pytest

from tests.workflow.workspace import TINY, Workspace, same_files

PLUGIN = "snakemake_executor_plugin_cluster_generic"
pytestmark = pytest.mark.skipif(
    importlib.util.find_spec(PLUGIN) is None, reason=f"no {PLUGIN}: pip install -e '.[dev]'"
)

SUBMIT = """\
id=$(date +%s%N)
( setsid sh "$1" > jobs/$id.log 2>&1; echo $? > jobs/$id.code ) > /dev/null 2>&1 &
echo $id
"""
STATUS = """\
[ -e jobs/$1.code ] || { echo running; exit; }
[ "$(cat jobs/$1.code)" = 0 ] && echo success || echo failed
"""
# an Elman network whose process is killed at its first training, and which says who would fork it
FRAGILE = """\
import os, signal
from pathlib import Path
from lstm_bench.cells.elman import Elman

class Fragile(Elman):
    '''Dies once.'''
    name = "fragile"
    def init(self, *sizes):
        if "--condition" in Path("/proc/self/cmdline").read_text() and not Path("died").exists():
            Path("died").write_text(os.environ.get("LSTM_BENCH_FORK_SERVER", ""))
            os.kill(os.getpid(), signal.SIGKILL)
        return super().init(*sizes)
"""
SWEEP = {
    "experiments": ["horizon"],
    "cells": ["fragile", "lstm"],
    "plugins": ["fragile.py"],
    "training": {**TINY["training"], "updates": 20},
}
TABLE = "results/experiments/horizon/table.csv"


def test_blocks_packed_into_one_job_outlive_the_one_that_dies(tmp_path: Path) -> None:
    here, there = (Workspace(tmp_path / name, **SWEEP) for name in ("here", "there"))
    for workspace in (here, there):
        (workspace.path / "fragile.py").write_text(FRAGILE)
    (here.path / "died").touch()
    done = here.snakemake(TABLE)
    assert done.returncode == 0, done.stdout[-3000:]

    (there.path / "jobs").mkdir()
    for name, text in (("submit.sh", SUBMIT), ("status.sh", STATUS)):
        (there.path / name).write_text(text)
    done = _remotely(there)
    assert done.returncode == 0, done.stdout[-3000:]
    # one job for both blocks, and one more attempt for the block that died
    assert len(list(there.path.glob("jobs/*.code"))) == 2
    same_files(there, here)
    assert (there.path / "died").read_text() == ""
    # Snakemake empties the logs of what it starts again: the second attempt trained one block
    logs = [log.read_text() for log in there.path.glob("results/logs/train/*/*.log")]
    assert sum("finished:" in log for log in logs) == 1, logs
    assert not list(there.path.glob("results/checkpoints/*/*/*"))
    assert there.planned(TABLE) == {}


def _remotely(workspace: Workspace) -> subprocess.CompletedProcess[str]:
    executor = "--executor cluster-generic --jobs 4 --seconds-between-status-checks 1"
    scripts = [f"--cluster-generic-{what}-cmd=sh {what}.sh" for what in ("submit", "status")]
    packed = "--group-components train_16s=10 --"
    command = [word for word in workspace.command() if word not in ("--cores", "2")]
    return subprocess.run(
        [*command, "--cores", "1", *executor.split(), *scripts, *packed.split(), TABLE],
        cwd=workspace.path,
        env=workspace.environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
