"""What a cell needs to solve a task as a ratio to a reference cell, paired by seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from lstm_bench.experiments.runs import bounds, groups, log2_updates
from lstm_bench.stats.crossing import Ratio, crossing, paired_ratio
from lstm_bench.stats.means import mean_interval

NAN = float("nan")


def beside_reference(runs: pd.DataFrame, reference: str) -> dict[tuple[Any, ...], dict[str, Any]]:
    """By task, cell and T of these judged runs: how it compares with the reference cell there.

    pairs                        seeds of both; none of the reference itself
    reference_solved             how many of them the reference solved
    updates_ratio, flops_ratio   and their bounds: geometric means of cell over reference
    """
    every = {tuple(about.values()): rows for about, rows in groups(runs, ["task", "cell", "T"])}
    found = {}
    for (task, cell, T), rows in every.items():
        other = every.get((task, reference, T), rows[:0]) if cell != reference else rows[:0]
        both = rows.merge(other, on="seed", suffixes=("", "_reference"))
        row: dict[str, Any] = {"reference": reference, "pairs": len(both)}
        row["reference_solved"] = int(both.solved_reference.sum())
        ratio, factor = Ratio(NAN, NAN, NAN), NAN
        if len(both):
            ratio = paired_ratio(both.updates, both.updates_reference)
            factor = both.flops_per_update.iloc[0] / both.flops_per_update_reference.iloc[0]
        ends = np.array([ratio.value, ratio.low, ratio.high])
        found[task, cell, T] = {
            **row,
            **bounds("updates_ratio", ends),
            **bounds("flops_ratio", ends * factor),
        }
    return found


def cheaper_from(rows: pd.DataFrame) -> dict[str, str]:
    """Between which lengths the reference becomes the cheaper one, of the rows of a task and cell.

    Of lengths that either of both solves half the time; empty text where there is none.
    """
    known = rows[
        (rows.pairs > 0) & (rows[["solved", "reference_solved"]].max(axis=1) * 2 >= rows.n)
    ]
    known = known.sort_values("T")
    found = {}
    for name in ("updates", "flops"):
        columns = [f"{name}_ratio{end}" for end in ("", "_low", "_high")]
        ratios = [Ratio(*ends) for ends in known[columns].to_numpy(float)]
        shown = crossing(known["T"].tolist(), ratios, [1.0] * len(known)).shown
        found[f"fewer_{name}_from"] = shown if len(known) else ""
    return found


def direction(runs: pd.DataFrame, reference: str, cells: Sequence[str]) -> str:
    """On which tasks the reference needs fewer updates than the first other cell, a sentence.

    Over the lengths that both solve in half of their replicates, paired by seed.
    """
    other = next((cell for cell in cells if cell != reference), "")
    rows = runs[runs.judged & runs.cell.isin([reference, other])]
    rows = rows.assign(log2_updates=log2_updates(rows))
    shares = rows.groupby(["task", "T", "cell"]).solved.mean().unstack("cell")
    shared = shares[(shares.reindex(columns=[reference, other]) >= 0.5).all(axis=1)].index
    rows = rows[pd.MultiIndex.from_frame(rows[["task", "T"]]).isin(shared)]
    sides: dict[str, list[str]] = {"fewer": [], "more": [], "no clear difference": []}
    for task, group in rows.groupby("task", sort=False):
        wide = group.pivot_table(index=["T", "seed"], columns="cell", values="log2_updates")
        paired = (wide[reference] - wide[other]).dropna().groupby("seed").mean()
        _, low, high = mean_interval(paired)
        side = "fewer" if high < 0 else "more" if low > 0 else "no clear difference"
        sides[side].append(str(task))
    told = [f"{side} on {', '.join(tasks)}" for side, tasks in sides.items() if tasks]
    if not told:
        return f"No length is solved by both {reference} and {other or 'another cell'}"
    return f"Updates of {reference} against {other} where both solve: {'; '.join(told)}"
