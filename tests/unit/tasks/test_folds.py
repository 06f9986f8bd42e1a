"""Folds of a series: stretches that are tested one after another, each after a longer past."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lstm_bench import tasks
from lstm_bench.errors import BenchError
from lstm_bench.tasks import SPLITS
from lstm_bench.tasks.series import FOLDS, Series

ROWS, T = 400, 12


def fold(path: Path, k: int) -> Series:
    task = tasks.create("series", {"file": str(path), "fold": k})
    assert isinstance(task, Series)
    return task


@pytest.fixture
def path(tmp_path: Path) -> Path:
    walk = np.cumsum(np.random.default_rng(1).normal(size=ROWS))
    pd.DataFrame({"y": walk}).to_csv(tmp_path / "x.csv", index=False)
    return tmp_path / "x.csv"


def test_each_test_part_follows_the_one_before_and_a_longer_past(path: Path):
    parts = [fold(path, k).parts(gap=0) for k in range(FOLDS - 1, -1, -1)]
    tested = [each["test"] for each in parts]
    assert [low for low, _ in tested[1:]] == [high for _, high in tested[:-1]]
    assert tested[-1][1] == ROWS
    assert [each["train"] for each in parts] == [(0, 100), (0, 160), (0, 220), (0, 280)]


@pytest.mark.parametrize("k", range(FOLDS))
def test_nothing_after_the_training_part_decides_how_it_is_scaled_or_trained(path: Path, k: int):
    task = fold(path, k)
    end = task.parts(gap=0)["train"][1]
    train = task.scaled.target[:end]
    assert (train.mean(), train.std()) == pytest.approx((0, 1), abs=1e-5)
    rows = {s: task.target_rows(T, s, np.arange(task.pool(T, s))) for s in SPLITS}
    assert rows["train"].max() < end
    assert end + T < rows["validation"].min()
    assert rows["validation"].max() + T < rows["test"].min()


def test_the_last_fold_is_the_split_of_one_and_needs_no_option(path: Path):
    plain = tasks.create("series", {"file": str(path)})
    assert plain == fold(path, 0)
    assert plain != fold(path, 1)


def test_a_fold_without_a_quarter_of_the_rows_before_it_is_refused(path: Path):
    with pytest.raises(BenchError, match="option fold is 4, but must be less than 4"):
        fold(path, 4)
