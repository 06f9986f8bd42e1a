"""Pairs of texts: a table with a source and a target a row."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lstm_bench.data.tables import column_of, read_table
from lstm_bench.errors import BenchError


@dataclass(frozen=True, eq=False)
class Texts:
    """n sources and their targets, and groups (n,): what must stay in one part, by number."""

    sources: list[str]
    targets: list[str]
    groups: np.ndarray


def read_pairs(
    path: Path, source: str, target: str, group: str, encoding: str, delimiter: str
) -> Texts:
    """The pairs of a file; where no `group` is named, rows of the same source are one.

    Where columns are parted by tabs, quotation marks are text. Raises BenchError for a row without
    a source or a target, and for a file that is not such a table.
    """
    table = read_table(path, encoding, delimiter, quoted=delimiter != "\t")
    sides = []
    for name in (source, target):
        column = column_of(table, name, path).fillna("").astype(str).str.strip()
        empty = (column == "").to_numpy()
        if empty.any():
            raise BenchError(
                f"{path.name}: row {int(empty.argmax()) + 1}, column {name!r} has no text."
            )
        sides.append(column.tolist())
    of_rows = column_of(table, group, path).astype(str) if group else sides[0]
    groups = np.unique(np.asarray(of_rows, dtype=object), return_inverse=True)[1]
    return Texts(sides[0], sides[1], groups)
