"""How far back can each cell remember?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.runs import ends_of, groups, rate_of
from lstm_bench.plotting.panels import beside, cell_legend, cell_style, log_lengths, panels, say
from lstm_bench.stats.rates import horizon
from lstm_bench.sweep import Member, Sweep

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class HorizonExperiment(Experiment):
    """The share of replicates that solve a task against its length, for every cell."""

    name = "horizon"
    title = "How far back can each cell remember?"
    question = (
        "Up to which sequence length T does each cell learn the task within the budget, and where "
        "does the share of successful replicates fall to one half (the horizon T*)?"
    )
    method = (
        "Every cell is trained on every task at every length, with the same budget and a learning "
        "rate tuned per cell and task at one middle length. A replicate has solved the task when "
        "its validation score first reaches the task's criterion. Shares carry Wilson 95 % "
        "intervals. T* is where a non-increasing fit of the shares against log T crosses one half, "
        "with a 95 % interval from Jeffreys posterior draws of the shares; it is interpolated "
        "between the lengths of the grid and censored at its ends. "
        "Replicates that diverged or ran out of time count as not solved; those that ended in an "
        "error of the machine are left out of n and listed under failures."
    )

    def members(self, sweep: Sweep) -> Iterable[Member]:
        return sweep.every_length()

    def table(self, evidence: Evidence) -> pd.DataFrame:
        rows = []
        for about, group in groups(evidence.runs, ["task", "cell", "T"]):
            judged = group[group.judged]
            rows.append(
                {
                    **about,
                    **rate_of(group),
                    "stayed": int(judged.stayed.eq(True).sum()),
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
                group = table[(table.task == task) & (table.cell == cell) & (table.n > 0)]
                if group.empty:
                    continue
                found = horizon(group["T"].tolist(), group.solved.tolist(), group.n.tolist())
                rows.append(
                    {
                        "task": task,
                        "cell": cell,
                        "horizon": found.T,
                        "low": found.low,
                        "high": found.high,
                        "censored": found.censored,
                        "shown": found.shown,
                        "interval": found.interval,
                        "n_per_length": int(group.n.min()),
                        "learning_rate": group.learning_rate.iloc[0],
                    }
                )
        return pd.DataFrame(rows)

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        """One row a cell, one column a task: T* and its interval."""
        certain = "[" + summary.shown + ", " + summary.shown + "]"
        told = summary.shown + (" " + summary.interval).where(summary.interval != certain, "")
        wide = summary.assign(told=told).pivot_table(
            index="cell", columns="task", values="told", aggfunc="first", sort=False
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
        answer = "T* by task: " + "; ".join(parts) + "."
        if failed:
            answer += (
                f" No positive control for {', '.join(failed)}: nothing solves its shortest T."
            )
        return {"answer": answer, "positive_control": controls}

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        return _draw(table, evidence)


def _draw(table: pd.DataFrame, evidence: Evidence) -> Figure:
    """Shares against T above, learning curves at one length below; one column a task."""
    table = table[table.n > 0]
    tasks = [task for task in evidence.tasks if (table.task == task).any()]
    figure, grid = panels(2, len(tasks))
    for column, task in enumerate(tasks):
        rows = table[table.task == task]
        _shares(grid[0, column], rows, evidence)
        grid[0, column].set_title(str(task))
        _curves(grid[1, column], task, _telling_length(rows), evidence)
    grid[0, 0].set_ylabel("share of replicates\nthat solve the task")
    n = sorted(set(table.n))
    counts = str(n[0]) if len(n) == 1 else f"{n[0]}-{n[-1]}"
    grid[1, 0].set_ylabel("validation score\n(median, quartiles)")
    cell_legend(figure, grid[0, 0])
    figure.supxlabel(
        f"n = {counts} replicates a point; bars above: Wilson 95 % intervals", fontsize=7
    )
    return figure


def _shares(axes: Axes, rows: pd.DataFrame, evidence: Evidence) -> None:
    cells = [cell for cell in evidence.cells if (rows.cell == cell).any()]
    for place, cell in enumerate(cells):
        group = rows[rows.cell == cell].sort_values("T")
        shift = beside(place, len(cells), rows["T"].tolist())
        error = np.abs(group[["low", "high"]].to_numpy().T - group.share.to_numpy())
        axes.errorbar(
            group["T"] * shift,
            group.share,
            yerr=error,
            label=cell,
            elinewidth=0.7,
            capsize=0,
            markersize=4,
            **cell_style(cell, evidence.cells),
        )
    axes.axhline(0.5, color="#999999", linewidth=0.7, zorder=0)
    log_lengths(axes, rows["T"].tolist())
    axes.set(ylim=(-0.03, 1.03), xlabel="sequence length T", yticks=[0, 0.25, 0.5, 0.75, 1])


def _telling_length(rows: pd.DataFrame) -> int:
    """The length whose shares differ most between cells; the longest of those."""
    spread = rows.groupby("T").share.agg(lambda share: share.max() - share.min())
    return int(max(spread.index, key=lambda T: (round(spread[T], 6), T)))


def _curves(axes: Axes, task: str, T: int, evidence: Evidence) -> None:
    curves = evidence.curves
    here = curves[(curves.task_label == task) & (curves["T"] == T)]
    axes.set_title(f"learning at T = {T}", fontweight="normal")
    axes.set(xlabel="updates", ylim=(-0.03, 1.03), yticks=[0, 0.25, 0.5, 0.75, 1])
    if not here.dropna(subset="validation_score")["update"].max() > 0:
        axes.set_xticks([])
        say(axes, "no replicate reached\na second evaluation")
        return
    for cell in evidence.cells:
        group = here[here.cell_label == cell]
        if group.empty:
            continue
        scores = group.pivot_table(index="update", columns="seed", values="validation_score")
        scores = scores.ffill()  # a replicate that has stopped keeps its last score
        style = {**cell_style(cell, evidence.cells), "marker": None}
        axes.plot(scores.index, scores.median(axis=1), **style)
        low, high = scores.quantile(0.25, axis=1), scores.quantile(0.75, axis=1)
        axes.fill_between(scores.index, low, high, color=style["color"], alpha=0.18, linewidth=0)
