"""Data whose memory is known: what is needed comes out as it was constructed, five seeds each."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lstm_bench.store.paths import Results
from tests.unit.experiments.own_data import concluded, planned, run

N = 8000
QUICK = {"updates": 400, "batch": 128, "evaluate_every": 50}


def answer(
    folder: Path, patch: pytest.MonkeyPatch, task: dict[str, Any], T: int, windows: list[int]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    patch.chdir(folder)
    plan = planned(
        tasks=[task],
        lengths=[T],
        cells=["gru"],
        training=QUICK,
        data={"parameters": 400, "rates": [0.01], "windows": windows},
    )
    run(plan, Results())
    return concluded(plan, Results())


def series(folder: Path, **columns: np.ndarray) -> dict[str, Any]:
    pd.DataFrame(columns).to_csv(folder / "x.csv", index=False)
    return {"task": "series", "file": str(folder / "x.csv")}


def autoregressive(noise: np.ndarray, lags: dict[int, float]) -> np.ndarray:
    y = np.zeros(len(noise))
    for t in range(max(lags), len(y)):
        y[t] = sum(weight * y[t - lag] for lag, weight in lags.items()) + noise[t]
    return y


def over_best(table: pd.DataFrame, past: int, kind: str = "window") -> float:
    (row,) = table[(table.kind == kind) & (table.past == past)].to_dict("records")
    return float(row["to_best"])


def test_an_autoregression_of_order_three_needs_three_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    y = autoregressive(np.random.default_rng(1).normal(size=N), {1: 0.3, 2: -0.2, 3: 0.6})
    table, found = answer(tmp_path, monkeypatch, series(tmp_path, y=y), 8, [1, 2, 3, 4])
    assert found["needed"] == 3
    # without the third lag, the variance of the noise over 1 - 0.6²
    assert over_best(table, 2) == pytest.approx(1 / (1 - 0.6**2), rel=0.1)
    assert {"window of 3", "window of 4"} <= set(found["tied"].split(", "))
    assert 3 <= found["used"] < 8


def test_a_season_of_twelve_needs_twelve_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    y = autoregressive(np.random.default_rng(2).normal(size=N), {12: 0.7})
    table, found = answer(tmp_path, monkeypatch, series(tmp_path, y=y), 14, [4, 11, 12])
    assert found["needed"] == 12
    assert over_best(table, 11) == pytest.approx(1 / (1 - 0.7**2), rel=0.1)
    assert "window of 12" in found["tied"]


def test_white_noise_needs_nothing_and_everything_is_tied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    y = np.random.default_rng(3).normal(size=N)
    _, found = answer(tmp_path, monkeypatch, series(tmp_path, y=y), 8, [1])
    assert (found["needed"], found["needed_by"]) == (0, "mean")
    assert pd.isna(found["behind"])  # every network is tied with the best
    assert pd.isna(found["open"])
    assert found["used"] == 1
    assert 1 / 1.02 < found["to_baseline_low"] < found["to_baseline_high"] < 1.02


def test_a_copy_hidden_twenty_rows_back_needs_twenty_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    rng = np.random.default_rng(4)
    x, other = rng.normal(size=(2, N))
    y = np.append(np.zeros(20), x[:-20]) + rng.normal(size=N)
    columns = {"x": x, "other": other, "y": y}
    table, found = answer(tmp_path, monkeypatch, series(tmp_path, **columns), 22, [16, 19, 20])
    assert (found["needed"], found["needed_by"]) == (20, "window of 20")
    assert over_best(table, 19) == pytest.approx(2, rel=0.1)


def test_a_text_of_trigrams_needs_two_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(5)
    chances = rng.dirichlet(np.full(4, 0.3), size=(4, 4))
    codes = [0, 1]
    for _ in range(20_000):
        codes.append(rng.choice(4, p=chances[codes[-2], codes[-1]]))
    (tmp_path / "x.txt").write_text("".join("abcd"[code] for code in codes))
    task = {"task": "text", "file": str(tmp_path / "x.txt")}
    table, found = answer(tmp_path, monkeypatch, task, 8, [1, 2])
    assert found["needed"] == 2
    assert over_best(table, 1) > 1.1
    assert found["best_baseline"] == "n-grams"
    assert found["to_baseline"] == pytest.approx(1, abs=0.05)
