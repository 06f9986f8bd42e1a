"""A toy workspace around the real Snakefile, so that tests drive the real thing."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[2]
TINY: dict[str, Any] = {
    "experiments": ["horizon", "training_time", "cost"],
    "tasks": ["temporal_order"],
    "lengths": [10],
    "cells": ["elman", "lstm"],
    "replicates": 2,
    "seed_block": 2,
    "width": 8,
    "training": {
        "updates": 60,
        "evaluate_every": 10,
        "learning_rate": 0.01,
        "validation_size": 64,
        "test_size": 64,
    },
    "cost": {"lengths": [10, 20], "widths": [8, 16], "length": 10, "samples": 3},
    "tuning": {"rates": [0.001, 0.01, 0.1], "first": 2},
    "learning_rates": None,
    "device": "cpu",
}


class Workspace:
    """A folder with Snakefile, workflow, profile and a config of its own."""

    def __init__(self, path: Path, **config: Any) -> None:
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        for name in ("Snakefile", "environment.yml"):
            shutil.copy(ROOT / name, path)
        for name in ("workflow", "profiles"):
            shutil.copytree(ROOT / name, path / name, dirs_exist_ok=True)
        self.config = {**TINY, **config}
        self.configure()

    def configure(self, **changes: Any) -> None:
        """Write config.yaml, with these keys replaced."""
        self.config = {**self.config, **changes}
        (self.path / "config.yaml").write_text(yaml.safe_dump(self.config))

    def copy(self, path: Path) -> Workspace:
        """The workspace with everything that was computed in it."""
        shutil.copytree(self.path, path, symlinks=True)
        return self.at(path, self.config)

    @classmethod
    def at(cls, path: Path, config: dict[str, Any]) -> Workspace:
        """What is there already, with this config."""
        found = object.__new__(cls)
        found.path, found.config = path, dict(config)
        return found

    def command(self, *words: str) -> list[str]:
        return [str(Path(sys.executable).with_name("snakemake")), "--cores", "2", *words]

    @property
    def environment(self) -> dict[str, str]:
        kept = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"}
        return {**kept, "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}"}

    def snakemake(
        self, *words: str, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the real Snakefile; stdout and stderr together."""
        return subprocess.run(
            self.command(*words),
            cwd=self.path,
            env={**self.environment, **(env or {})},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def cli(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `lstm-bench`."""
        return subprocess.run(
            [sys.executable, "-m", "lstm_bench.cli", *words],
            cwd=self.path,
            env=self.environment,
            text=True,
            capture_output=True,
        )

    def planned(self, *words: str) -> dict[str, int]:
        """The jobs a dry run would start, by rule."""
        shown = self.snakemake("-n", *words).stdout
        assert "Traceback" not in shown, shown
        table = re.search(r"job\s+count\n-+\s+-+\n(.*?)\n\n", shown, re.S)
        if table is None:
            assert "Nothing to be done" in shown, shown
            return {}
        rows = (line.split() for line in table[1].splitlines())
        return {rule: int(count) for rule, count in rows if rule not in ("total", "all")}


def made_once(
    name: str,
    factory: pytest.TempPathFactory,
    make: Callable[[Path], Workspace],
) -> Workspace:
    """What the first test process to ask has made in the folder it is given; the others wait.

    All processes of a run read the same files: a test that changes any takes a copy.
    """
    base = factory.getbasetemp()  # of one process; of several, each has its own in the common one
    common = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    kept = common / f"{name}.yaml"
    with FileLock(f"{kept}.lock"):
        if not kept.exists():
            shutil.rmtree(common / name, ignore_errors=True)  # of one that failed
            workspace = make(common / name)
            kept.write_text(yaml.safe_dump([str(workspace.path), workspace.config]))
    path, config = yaml.safe_load(kept.read_text())
    return Workspace.at(Path(path), config)


SAME = ("replicates.parquet", "curves.parquet", "model.safetensors", "condition.json")


def stored(workspace: Workspace) -> dict[str, str]:
    """The digests of what may never differ between two ways to run a sweep."""
    files = workspace.path.glob("results/runs/**/*")
    return {
        path.relative_to(workspace.path).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in files
        if path.name in SAME
    }


def same_files(one: Workspace, other: Workspace) -> None:
    """Both hold the same trainings, bit for bit, and at least one."""
    assert len(stored(one)) >= len(SAME)
    assert stored(one) == stored(other)
