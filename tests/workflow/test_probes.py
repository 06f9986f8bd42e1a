"""Experiments that read stored weights, through the real Snakefile."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.workflow.workspace import Workspace

OWN = {
    "experiments": ["selective_memory", "overfitting", "initialisation", "extrapolation"],
    "selective_memory": {
        "tasks": ["temporal_order"],
        "lengths": [10],
        "sequences": 128,
        "lags": [0, 2],
    },
    "overfitting": {"sizes": [16, 64], "lengths": [10], "updates": 40, "fitted": 0.9},
    "initialisation": {"tasks": ["temporal_order"], "lengths": [10], "biases": [1, 3]},
    "extrapolation": {
        "tasks": ["temporal_order", "anbn"],
        "lengths": [10],
        "factors": [2],
        "sequences": 64,
    },
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("probes"), **OWN)
    done = workspace.snakemake()
    assert done.returncode == 0, done.stdout[-4000:]
    return workspace


def test_each_has_its_table_with_n_its_answer_and_its_figure(finished: Workspace) -> None:
    for name in finished.config["experiments"]:
        folder = finished.path / "results" / "experiments" / name
        table = pd.read_csv(folder / "table.csv")
        assert (table.n > 0).all()
        assert json.loads((folder / "verdict.json").read_text())["answer"].endswith(".")
        for kind in ("svg", "pdf", "png"):
            assert (folder / f"figure.{kind}").stat().st_size > 2000
    page = (finished.path / "results/report/index.html").read_text()
    assert "Does it choose what to remember?" in page


def test_a_condition_that_two_experiments_need_is_trained_once(finished: Workspace) -> None:
    runs = [p.name for p in (finished.path / "results/runs").iterdir()]
    at_ten = [name for name in runs if name.startswith("temporal_order-T10-lstm-w8")]
    # one shared by three experiments; b = 3 and chrono; two sizes, with decay, and one with repeats
    assert len(at_ten) == 1 + 2 + 5


def test_a_finished_one_has_nothing_left_to_do_and_a_lost_probe_trains_nothing(
    finished: Workspace, tmp_path: Path
) -> None:
    assert finished.planned() == {}
    copy = finished.copy(tmp_path / "copy")
    (copy.path / "results/probes/extrapolation/extrapolation.parquet").unlink()
    shutil.rmtree(copy.path / "results/experiments/extrapolation")
    assert copy.planned("figures") == {"probe": 1, "conclude": 1, "draw": 1, "figures": 1}


def test_a_changed_factor_measures_anew_and_trains_nothing(
    finished: Workspace, tmp_path: Path
) -> None:
    copy = finished.copy(tmp_path / "copy")
    copy.configure(extrapolation={**copy.config["extrapolation"], "factors": [2, 3]})
    planned = copy.planned("figures")
    assert planned["probe"] == 1
    assert "train" not in planned
