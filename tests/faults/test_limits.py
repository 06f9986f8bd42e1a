"""Out of memory and out of time in one condition: rows of the table, and the sweep goes on."""

from __future__ import annotations

import resource
from pathlib import Path

import pandas as pd
import pytest

from lstm_bench.store.collect import read_all
from tests.faults.conftest import LONG, Tally
from tests.workflow.workspace import TINY, Workspace

MEMORY = 2 * 2**30  # bytes of address space a process may have: torch alone takes 0.9
HUGE = 4096  # units: with a gradient and Adam the weights of two such LSTMs take 2.7
PAGE = "results/report/index.html"
TABLE = "results/experiments/horizon/table.csv"


def endings(workspace: Workspace) -> set[tuple[int, str, str]]:
    """Width, status and reason of every stored replicate."""
    rows = read_all(workspace.path.glob("results/runs/*/*/replicates.parquet"))
    return set(rows[["width", "status", "reason"]].itertuples(index=False, name=None))


@pytest.mark.skipif(not LONG, reason="make faults runs it")
def test_a_condition_too_big_or_too_slow_leaves_rows_and_stops_nothing(
    tmp_path: Path, tally: Tally
) -> None:
    huge = {"cell": "lstm", "width": HUGE, "label": "huge"}
    workspace = Workspace(tmp_path, experiments=["horizon"], cells=["elman", huge])
    tally.injected("out of memory in one condition")
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, before[1]))
    try:
        done = workspace.snakemake(TABLE)  # drawing a figure may need more
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
    assert done.returncode == 0, done.stdout[-3000:]
    ended = endings(workspace)
    assert {each for each in ended if each[0] == HUGE} == {(HUGE, "error", "out_of_memory")}
    assert {status for width, status, _ in ended if width == 8} <= {"solved", "unsolved"}
    done = workspace.snakemake(PAGE)
    assert done.returncode == 0, done.stdout[-3000:]
    table = pd.read_csv(tmp_path / TABLE).set_index("cell")
    assert table.error.to_dict() == {"elman": 0, "huge": 2}
    assert "out_of_memory" in (tmp_path / PAGE).read_text()
    tally.survived("out of memory in one condition")

    slow = {**TINY["training"], "updates": 100_000, "futility_after": 1.0, "learning_rate": 1e-6}
    workspace.configure(cells=["elman"], training=slow, timeout_seconds=0.01)
    tally.injected("time-out of a condition")
    done = workspace.snakemake(PAGE)
    assert done.returncode == 0, done.stdout[-3000:]
    assert (8, "timeout", "0.01 s") in endings(workspace)
    assert "0.01 s" in (tmp_path / PAGE).read_text()
    assert workspace.planned(PAGE) == {}, "an ended block runs again only when asked to"
    told = workspace.cli("retry", "--status", "timeout")
    assert told.stdout.endswith("1 forgotten; run snakemake again.\n"), told.stderr
    assert workspace.planned(PAGE)["train"] == 1
    assert workspace.cli("retry").stdout.endswith("\n0 forgotten\n")
    tally.survived("time-out of a condition")
