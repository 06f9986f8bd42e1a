from __future__ import annotations

from pathlib import Path

import pytest

import lstm_bench
from lstm_bench.errors import BenchError
from lstm_bench.training.api import make_condition

TINY = {"updates": 20, "evaluate_every": 10, "validation_size": 32, "test_size": 32, "width": 5}


def test_a_training_from_python_leaves_the_same_files_as_a_sweep(tmp_path: Path) -> None:
    trained = lstm_bench.train("adding", "gru", T=6, replicates=2, root=tmp_path, **TINY)
    assert trained.replicates.seed.tolist() == [0, 1]
    assert set(trained.replicates.status) <= {"solved", "unsolved"}
    assert set(trained.curves.columns) >= {"update", "validation_loss", "validation_score"}
    (folder,) = trained.folders
    assert folder == tmp_path / "results/runs" / trained.condition.id / "seeds-000-001"
    assert (folder.parent / "condition.json").exists()


def test_what_is_finished_is_not_trained_again(tmp_path: Path) -> None:
    first = lstm_bench.train("adding", "elman", T=6, replicates=2, root=tmp_path, **TINY)
    stamp = (first.folders[0] / "replicates.parquet").stat().st_mtime_ns
    again = lstm_bench.train("adding", "elman", T=6, replicates=2, root=tmp_path, **TINY)
    assert (again.folders[0] / "replicates.parquet").stat().st_mtime_ns == stamp


def test_a_misspelt_setting_names_the_nearest() -> None:
    with pytest.raises(BenchError, match="did you mean 'learning_rate'"):
        make_condition("adding", "lstm", 10, learning_rat=0.1)


@pytest.mark.parametrize(("key", "value"), [("T", 0), ("T", 2.5), ("width", -1)])
def test_a_size_that_cannot_be_is_refused(key: str, value: float) -> None:
    sizes = {"T": 10, "width": 8, key: value}
    with pytest.raises(BenchError, match=f"{key}: {value} is not allowed"):
        make_condition("adding", "lstm", **sizes)  # type: ignore[arg-type]
