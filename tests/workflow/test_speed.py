"""`snakemake speed`: planned on request alone, joined with learning, and shown on the page."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from tests.workflow.workspace import TINY, Workspace

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
SMALL = {
    "experiments": ["training_time"],
    "cells": ["elman"],
    "speed": SPEED,
    "training": {**TINY["training"], "batch": 32, "updates": 20},
}


def test_it_is_planned_when_asked_for_and_not_otherwise(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, **SMALL)
    assert workspace.planned("speed") == {"probe": 1, "conclude": 1, "draw": 1, "speed": 1}
    assert "probe" not in workspace.planned()


def test_it_is_measured_joined_and_shown(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, **SMALL)
    for target in ("all", "speed"):
        done = workspace.snakemake(target)
        assert done.returncode == 0, done.stdout[-4000:]
    page = tmp_path / "results/report/index.html"
    assert "How fast is the engine" not in page.read_text()
    table = pd.read_csv(tmp_path / "results/experiments/speed/table.csv")
    timed = table[table.status.isin(["ok", "disturbed"])].set_index("contender")
    assert {"loop", "torch.nn", "torch.nn tuned", "sgemm"} <= set(timed.index)
    assert timed.times_tuned["torch.nn tuned"] == 1
    training = pd.read_csv(tmp_path / "results/experiments/training_time/table.csv")
    expected = training.mean_updates.iloc[0] * timed.seconds["loop"] / 2
    solve = timed.solve_seconds_temporal_order
    assert abs(solve["loop"] / expected - 1) < 1e-4
    assert solve.isna()["sgemm"]
    assert workspace.planned() == {"report": 1}
    assert workspace.snakemake().returncode == 0
    assert "How fast is the engine" in page.read_text()
    assert workspace.planned("speed") == {"speed": 1} or workspace.planned("speed") == {}
