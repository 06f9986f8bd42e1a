"""What the parts of a memory card share: a title, a sentence with its numbers, a panel, a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lstm_bench.experiments.base import Evidence
from lstm_bench.experiments.words import interval
from lstm_bench.plotting.figure import Axis, Layer, Panel, panel


@dataclass(frozen=True)
class Findings:
    """What an experiment says of the stored runs: see `experiments.base.Experiment`."""

    evidence: Evidence
    table: pd.DataFrame
    summary: pd.DataFrame
    shown: pd.DataFrame


@dataclass(frozen=True)
class Part:
    """One part of the card; `sentence` has its numbers with n and intervals."""

    title: str
    sentence: str
    panel: Panel
    table: pd.DataFrame


def drawn(title: str, x: Axis, y: Axis, *layers: Layer, empty: str, **options: Any) -> Panel:
    """A panel of layers that have rows of their own."""
    made = panel(x, y, *layers, title=title, empty=empty, **options)
    return made.of(pd.DataFrame(), {}, "")


def listed(told: Iterable[tuple[str, str]]) -> str:
    """`lstm 12, gru 8`."""
    return ", ".join(f"{cell} {words}" for cell, words in told)


def means(
    rows: pd.DataFrame, cells: Sequence[str], columns: tuple[str, str, str], form: str
) -> str:
    """`lstm 0.93 [0.90, 0.96], gru ...` of rows of one cell each; `columns` as mean, low, high."""
    value, low, high = columns
    by_cell = rows.set_index("cell")
    return listed(
        (cell, form.format(row[value]) + interval(row[low], row[high], form))
        for cell in cells
        if cell in by_cell.index
        for row in [by_cell.loc[cell]]
    )


def span(values: pd.Series) -> str:
    """`6`, or `4-6`."""
    known = values.dropna()
    if known.empty:
        return "0"
    return "-".join(dict.fromkeys(f"{end:g}" for end in (known.min(), known.max())))
