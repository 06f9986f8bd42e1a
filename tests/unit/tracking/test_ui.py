"""The server as a user meets it: started, asked over HTTP, ended by a signal."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lstm_bench.errors import BenchError
from lstm_bench.spec import SeedBlock
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.tracking import ui
from lstm_bench.tracking.importer import track
from tests.unit.tracking.conftest import BLOCKS, RUNS, Mlflow
from tests.unit.tracking.fake_results import MINUTE, START, finish_block

CODE = "import sys; from lstm_bench.tracking.ui import serve; serve(port=int(sys.argv[1]))"


@contextmanager
def taken_port() -> Iterator[int]:
    with closing(socket.socket()) as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        yield held.getsockname()[1]


def free_port() -> int:
    with taken_port() as port:
        return port


def within(seconds: float, happens: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = happens()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("it never happened")


def search(port: int, experiment_id: str) -> list[dict[str, Any]]:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/api/2.0/mlflow/runs/search",
        json.dumps({"experiment_ids": [experiment_id], "max_results": 1000}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer).get("runs", [])


def test_the_ui_shows_the_runs_and_what_finishes_meanwhile(
    results: Results, plan: Plan, tmp_path: Path
) -> None:
    track(plan, results)
    id, port = Mlflow(results).experiment_id, free_port()
    out = tmp_path / "out"
    with out.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", CODE, str(port)], cwd=tmp_path, stdout=output
        )
    try:
        within(120, lambda: f"http://127.0.0.1:{port}/#/experiments/{id}/runs" in out.read_text())
        runs = search(port, id)
        assert len(runs) == RUNS
        (answer,) = (r for r in runs if r["info"]["run_name"] == "experiment: horizon")
        path = f"get-artifact?path=figure.svg&run_uuid={answer['info']['run_id']}"
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10) as figure:
            assert figure.read().startswith(b"<svg")
        condition = next(iter(plan.conditions.values())).spec
        block = SeedBlock.parse(BLOCKS[0])
        finish_block(results, condition, block, START + 9 * MINUTE, "diverged")
        within(30, lambda: "3 replaced" in out.read_text())
        assert sum(r["info"]["status"] == "FAILED" for r in search(port, id)) == 2
        served = f"http://127.0.0.1:{port}"
        assert track(plan, results, uri=served).unchanged == RUNS
        tracking = {"experiment": "over HTTP"}
        other = replace(plan, config={**plan.config, "tracking": tracking})
        assert track(other, results, uri=served).added == RUNS
        assert track(other, results, uri=served).unchanged == RUNS
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGTERM)
            process.wait(20)
    with closing(socket.socket()) as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_taken_port_is_one_sentence(results: Results, plan: Plan) -> None:
    with taken_port() as port, pytest.raises(BenchError, match=f"port {port} of 127.0.0.1"):
        ui.serve(results.root, port=port)


def test_without_a_plan_there_is_nothing_to_show(results: Results) -> None:
    with pytest.raises(BenchError, match="run snakemake first"):
        ui.serve(results.root, port=free_port())
