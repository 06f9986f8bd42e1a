"""A ladder in the real Snakefile: one job, done again for what is lost and for nothing else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd

from tests.workflow.workspace import TINY, Workspace, stored

HORIZON = "results/experiments/horizon/table.csv"
LADDER = {
    "experiments": ["horizon"],
    "cells": ["elman"],
    "lengths": {"from": 10, "to": 40},
    # no network learns anything at this rate: the climb ends at the second rung
    "training": {**TINY["training"], "updates": 20, "learning_rate": 1e-6, "futility_after": 1.0},
}


def test_a_ladder_is_one_job_that_is_done_again_for_what_is_lost_alone(tmp_path: Path) -> None:
    sweep = Workspace(tmp_path, **LADDER)
    assert sweep.planned(HORIZON) == {"climb": 1, "conclude": 1}
    shown = sweep.snakemake(HORIZON)
    assert shown.returncode == 0, shown.stdout[-3000:]
    (record,) = tmp_path.glob("results/ladders/*.json")
    rungs = json.loads(record.read_text())["rungs"]
    assert [rung["tried"] for rung in rungs] == [True, True, False]
    table = pd.read_csv(tmp_path / HORIZON)
    assert set(table["T"]) == {10, 20, 40}
    assert sweep.planned(HORIZON) == {}
    whole = stored(sweep)
    assert len({name.split("/")[2] for name in whole}) == 2
    shutil.rmtree(next(tmp_path.glob("results/runs/*T20*/seeds-000-001")))
    (tmp_path / HORIZON).unlink()
    shown = sweep.snakemake(HORIZON)
    assert shown.returncode == 0, shown.stdout[-3000:]
    assert "climb" in shown.stdout
    assert stored(sweep) == whole
    assert sweep.planned(HORIZON) == {}
