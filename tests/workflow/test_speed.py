"""`snakemake speed`: planned on request alone, joined with learning, and shown on the page."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from tests.workflow.workspace import Workspace

SPEED = {
    "cells": ["elman"],
    "widths": [8],
    "length": 10,
    "lengths": [10],
    "replicates": [2],
    "samples": 3,
    "sample_seconds": 0.001,
    "limit_seconds": 2,
    "cold_cache": False,
}


def test_it_is_planned_when_asked_for_measured_joined_and_shown(
    finished: Workspace, tmp_path: Path
) -> None:
    workspace = finished.copy(tmp_path / "timed")
    workspace.configure(speed=SPEED)
    page = workspace.path / "results/report/index.html"
    assert "How fast is the engine" not in page.read_text()
    done = workspace.snakemake("speed")
    assert done.returncode == 0, done.stdout[-4000:]
    jobs = dict(re.findall(r"^(probe|conclude|draw|speed) +(\d+)$", done.stdout, re.M))
    assert jobs == {"probe": "1", "conclude": "1", "draw": "1", "speed": "1"}
    table = pd.read_csv(workspace.path / "results/experiments/speed/table.csv")
    timed = table[table.status.isin(["ok", "disturbed"])].set_index("contender")
    assert {"loop", "torch.nn", "torch.nn tuned", "sgemm"} <= set(timed.index)
    assert timed.times_tuned["torch.nn tuned"] == 1
    training = pd.read_csv(workspace.path / "results/experiments/training_time/table.csv")
    (updates,) = training[training.cell == "elman"].mean_updates
    solve = timed.solve_seconds_temporal_order
    assert abs(solve["loop"] / (updates * timed.seconds["loop"] / 2) - 1) < 1e-4
    assert solve.isna()["sgemm"]
    done = workspace.snakemake()
    assert done.returncode == 0, done.stdout[-4000:]
    assert re.search(r"^total +2$", done.stdout, re.M), "the report alone, and what asks for it"
    assert "How fast is the engine" in page.read_text()
    assert workspace.planned("speed") in ({"speed": 1}, {})
