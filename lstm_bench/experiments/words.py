"""Numbers as text in tables: of whole columns, also where there is no number, or no row at all."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd


def told(values: pd.Series, form: str, unknown: str = "–") -> pd.Series:
    """Every number in this form; text also where there is no row: `map` then leaves numbers."""
    words = [unknown if pd.isna(value) else form.format(value) for value in values]
    return pd.Series(words, values.index, dtype=object)


def interval(low: float, high: float, form: str) -> str:
    """` [0.10, 0.35]`, to stand behind a number; nothing where an end is unknown."""
    known = not (pd.isna(low) or pd.isna(high))
    return f" [{form.format(low)}, {form.format(high)}]" if known else ""


def intervals(low: pd.Series, high: pd.Series, form: str) -> pd.Series:
    """The same of two columns."""
    return pd.Series([interval(*ends, form) for ends in zip(low, high)], low.index, dtype=object)


def count_range(counts: Iterable[float]) -> str:
    """`10`, or `4-10` where they differ; `0` of none."""
    known = sorted({int(count) for count in counts if not pd.isna(count)}) or [0]
    return "-".join(map(str, sorted({known[0], known[-1]})))
