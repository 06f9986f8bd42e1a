"""docs/tracking-server.md, word by word: its commands make a server, and a sweep is in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import pytest

from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from tests.faults.conftest import LONG
from tests.faults.servers import BIN, free_port, killed
from tests.unit.tracking.conftest import RUNS, empty_store, plan, results  # noqa: F401 (fixtures)
from tests.workflow.workspace import ROOT

PAGE = ROOT / "docs/tracking-server.md"


def as_ordinary_user() -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]


@pytest.mark.skipif(not LONG, reason="make faults runs it")
@pytest.mark.skipif(not BIN, reason="needs Debian's PostgreSQL")
def test_the_documented_commands_make_a_server(
    results: Results,  # noqa: F811
    plan: Plan,  # noqa: F811
) -> None:
    path = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    may_run = [*as_ordinary_user(), "bash", "-c", "python -c ''"]
    if subprocess.run(may_run, env={**os.environ, **path}, capture_output=True).returncode:
        pytest.skip("the user postgres may not run this Python: it lies in a folder of root's own")
    text, ports = PAGE.read_text(), {"5000": str(free_port()), "5432": str(free_port())}
    for said, free in ports.items():
        text = text.replace(said, free)
    database, server, client = re.findall(r"```sh\n(.*?)```", text, re.S)
    folder = Path(tempfile.mkdtemp(prefix="lstm_bench-documented-"))
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    environment = {**os.environ, **path, "HOME": str(folder)}
    with (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            [*as_ordinary_user(), "bash", "-euc", database + server],
            cwd=folder,
            env=environment,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        address = f"http://127.0.0.1:{ports['5000']}/health"
        deadline = time.monotonic() + 300
        while True:
            assert process.poll() is None, (folder / "said").read_text()
            assert time.monotonic() < deadline, (folder / "said").read_text()
            try:
                urllib.request.urlopen(address, timeout=1).close()
                break
            except OSError:
                time.sleep(0.3)
        done = subprocess.run(
            ["bash", "-euc", client],
            cwd=results.root,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert f"{RUNS} runs added" in done.stdout, done.stdout + done.stderr
        secret = (folder / "password").read_text().strip()
        shown = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
        assert len(secret) > 20
        assert secret not in shown + (folder / "said").read_text()
        assert (folder / "password").stat().st_mode & 0o077 == 0
        assert any(path.name == "curves.parquet" for path in (folder / "artifacts").rglob("*"))
    finally:
        killed(process)
        stop = [
            str(BIN[-1] / "pg_ctl"),
            "-D",
            str(folder / "data"),
            "-m",
            "immediate",
            "-w",
            "stop",
        ]
        subprocess.run([*as_ordinary_user(), *stop], capture_output=True, cwd=folder)
        shutil.rmtree(folder, ignore_errors=True)
