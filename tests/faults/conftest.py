"""How long the faults are injected for, and the count of what was survived."""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.faults.sweeps import DISTURBED, Sweep, digests
from tests.workflow.workspace import Workspace, made_once

LONG = os.environ.get("LSTM_BENCH_FAULTS") == "long"  # `make faults`
collect_ignore = [] if LONG else ["test_every_end.py"]  # a thousand cases, all of them skipped
injected: Counter[str] = Counter()
survived: Counter[str] = Counter()


class Tally:
    """Counts of one test: `injected` before what must hold is looked at, `survived` after."""

    def injected(self, fault: str, count: int = 1) -> None:
        injected[fault] += count

    def survived(self, fault: str, count: int = 1) -> None:
        survived[fault] += count


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A sweep that nothing happened to; tests that change it take a copy."""

    def make(folder: Path) -> Workspace:
        workspace = Workspace(folder, **DISTURBED)
        began, sweep = time.monotonic(), Sweep(workspace)
        assert sweep.wait() == 0, sweep.told()
        (workspace.path / "seconds").write_text(str(time.monotonic() - began))
        return workspace

    return made_once("undisturbed", tmp_path_factory, make)


@pytest.fixture(scope="session")
def seconds(finished: Workspace) -> float:
    """How long it took here and now: instants are drawn from it."""
    return float((finished.path / "seconds").read_text())


@pytest.fixture(scope="session")
def undisturbed(finished: Workspace) -> dict[str, str]:
    """What it stores."""
    return digests(finished)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Of several processes each tells the first what it counted."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["faults"] = [dict(injected), dict(survived)]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    theirs = getattr(node, "workeroutput", {}).get("faults", ({}, {}))
    injected.update(theirs[0])
    survived.update(theirs[1])


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if not LONG or not injected:
        return
    terminalreporter.section("faults")
    width = max(map(len, injected))
    terminalreporter.write_line(f"{'fault':{width}}  injected  survived")
    for fault, count in injected.items():
        terminalreporter.write_line(f"{fault:{width}}  {count:8}  {survived[fault]:8}")
