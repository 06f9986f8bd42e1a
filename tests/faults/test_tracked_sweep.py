"""A sweep beside a tracking server: down, then there, with a password that is never shown."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.conftest import LONG
from tests.faults.servers import PASSWORD, MlflowServer, ended, free_port
from tests.workflow.workspace import Workspace

SHORT = {
    "experiments": ["horizon"],
    "cells": ["lstm"],
    "claims": [],
    "training": {"updates": 20, "evaluate_every": 10, "validation_size": 32, "test_size": 32},
}
SECRETS = [PASSWORD.encode(), base64.b64encode(f"ada:{PASSWORD}".encode())]


def require_secret_kept(*folders: Path) -> None:
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 30
    for path in files:
        data = path.read_bytes()
        assert not any(secret in data for secret in SECRETS), path


@pytest.mark.skipif(not LONG, reason="make faults runs it")
def test_a_server_that_is_down_stops_no_sweep_and_gets_all_later(tmp_path: Path) -> None:
    workspace, port = Workspace(tmp_path / "sweep", **SHORT), free_port()
    env = {"MLFLOW_TRACKING_URI": f"http://ada:{PASSWORD}@127.0.0.1:{port}"}
    shown = workspace.snakemake(env=env)
    assert shown.returncode == 1  # what was asked for is not all there
    told = f"MLFLOW_TRACKING_URI=http://127.0.0.1:{port} does not answer as MLflow should"
    before, _, after = shown.stdout.partition("Meanwhile the sweep goes on.")
    assert told in before
    assert told in after
    assert "Traceback" not in shown.stdout
    assert PASSWORD not in shown.stdout
    assert (workspace.path / "results/report/index.html").exists()
    assert not (workspace.path / "results/tracked.json").exists()
    assert workspace.planned() == {"track": 1}

    server = MlflowServer(tmp_path / "server", f"sqlite:///{tmp_path}/server.db", port)
    with ended(server):
        shown = workspace.snakemake(env=env)
        assert shown.returncode == 0, shown.stdout
        assert json.loads((workspace.path / "results/tracked.json").read_text())["runs"] == 4
        assert PASSWORD not in shown.stdout
        if LONG:
            assert PASSWORD not in watch_while_the_sweep_grows(workspace, env)
    require_secret_kept(tmp_path)


def watch_while_the_sweep_grows(workspace: Workspace, env: dict[str, str]) -> str:
    """Import beside the sweep, as `lstm-bench ui` does with a server of one's own."""
    log = workspace.path / "watched.log"
    command = [sys.executable, "-m", "lstm_bench.cli"]
    given = {"cwd": workspace.path, "env": {**workspace.environment, **env}, "text": True}
    with log.open("w") as output:
        watcher = subprocess.Popen([*command, "ui"], stdout=output, stderr=output, **given)
    try:
        deadline = time.monotonic() + 120
        while "Ctrl-C ends it" not in log.read_text():
            assert watcher.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        workspace.configure(replicates=4)
        shown = workspace.snakemake(env=env)
        assert shown.returncode == 0, shown.stdout
    finally:
        watcher.send_signal(signal.SIGTERM)
        watcher.wait(60)
    done = subprocess.run([*command, "track"], capture_output=True, **given)
    assert "0 runs added, 0 replaced, 6 unchanged" in done.stdout, done.stdout + done.stderr
    return log.read_text() + shown.stdout + done.stdout + done.stderr


def test_an_address_that_never_works_is_refused(tmp_path: Path) -> None:
    given = {"MLFLOW_TRACKING_URI": f"http:ada:{PASSWORD}@host"}
    shown = Workspace(tmp_path).snakemake("-n", env=given)
    assert shown.returncode == 1
    assert "is not allowed; it must begin with http://" in shown.stdout
    assert "Traceback" not in shown.stdout
    assert PASSWORD not in shown.stdout
