"""What a claim can rest on: one number a task and seed for each of its cells. Counts, not seconds.

A statistic takes rows of the cells to compare and returns rows of `task`, `cell`, `seed`, `value`;
those of an exact one have no seed but a `T` and a `width`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lstm_bench.experiments.runs import log2_updates, reach_of

SHORTEST = "shortest"  # of `where`, as a length
COLUMN = "column"  # of a claim: what its experiment measures of every seed
KEYS = ["task", "cell", "seed"]
WITHIN = ("T", "size")  # of a seed, where an experiment measures it more than once


@dataclass(frozen=True)
class Statistic:
    """A number to compare cells by.

    values  from rows of the cells, and their labels, in order
    about   what the effect is, for the page
    told    the sentence, with {first}, {second} and {effect}
    reads   which rows: `runs` but errors of the machine, what the experiment `measured`, or those
            of its `probe`
    ratio   values are logarithms to base 2, and effects are told as a number of times
    exact   a count without sampling error: judged without a test
    ties    whether all cells of the sweep are compared by it too
    """

    name: str
    values: Callable[[pd.DataFrame, Sequence[str]], pd.DataFrame]
    about: str
    told: str
    reads: str = "runs"
    ratio: bool = False
    exact: bool = False
    ties: bool = False


def rows_where(table: pd.DataFrame, where: Mapping[str, object]) -> pd.DataFrame:
    """The rows with these values, one or a list of them. Raises KeyError for an unknown column.

    `T: shortest` keeps the shortest length of each task.
    """
    for key, value in where.items():
        if (key, value) == ("T", SHORTEST):
            table = table[table["T"] == table.groupby("task")["T"].transform("min")]
        else:
            table = table[table[key].isin(value if isinstance(value, list | tuple) else [value])]
    return table


def reach(runs: pd.DataFrame, cells: Sequence[str]) -> pd.DataFrame:
    """log2 of the longest sequence that a seed solves with all shorter ones: `runs.reach`."""
    return reach_of(runs)[[*KEYS, "value"]]


def updates_to_solve(runs: pd.DataFrame, cells: Sequence[str]) -> pd.DataFrame:
    """log2 of the updates to solve, a mean over the lengths of a task that every cell of `cells`
    solves in half of its replicates or more, all of them tried; an unsolved replicate counts at the
    budget.
    """
    rows = runs.assign(
        share=runs.solved.where(runs.tried, -np.inf).astype(float), value=log2_updates(runs)
    )
    shares = rows.groupby(["task", "T", "cell"], sort=False).share.mean().unstack("cell")
    shares = shares.reindex(columns=list(cells))
    shared = shares[(shares >= 0.5).all(axis=1)].index
    return _means(rows[pd.MultiIndex.from_frame(rows[["task", "T"]]).isin(shared)])


def flops_to_solve(runs: pd.DataFrame, cells: Sequence[str]) -> pd.DataFrame:
    """log2 of the operations of these updates: their number times what one of the cell takes."""
    return updates_to_solve(runs.assign(updates=runs.updates * runs.flops_per_update), cells)


def _means(rows: pd.DataFrame) -> pd.DataFrame:
    """The mean `value` of every seed that has all the lengths of a task: an error lacks one."""
    means = rows.groupby(KEYS, sort=False).value.agg(["mean", "size"]).reset_index()
    grid = rows.groupby("task", sort=False)["T"].nunique()
    whole = means["size"] == means.task.map(grid)
    return means[whole].rename(columns={"mean": "value"})[[*KEYS, "value"]]


def flops_per_update(probe: pd.DataFrame, cells: Sequence[str]) -> pd.DataFrame:
    """log2 of the floating-point operations of an update, at every length and width measured."""
    values = probe.assign(value=np.log2(probe.flops_per_update.astype(float)))
    return values[["task", "cell", "T", "width", "value"]]


def column_values(
    rows: pd.DataFrame, cells: Sequence[str], column: str, ratio: bool = False
) -> pd.DataFrame:
    """A column that an experiment measured, log2 of it for a ratio.

    Several rows of a seed (lengths, sizes) are averaged, where both cells have a value. Raises
    KeyError for a column that is not there.
    """
    numbers = pd.to_numeric(rows[column], errors="coerce").astype(float)
    values = rows.assign(value=np.log2(numbers.where(numbers > 0)) if ratio else numbers)
    values = values.dropna(subset=["value"])
    same = [key for key in ("task", "seed", *WITHIN) if key in values]
    both = values.groupby(same, sort=False).cell.transform("nunique") == len(set(cells))
    return values[both].groupby(KEYS, sort=False).value.mean().reset_index()


def registry() -> dict[str, Statistic]:
    """Every statistic by name."""
    return {each.name: each for each in STATISTICS}


STATISTICS = (
    Statistic(
        "reach",
        reach,
        "ratio of the longest sequences solved with all shorter ones, paired by seed",
        "{first} reaches {effect} the length that {second} reaches",
        ratio=True,
        ties=True,
    ),
    Statistic(
        "updates_to_solve",
        updates_to_solve,
        "ratio of the updates to solve where both solve, paired by seed, mean of log2 over lengths",
        "{first} takes {effect} the updates of {second}",
        ratio=True,
    ),
    Statistic(
        "flops_to_solve",
        flops_to_solve,
        "ratio of the operations to solve (updates times operations of an update) where both "
        "solve, paired by seed, mean of log2 over lengths",
        "{first} takes {effect} the floating-point operations of {second} until it solves",
        ratio=True,
    ),
    Statistic(
        "flops_per_update",
        flops_per_update,
        "ratio of floating-point operations of an update, every length and width measured",
        "an update of {first} takes {effect} the floating-point operations of {second}",
        reads="probe",
        ratio=True,
        exact=True,
    ),
)
