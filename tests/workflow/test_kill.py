"""kill -9 in the middle of a sweep, run again: the same bytes as if nothing had happened."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

from tests.workflow.workspace import TINY, Workspace, same_files

SETTINGS = {
    "experiments": ["horizon"],
    "cells": ["lstm"],
    "lengths": [40],
    "replicates": 4,
    "training": {**TINY["training"], "updates": 5000, "learning_rate": 1e-6, "futility_after": 1.0},
}


def test_kill_9_of_the_whole_sweep_and_again_gives_the_same_bytes(tmp_path: Path) -> None:
    undisturbed = Workspace(tmp_path / "undisturbed", **SETTINGS)
    done = undisturbed.snakemake("results/experiments/horizon/table.csv")
    assert done.returncode == 0, done.stdout[-3000:]

    killed = Workspace(tmp_path / "killed", **SETTINGS)
    sweep = subprocess.Popen(
        killed.command("results/experiments/horizon/table.csv"),
        cwd=killed.path,
        env=killed.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    _wait_for(killed.path, "results/checkpoints/*/*.lock")
    time.sleep(2.5)  # torch is imported and updates are under way
    os.killpg(sweep.pid, signal.SIGKILL)
    sweep.wait()
    assert not list(killed.path.glob("results/runs/*/*/replicates.parquet"))

    assert killed.snakemake("--unlock").returncode == 0
    again = killed.snakemake("results/experiments/horizon/table.csv")
    assert again.returncode == 0, again.stdout[-3000:]
    same_files(killed, undisturbed)


def _wait_for(folder: Path, pattern: str) -> None:
    deadline = time.monotonic() + 60
    while not list(folder.glob(pattern)):
        assert time.monotonic() < deadline, f"no {pattern}"
        time.sleep(0.05)
