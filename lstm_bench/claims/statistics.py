"""What a claim can rest on: one number a task and seed for each of its cells. Counts, not seconds.

A statistic takes the evidence of an experiment and the cells to compare, and returns rows of
`task`, `cell`, `seed`, `value`; those of an exact one have no seed but a `T`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lstm_bench.experiments import Evidence

COLUMN = "column"  # a per-seed column of an experiment's own table; see judge.column_values
KEYS = ["task", "cell", "seed"]


@dataclass(frozen=True)
class Statistic:
    """A number to compare cells by.

    told    the sentence, with {first}, {second} and {effect}
    ratio   values are logarithms to base 2, and effects are told as a number of times
    exact   a count without sampling error: judged without a test
    """

    name: str
    values: Callable[[Evidence, Sequence[str]], pd.DataFrame]
    about: str
    told: str
    ratio: bool = False
    exact: bool = False
    ties: bool = False


def _judged(evidence: Evidence, cells: Sequence[str]) -> pd.DataFrame:
    """Replicates of these cells; what a machine's error ended is left out."""
    return evidence.runs[evidence.runs.cell.isin(list(cells)) & evidence.runs.judged]


def share_of_lengths(evidence: Evidence, cells: Sequence[str]) -> pd.DataFrame:
    """The share of the lengths of the grid that a seed solves: the area under its solved-or-not
    curve on the grid of the figure. A seed that lacks a length (an error) is left out.
    """
    rows = _judged(evidence, cells)
    rows = rows.astype({"solved": float})
    found = rows.groupby(KEYS, sort=False).solved.agg(["mean", "size"]).reset_index()
    grid = rows.groupby("task", sort=False)["T"].nunique()
    whole = found["size"] == found.task.map(grid)
    return found[whole].rename(columns={"mean": "value"})[[*KEYS, "value"]]


def updates_to_solve(evidence: Evidence, cells: Sequence[str]) -> pd.DataFrame:
    """log2 of the updates to solve, a mean over the lengths of a task that every cell of `cells`
    solves in half of its replicates or more; an unsolved replicate counts at the budget.
    """
    return _to_solve(evidence, cells, [])


def flops_to_solve(evidence: Evidence, cells: Sequence[str]) -> pd.DataFrame:
    """log2 of the operations of these updates: their number times what one of the cell takes."""
    return _to_solve(evidence, cells, ["flops_per_update"])


def _to_solve(evidence: Evidence, cells: Sequence[str], times: list[str]) -> pd.DataFrame:
    rows = _judged(evidence, cells)
    updates = rows.updates
    for factor in times:
        updates = updates * rows[factor]
    rows = rows.assign(solved=rows.solved.astype(float), value=np.log2(updates.clip(lower=1.0)))
    shares = rows.groupby(["task", "T", "cell"], sort=False).solved.mean().unstack("cell")
    shares = shares.reindex(columns=list(cells))
    shared = shares[(shares >= 0.5).all(axis=1)].index
    kept = rows[pd.MultiIndex.from_frame(rows[["task", "T"]]).isin(shared)]
    # a seed counts where it has every shared length, so that seeds are means over the same lengths
    found = kept.groupby(KEYS, sort=False).value.agg(["mean", "size"]).reset_index()
    grid = kept.groupby("task", sort=False)["T"].nunique()
    whole = found["size"] == found.task.map(grid)
    return found[whole].rename(columns={"mean": "value"})[[*KEYS, "value"]]


def flops_per_update(evidence: Evidence, cells: Sequence[str]) -> pd.DataFrame:
    """log2 of the floating-point operations of an update, at every length and width measured."""
    if evidence.probe is None:
        return pd.DataFrame(columns=["task", "cell", "T", "width", "value"])
    rows = evidence.probe[evidence.probe.cell.isin(list(cells))]
    columns = ["task", "cell", "T", "width"]
    return rows.assign(value=np.log2(rows.flops_per_update.astype(float)))[[*columns, "value"]]


def registry() -> dict[str, Statistic]:
    """Every statistic by name."""
    return {each.name: each for each in STATISTICS}


STATISTICS = (
    Statistic(
        "share_of_lengths",
        share_of_lengths,
        "difference of the shares of lengths solved, paired by seed, mean over tasks",
        "the share of the lengths that {first} solves is that of {second} {effect}",
        ties=True,
    ),
    Statistic(
        "updates_to_solve",
        updates_to_solve,
        "ratio of the updates to solve where both solve, paired by seed, mean over tasks of log2",
        "{first} takes {effect} the updates of {second}",
        ratio=True,
    ),
    Statistic(
        "flops_to_solve",
        flops_to_solve,
        "ratio of the operations to solve (updates times operations of an update) where both "
        "solve, paired by seed, mean over tasks of log2",
        "{first} takes {effect} the floating-point operations of {second} until it solves",
        ratio=True,
    ),
    Statistic(
        "flops_per_update",
        flops_per_update,
        "ratio of floating-point operations of an update, every length and width measured",
        "an update of {first} takes {effect} the floating-point operations of {second}",
        ratio=True,
        exact=True,
    ),
)
