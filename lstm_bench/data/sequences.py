"""Labelled sequences: a long table with a row a step, or arrays of an npz file."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lstm_bench.data.tables import column_of, numbers, numeric_columns, read_table
from lstm_bench.errors import BenchError, unknown


@dataclass(frozen=True, eq=False)
class Sequences:
    """n sequences of at most L steps.

    inputs    (n, L, columns) float64, zero after the end of a sequence
    lengths   (n,) steps of each
    labels    (n,) classes, or (n, L) where every step has one; numbers of `classes`
    groups    (n,) what must stay in one part: a number of its own each, where no group is named
    """

    inputs: np.ndarray
    lengths: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    groups: np.ndarray


def read_sequences(
    path: Path,
    columns: Sequence[str],
    sequence: str,
    label: str,
    group: str,
    each_step: bool,
    encoding: str,
    delimiter: str,
    decimal: str,
) -> Sequences:
    """The sequences of a file. Raises BenchError for one that has none, or one class only."""
    if path.suffix.lower() == ".npz":
        found = _from_arrays(path)
    else:
        table = read_table(path, encoding, delimiter)
        found = _from_table(table, path, columns, (sequence, label, group), each_step, decimal)
    if len(found.classes) < 2:
        raise BenchError(
            f"{path.name}: every label is {found.classes[0]!r}; a task needs two classes or more."
        )
    return found


def _from_table(
    table: Any,
    path: Path,
    columns: Sequence[str],
    roles: tuple[str, str, str],
    each_step: bool,
    decimal: str,
) -> Sequences:
    sequence, label, group = roles
    named = [name for name in roles if name]
    names = list(columns) or numeric_columns(table, path, decimal, named)
    values = np.stack([numbers(column_of(table, n, path), path, decimal) for n in names], axis=1)
    _require_numbers(values, names, path)
    words = column_of(table, label, path).astype(str).str.strip().to_numpy()
    ids = column_of(table, sequence, path).astype(str).to_numpy()
    _require_words(words, label, path)
    starts, number = _runs(ids, sequence, path)
    lengths = np.diff([*starts, len(ids)])
    step = np.arange(len(ids)) - starts[number]
    classes, codes = np.unique(words, return_inverse=True)
    shape = (len(starts), int(lengths.max()))
    inputs = np.zeros((*shape, len(names)))
    inputs[number, step] = values
    if each_step:
        labels = np.zeros(shape, np.int64)
        labels[number, step] = codes
    else:
        labels = codes[starts]
        _require_one(codes != labels[number], f"label column {label!r}", words, path, "each: step")
    groups = np.arange(len(starts))
    if group:
        of_rows = np.unique(column_of(table, group, path).astype(str), return_inverse=True)[1]
        groups = of_rows[starts]
        _require_one(of_rows != groups[number], f"group column {group!r}", ids, path, "")
    return Sequences(inputs, lengths, labels, tuple(map(str, classes)), groups)


def _runs(ids: np.ndarray, column: str, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The first row of each sequence, and the number of the sequence of each row."""
    begins = np.append(True, ids[1:] != ids[:-1])
    starts, number = np.flatnonzero(begins), np.cumsum(begins) - 1
    seen: dict[str, int] = {}
    for start in starts:
        if ids[start] in seen:
            raise BenchError(
                f"{path.name}: row {start + 1}, column {column!r} begins sequence {ids[start]!r} "
                f"again, begun in row {seen[ids[start]] + 1}; its rows must follow each other."
            )
        seen[ids[start]] = int(start)
    return starts, number


def _require_numbers(values: np.ndarray, names: Sequence[str], path: Path) -> None:
    if np.isnan(values).any():
        row, column = np.argwhere(np.isnan(values))[0]
        raise BenchError(
            f"{path.name}: row {row + 1}, column {names[column]!r} has no finite number; fill it, "
            "or leave the column out of 'columns'."
        )


def _require_words(words: np.ndarray, label: str, path: Path) -> None:
    if (words == "").any():
        row = int((words == "").argmax())
        raise BenchError(f"{path.name}: row {row + 1}, column {label!r} has no label.")


def _require_one(
    differs: np.ndarray, what: str, words: np.ndarray, path: Path, instead: str
) -> None:
    if differs.any():
        row = int(differs.argmax())
        hint = f"; set '{instead}' where every step has its own" if instead else ""
        raise BenchError(
            f"{path.name}: row {row + 1} ({words[row]}): {what} changes within a sequence{hint}."
        )


def _from_arrays(path: Path) -> Sequences:
    """x (n, L, columns) or (n, L), y (n,) or (n, L), and `group` (n,) where there is one."""
    name = path.name
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise BenchError(f"{name}: the file is not an npz of plain arrays: {error}.") from error
    for key in ("x", "y"):
        if key not in arrays:
            raise unknown(f"{name}: array", key, arrays)
    x, y = arrays["x"], arrays["y"]
    x = x[..., None] if x.ndim == 2 else x
    group = arrays.get("group", np.arange(len(x)))
    if x.ndim != 3 or y.shape not in {(len(x),), x.shape[:2]} or group.shape != (len(x),):
        raise BenchError(
            f"{name}: x has the shape {arrays['x'].shape}, y {y.shape}, group {group.shape}; they "
            "must be (n, steps, columns), (n,) or (n, steps), and (n,)."
        )
    if not np.issubdtype(x.dtype, np.number) or not np.isfinite(x).all():
        raise BenchError(f"{name}: x must hold finite numbers and nothing else.")
    classes, labels = np.unique(y, return_inverse=True)
    lengths = np.full(len(x), x.shape[1])
    groups = np.unique(group, return_inverse=True)[1]
    shaped = labels.reshape(y.shape)
    return Sequences(x.astype(float), lengths, shaped, tuple(map(str, classes)), groups)
