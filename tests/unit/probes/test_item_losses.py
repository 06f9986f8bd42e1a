"""Losses by item are those that training stored, and a cut history hides what lies before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lstm_bench.probes.item_losses import measure
from lstm_bench.training.api import train
from tests.contract.files import write_labelled

QUICK: dict[str, Any] = {"updates": 20, "replicates": 2, "width": 6, "evaluate_every": 10}


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    pd.DataFrame({"y": rng.normal(size=400).cumsum()}).to_csv(tmp_path / "x.csv", index=False)
    (tmp_path / "x.txt").write_text("".join(rng.choice(list("abc "), 400)))
    write_labelled(tmp_path / "labelled.csv")
    return tmp_path


def measured(
    task: str, T: int, file: Path, cell: str, past: list[int], **options: Any
) -> tuple[pd.Series, dict[int, np.ndarray]]:
    """The stored test losses by seed, and by history (0: the whole) the losses (seeds, items)."""
    trained = train(task, cell, T, task_options={"file": str(file)}, **options, **QUICK)
    id = trained.condition.id
    named = {"condition": id, "task": task, "cell": cell, "names": [task, trained.condition.cell]}
    runs = [[id, folder.name] for folder in trained.folders]
    rows = pd.DataFrame(measure({"members": [named], "runs": runs, "past": {id: past}}))
    by_past = {
        int(k): np.stack(each.losses) for k, each in rows.fillna({"past": 0}).groupby("past")
    }
    return trained.replicates.test_loss, by_past


FILES = [("series", 8, "x.csv"), ("text", 8, "x.txt"), ("labelled", 6, "labelled.csv")]


@pytest.mark.parametrize(("task", "T", "name"), FILES)
def test_the_whole_history_has_the_stored_loss_and_one_of_that_length_the_same(
    task: str, T: int, name: str, files: Path
):
    stored, by_past = measured(task, T, files / name, "gru", [1, T])
    assert by_past[0].mean(axis=1) == pytest.approx(stored.to_numpy(), rel=1e-5)
    assert by_past[T] == pytest.approx(by_past[0], rel=1e-4, abs=1e-6)
    assert not np.allclose(by_past[1], by_past[0])


def test_a_window_of_two_needs_two_steps_and_not_one(files: Path):
    _, by_past = measured(
        *("series", 8, files / "x.csv", "feedforward_window", [1, 2]), cell_options={"window": 2}
    )
    assert by_past[2] == pytest.approx(by_past[0], rel=1e-5)
    assert not np.allclose(by_past[1], by_past[0])
