"""A series: rows in the order of time, with what is missing filled, left out or refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lstm_bench.data.tables import column_of, numbers, numeric_columns, read_table, times
from lstm_bench.errors import BenchError

MISSING = ("error", "interpolate", "drop")
GAP = 1.5  # times the usual distance between rows: a longer one is a gap in time


@dataclass(frozen=True, eq=False)
class Series:
    """Values (n, columns) float64 in the order of time, finite everywhere.

    observed   (n,) bool, rows in which no value was filled in
    segment    (n,) int, the same number where no row or time is missing in between
    """

    names: tuple[str, ...]
    values: np.ndarray
    observed: np.ndarray
    segment: np.ndarray


def read_series(
    path: Path,
    columns: Sequence[str],
    time: str,
    missing: str,
    encoding: str,
    delimiter: str,
    decimal: str,
) -> Series:
    """The columns of a file, all numeric ones where none is named. Raises BenchError."""
    table = read_table(path, encoding, delimiter)
    names = tuple(columns) or tuple(numeric_columns(table, path, decimal, [time]))
    if not names:
        raise BenchError(f"{path.name}: no column holds numbers.")
    values = np.stack([numbers(column_of(table, n, path), path, decimal) for n in names], axis=1)
    jump = np.zeros(len(values), bool)
    if time:
        when = times(column_of(table, time, path), path)
        order = np.argsort(when, kind="stable")
        _require_distinct(when[order], order, table[time], path)
        values, when = values[order], when[order]
        between = np.diff(when)
        jump[1:] = between > GAP * np.median(between) if len(between) else False
    absent = np.isnan(values)
    if absent.any() and missing == "error":
        row, column = np.argwhere(absent)[0]
        row = int(order[row]) if time else int(row)
        raise BenchError(
            f"{path.name}: row {row + 1}, column {names[column]!r} has no finite number; fill it, "
            "or set missing to interpolate or drop."
        )
    for column, name in enumerate(names):
        if absent[:, column].all():
            raise BenchError(f"{path.name}: column {name!r} has no number.")
    segment, gone = np.cumsum(jump), absent.any(axis=1)
    if missing == "drop":
        segment = segment + np.cumsum(gone)  # no window reaches over a row that is left out
        values, segment, gone = values[~gone], segment[~gone], np.zeros((~gone).sum(), bool)
    else:
        _interpolate(values, absent)
    return Series(names, values, ~gone, segment)


def _require_distinct(when: np.ndarray, order: np.ndarray, column: object, path: Path) -> None:
    same = np.flatnonzero(np.diff(when) == 0)
    if len(same):
        rows = sorted(int(order[place]) + 1 for place in (same[0], same[0] + 1))
        name = getattr(column, "name", "")
        raise BenchError(
            f"{path.name}: rows {rows[0]} and {rows[1]} have the same time in column {name!r}; "
            "a series has one row a time."
        )


def _interpolate(values: np.ndarray, absent: np.ndarray) -> None:
    """Fill on the straight line between the neighbours; at the ends with the nearest value."""
    rows = np.arange(len(values))
    for column in range(values.shape[1]):
        gone = absent[:, column]
        values[gone, column] = np.interp(rows[gone], rows[~gone], values[~gone, column])
