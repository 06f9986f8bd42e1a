"""Small files of each kind, for the contracts of the tasks from files."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd

from tests.contract.file_contracts import Example

ROWS = 400


def table() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.normal(size=(ROWS, 2)), axis=0)
    return pd.DataFrame(walk, columns=["tmin", "tmax"])


def write_series(path: Path, rows: np.ndarray) -> None:
    frame = table()
    frame.iloc[rows] = frame.iloc[rows] * 3 + 7
    frame.to_csv(path, index=False)


def shuffle_series(path: Path, rows: np.ndarray) -> None:
    frame = table()
    frame.iloc[rows] = frame.iloc[rows[::-1]].to_numpy()
    frame.to_csv(path, index=False)


def letters() -> np.ndarray:
    return np.random.default_rng(2).choice(list("abcde "), ROWS)


def write_text(path: Path, rows: np.ndarray) -> None:
    text = letters()
    text[rows] = np.where(text[rows] == "a", "é", "x")  # characters that training never saw
    path.write_text("".join(text), encoding="utf-8")


def shuffle_text(path: Path, rows: np.ndarray) -> None:
    text = letters()
    text[rows] = text[rows[::-1]]
    path.write_text("".join(text), encoding="utf-8")


def words() -> np.ndarray:
    return np.random.default_rng(4).choice(["the", "cat", "sat", "on", "a", "mat", "."], ROWS)


def write_words(path: Path, rows: np.ndarray) -> None:
    text = words()
    text[rows] = np.where(text[rows] == "cat", "dog", "ran")
    path.write_text(" ".join(text), encoding="utf-8")


def shuffle_words(path: Path, rows: np.ndarray) -> None:
    text = words()
    text[rows] = text[rows[::-1]]
    path.write_text(" ".join(text), encoding="utf-8")


def write_pairs(path: Path, changed: Collection[int] = ()) -> None:
    """150 pairs, several of one source each; those of the rows `changed` are of other letters."""
    rng = np.random.default_rng(5)
    sources = ["".join(rng.choice(list("abcdef"), rng.integers(2, 6))) for _ in range(60)]
    rows = []
    for i in range(150):
        source = sources[rng.integers(60)]
        target = source.upper()[::-1] + "!" * rng.integers(1, 3)
        pair = ("xyz", "XYZ") if i in changed else (source, target)
        rows.append((*pair, f"book {i % 20}"))
    table = pd.DataFrame(rows, columns=["source", "target", "book"])
    table.to_csv(path, index=False, sep="\t")


def write_labelled(path: Path, groups: int = 20, **changed: float) -> None:
    """120 sequences of 3 to 6 steps; `changed` adds to the values of a sequence, by its name."""
    rng = np.random.default_rng(3)
    rows = []
    for i in range(120):
        for _ in range(rng.integers(3, 7)):
            value = rng.normal() + i % 2 + changed.get(f"s{i}", 0)
            rows.append((f"s{i}", f"person {i % groups}", value, rng.normal(), "ab"[i % 2]))
    names = ["sequence", "person", "x1", "x2", "label"]
    pd.DataFrame(rows, columns=names).to_csv(path, index=False)


T = 12
AHEAD = {"horizon": 2, "target": "tmin"}
SERIES = Example(write_series, shuffle_series, ROWS, T, AHEAD, context=T - 1 + 2, name=".csv")
WORDS = Example(
    write_words, shuffle_words, ROWS, T, {"unit": "word"}, context=T // 2 + 1, name=".txt"
)
TEXT = Example(write_text, shuffle_text, ROWS, T, {}, context=T // 2 + 1, name=".txt")
