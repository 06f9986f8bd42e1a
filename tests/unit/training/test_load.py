"""Stored runs from Python."""

from __future__ import annotations

from pathlib import Path

import pytest

import lstm_bench
from lstm_bench.errors import BenchError

SHORT = {"updates": 4, "evaluate_every": 2, "batch": 4, "validation_size": 32, "test_size": 32}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    for cell, T in (("lstm", 4), ("lstm", 6), ("elman", 4)):
        lstm_bench.train(
            "adding", cell, T, replicates=3, seed_block=2, width=3, root=root, device="cpu", **SHORT
        )
    return root


def test_every_stored_replicate_is_a_row(place: Path):
    runs = lstm_bench.load(place / "results")
    assert len(runs) == 3
    table = runs.replicates
    assert sorted(zip(table.cell, table["T"], table.seed)) == [
        (cell, T, seed) for cell, T in (("elman", 4), ("lstm", 4), ("lstm", 6)) for seed in range(3)
    ]
    assert set(runs.curves["update"]) == {0, 2, 4}
    assert len(lstm_bench.load(place)) == 3


def test_where_chooses_conditions_and_seeds(place: Path):
    runs = lstm_bench.load(place)
    chosen = runs.where(cell="lstm", T=[4, 5], seed=[0, 2])
    (trained,) = chosen
    assert (trained.condition.cell, trained.condition.T, list(trained.seeds)) == ("lstm", 4, [0, 2])
    assert list(chosen.replicates.seed) == [0, 2]
    assert trained.params["U_f"].shape == (2, 3, 3)
    assert len(runs.where(cell="gru")) == 0
    assert runs.where(cell="gru").replicates.empty


def test_a_column_that_is_not_there_and_a_folder_without_runs_are_told(place: Path, tmp_path: Path):
    with pytest.raises(BenchError, match="cell"):
        lstm_bench.load(place).where(cel="lstm")
    with pytest.raises(BenchError, match="no finished run"):
        lstm_bench.load(tmp_path)
