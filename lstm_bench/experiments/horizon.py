"""How far back can each cell remember?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.runs import ends_of, groups, rate_of, rungs_of
from lstm_bench.experiments.words import listed
from lstm_bench.plotting.figure import LENGTH, SOLVED, Axis, Figure, Layer, figure, panel
from lstm_bench.stats.ladder import bracket, not_monotone
from lstm_bench.sweep import Member, Sweep


@dataclass(frozen=True)
class HorizonExperiment(Experiment):
    """How far back can each cell remember?

    Up to which sequence length T does each cell learn the task within the budget, and where
    does the share of successful replicates fall to one half (the horizon T*)?

    Every cell climbs the lengths of every task, with the same budget: longer ones are not
    tried where shorter ones surely fail, and count as failed. Shares carry Wilson 95 %
    intervals. T* is given as the lengths between which it lies: the last before the first at
    which "less than half" is plausible, and the one after the last at which "half or more" is
    (each at the one-sided level of .08, exact binomial), with no curve between them; "<" and
    ">" are the ends of the lengths tried. Not monotone is a length solved by a larger share
    than a shorter one that surely fails. Replicates that diverged or ran out of time count as
    not solved; those that ended in an error of the machine are left out of n and listed under
    failures.
    """

    name = "horizon"

    def members(self, sweep: Sweep) -> Iterable[Member]:
        return sweep.every_length(between=True)

    def table(self, evidence: Evidence) -> pd.DataFrame:
        rows = []
        for about, group in groups(evidence.runs, ["task", "cell", "T"]):
            judged = group[group.judged]
            rows.append(
                {
                    **about,
                    "tried": bool(group.tried.any()),
                    **rate_of(group),
                    **ends_of(group),
                    "median_test_score": judged.test_score.astype(float).median(),
                    "learning_rate": group.learning_rate.iloc[0],
                }
            )
        return pd.DataFrame(rows)

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        rows = []
        for task in evidence.tasks:
            for cell in evidence.cells:
                group = table[(table.task == task) & (table.cell == cell)]
                if not group.n.any():
                    continue
                rungs = rungs_of(group)
                found, again = bracket(rungs), ", ".join(map(str, not_monotone(rungs)))
                tried = group[group.tried]
                rows.append(
                    {
                        "task": task,
                        "cell": cell,
                        "low": found.low or np.nan,
                        "high": found.high if np.isfinite(found.high) else np.nan,
                        "shown": found.shown + (f" (not monotone: {again})" if again else ""),
                        "longest_tried": int(tried["T"].max()),
                        "fewest": int(tried.n.min()),
                        "most": int(tried.n.max()),
                    }
                )
        return pd.DataFrame(rows)

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        """One row a cell, one column a task: the lengths between which T* lies."""
        wide = summary.pivot_table(
            index="cell", columns="task", values="shown", aggfunc="first", sort=False
        )
        wide.columns = [f"T* on {task}" for task in wide.columns]
        return wide.reset_index()

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, Any]:
        parts, controls = [], {}
        for task, group in summary.groupby("task", sort=False):
            known = ", ".join(f"{row.cell} {row.shown}" for row in group.itertuples())
            parts.append(f"{task}: {known}")
            own = table[(table.task == task) & (table.n > 0)]
            controls[str(task)] = bool((own[own["T"] == own["T"].min()].share >= 0.5).any())
        failed = [task for task, held in controls.items() if not held]
        answer = listed("T* by task", parts)
        if failed:
            none = ", ".join(failed)
            answer += f" No positive control for {none}: nothing solves its shortest T."
        return {"answer": answer, "positive_control": controls}

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """The lengths between which T* lies, a panel a task."""
        cells = [cell for cell in evidence.cells if cell in set(summary.cell)]
        ends = summary.assign(middle=np.sqrt(summary.low * summary.high))
        lengths = table.groupby("task")["T"].agg(["min", "max"])
        within = (float(lengths["min"].min()) / 2, float(lengths["max"].max()) * 2)
        panels = [
            panel(
                Axis("", "names", names=cells),
                Axis("T* (sequence length)", "log", limits=within),
                Layer("cell", "middle", "low", "high", look="points", only="low > 0 and high > 0"),
                Layer("cell", "low", look="points", marker=">", size=7, only="high != high"),
                Layer("cell", "high", look="points", marker="<", size=7, only="low != low"),
                flipped=True,
            )
        ]
        note = (
            "bars: the lengths between which half of the replicates cease to solve the task; "
            "arrows: beyond this length, or below it"
        )
        return figure(
            ends, panels, evidence.cells, note, ["task"], "{task}", finding=_finding(summary)
        )

    def supplement(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """Shares against T above, learning curves at one length below; a column a task."""
        rows = table.assign(share=table.share.where(table.tried, 0.0), n=table.n.where(table.tried))
        at = {task: _telling_length(of) for task, of in table[table.n > 0].groupby("task")}
        panels = [
            panel(
                LENGTH,
                SOLVED,
                Layer("T", "share", "low", "high", only="n > 0"),
                Layer("T", "share", look="points", marker="x", only="not tried"),
                guides=(0.5,),
            ),
            panel(
                Axis("updates"),
                Axis("validation score (median, quartiles)", "share"),
                Layer("update", "median", "low", "high", look="curve", rows=_curves(evidence, at)),
                title="learning at T = {T}",
                empty="no replicate reached a second evaluation",
            ),
        ]
        note = "n = {n} replicates a point; bars: Wilson 95 % intervals; crosses: not tried"
        return figure(rows, panels, evidence.cells, note, ["task"], "{task}")


def _finding(summary: pd.DataFrame) -> str:
    """On how many tasks gated cells surely remember further than a plain one, by their brackets."""
    cells = list(dict.fromkeys(summary.cell))
    low = summary.assign(low=summary.low.fillna(0)).pivot(
        index="task", columns="cell", values="low"
    )
    high = summary.assign(high=summary.high.fillna(np.inf))
    high = high.pivot(index="task", columns="cell", values="high")
    far = low.median().sort_values(ascending=False, kind="stable").index
    plain = "elman" if "elman" in cells else far[-1]
    shown = [cell for cell in dict.fromkeys(["lstm", far[0]]) if cell in cells and cell != plain]
    if not shown:
        return f"T* of {plain} on {len(low)} tasks"
    beyond = {cell: int((low[cell] >= high[plain]).sum()) for cell in shown}
    first, *others = beyond
    told = f"{first} surely remembers further than {plain} on {beyond[first]} of {len(low)} tasks"
    return told + "".join(f", {cell} on {beyond[cell]}" for cell in others)


def _telling_length(rows: pd.DataFrame) -> int:
    """The length whose shares differ most between cells; the longest of those."""
    spread = rows.groupby("T").share.agg(lambda share: share.max() - share.min())
    return int(max(spread.index, key=lambda T: (round(spread[T], 6), T)))


def _curves(evidence: Evidence, at: Mapping[str, int]) -> pd.DataFrame:
    """Median and quartiles of the validation score by task, cell and update, at these lengths.

    A task of which no replicate came to a second evaluation has no curve.
    """
    rows = evidence.curves.drop(columns=["task", "cell"], errors="ignore")
    rows = rows.rename(columns={"task_label": "task", "cell_label": "cell"})
    rows = rows[rows["T"] == rows.task.map(at)].dropna(subset="validation_score")
    rows = rows[rows.groupby("task")["update"].transform("max") > 0]
    found = []
    for about, group in groups(rows, ["task", "cell", "T"]):
        scores = group.pivot_table(index="update", columns="seed", values="validation_score")
        scores = scores.ffill()  # a replicate that has stopped keeps its last score
        ends = {"low": scores.quantile(0.25, axis=1), "high": scores.quantile(0.75, axis=1)}
        found.append(pd.DataFrame({"median": scores.median(axis=1), **ends}).assign(**about))
    columns = ["task", "cell", "T", "update", "median", "low", "high"]
    return pd.concat(found).reset_index() if found else pd.DataFrame(columns=columns)
