"""A small sweep to be disturbed, and the bytes it must leave whatever befell it."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas as pd
import psutil

from tests.workflow.workspace import TINY, Workspace

TARGETS = ("figures", "results/claims/verdicts.json")
DISTURBED: dict[str, Any] = {
    "experiments": ["horizon"],
    "lengths": [20],
    "replicates": 4,
    "training": {**TINY["training"], "updates": 800, "learning_rate": 1e-6, "futility_after": 1.0},
}
MEASURED = ("timing.parquet", "measured_seconds.csv")  # seconds, outside the promise
PATIENCE = 600.0
SAVE_OFTEN = {"LSTM_BENCH_CHECKPOINT_SECONDS": "0.2"}


def digests(workspace: Workspace) -> dict[str, str]:
    """The SHA-256 of everything a sweep stores but measured seconds, plans and logs."""
    results = workspace.path / "results"
    kept = ("runs", "ladders", "experiments", "claims", "checkpoints")
    return {
        path.relative_to(results).as_posix(): hashlib.sha256(_unmeasured(path)).hexdigest()
        for folder in kept
        for path in sorted((results / folder).rglob("*"))
        if path.is_file() and path.name not in MEASURED and path.suffix != ".sha256"
    }


def _unmeasured(path: Path) -> bytes:
    """A file without its columns of seconds."""
    if path.suffix != ".csv":
        return path.read_bytes()
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    return table[[c for c in table if "seconds" not in c]].to_csv(index=False).encode()


class Sweep:
    """A running `snakemake` of a workspace, with every process that came of it."""

    def __init__(self, workspace: Workspace, *targets: str, env: dict[str, str] | None = None):
        self.workspace, self.log = workspace, workspace.path / "sweep.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                workspace.command(*(targets or TARGETS)),
                cwd=workspace.path,
                env={**workspace.environment, **SAVE_OFTEN, **(env or {})},
                stdout=log,
                stderr=log,
                start_new_session=True,
                # a shell that starts the tests in the background has them ignore Ctrl-C
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
            )

    @property
    def running(self) -> bool:
        return self.process.poll() is None

    def server(self) -> list[psutil.Process]:
        """The fork server, where it is up."""
        file = Path(tempfile.gettempdir()) / f"lstm_bench-{os.getuid()}/{self.process.pid}.pid"
        try:
            return [psutil.Process(int(file.read_text()))]
        except (OSError, ValueError, psutil.NoSuchProcess):
            return []

    def family(self) -> list[psutil.Process]:
        """Snakemake's descendants, the fork server and its children."""
        found: list[psutil.Process] = []
        for root in [psutil.Process(self.process.pid), *self.server()]:
            try:
                found += [root, *root.children(recursive=True)]
            except psutil.NoSuchProcess:
                continue
        return list(dict.fromkeys(found))

    def trainings(self) -> list[psutil.Process]:
        """Supervising jobs and the children that train."""
        served = [child for server in self.server() for child in _children(server)]
        return served + [p for p in self.family() if _runs(p, "lstm_bench.jobs.job")]

    def kill(self, *victims: psutil.Process) -> None:
        for victim in victims:
            try:
                victim.kill()
            except psutil.NoSuchProcess:
                continue

    def wait(self) -> int:
        return self.process.wait(PATIENCE)

    def told(self) -> str:
        return self.log.read_text(errors="replace")[-3000:]


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children()
    except psutil.NoSuchProcess:
        return []


def _runs(process: psutil.Process, module: str) -> bool:
    try:
        return module in process.cmdline() and "python" in process.name()
    except psutil.Error:
        return False


def locked(workspace: Workspace) -> bool:
    """Whether a killed Snakemake has left its lock."""
    return any((workspace.path / ".snakemake/locks").glob("*"))


def unlock(workspace: Workspace) -> None:
    """The command Snakemake prints."""
    done = workspace.snakemake("--unlock")
    assert done.returncode == 0, done.stdout


def until(true: Any, seconds: float = PATIENCE, every: float = 0.01) -> bool:
    """Whether it became true in time."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True
