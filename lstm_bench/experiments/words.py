"""Numbers as text in tables: of whole columns, also where there is no number, or no row at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import pandas as pd

FAILED = {"timeout": "timed out", "diverged": "diverged", "error": "ended in an error"}


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


def spans(table: pd.DataFrame, value: str, form: str, unknown: str = "–") -> pd.Series:
    """`0.93 [0.90, 0.96]` of the columns `value`, `value`_low and `value`_high."""
    low, high = table[f"{value}_low"], table[f"{value}_high"]
    return told(table[value], form, unknown) + intervals(low, high, form)


def counts(table: pd.DataFrame, of: str = " of ") -> pd.Series:
    """`7 of 10` solved."""
    return table.solved.astype(str) + of + table.n.astype(str)


def at_length(table: pd.DataFrame) -> pd.Series:
    """`adding at T = 50`."""
    return table.task + " at T = " + table["T"].astype(str)


def listed(lead: str, parts: Iterable[str]) -> str:
    """`lead: one; another.`"""
    return f"{lead}: {'; '.join(parts)}."


def not_trained(statuses: Iterable[str]) -> tuple[int, str]:
    """How many replicates were not trained to an end, and in words.

    `all 54 replicates timed out`, or `50 of 54 replicates were not trained to an end (46 timed out,
    4 diverged)`.
    """
    counts = Counter(statuses)
    found = {told: counts[status] for status, told in FAILED.items() if counts[status]}
    n, failed = counts.total(), sum(found.values())
    if failed == n and len(found) == 1:
        return failed, f"{f'all {n} replicates' if n > 1 else 'the one replicate'} {min(found)}"
    each = ", ".join(f"{count} {told}" for told, count in found.items())
    return failed, f"{failed} of {n} replicates were not trained to an end ({each})"


def effect(value: float, ratio: bool = False) -> str:
    """`+0.45`; `× 1.8` of a ratio, whose value is its logarithm to base 2."""
    return f"× {2.0**value:.3g}" if ratio else f"{value:+.2f}".replace("-", "−")


def effect_interval(ends: tuple[float, float] | None, ratio: bool = False) -> str:
    """`[+0.40, +0.50]`, or that there is none."""
    if ends is None:
        return "no interval"
    return f"[{', '.join(effect(end, ratio).removeprefix('× ') for end in ends)}]"


def p_value(p: float | None) -> str:
    """Three digits; a dash where nothing was tested."""
    return "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"
