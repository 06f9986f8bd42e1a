"""How far back must the gradient reach?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
import pandas as pd

from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.runs import frame, groups, rate_of
from lstm_bench.experiments.settings import Cells, Lengths, OwnTasks, Positive, Tasks
from lstm_bench.experiments.words import count_range
from lstm_bench.plotting.panels import cell_legend, cell_style, panels
from lstm_bench.stats.means import mean_interval
from lstm_bench.sweep import Choice, Member, Sweep

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WHOLE = {"truncate": None, "carry": True}  # whatever the config trains with
ARM = ["task", "cell", "T", "k", "carry"]


@dataclass(frozen=True)
class TruncationSettings(OwnTasks):
    """The gradient is cut every so many steps, with the state carried over the cut and reset."""

    tasks: Tasks = (Choice("adding"), Choice("temporal_order"))
    cells: Cells = ("lstm",)
    windows: Annotated[Lengths, "each is trained twice"] = (5, 10)
    batch: Annotated[
        Positive, "sequences the truncated gradient is compared with the whole one on"
    ] = 256


@dataclass(frozen=True)
class Truncation(Experiment):
    """Truncated BPTT(k): solved as a function of k / T, and what the cut does to the gradient."""

    name = "truncation"
    title = "How far back must the gradient reach?"
    question = (
        "When the gradient is cut every k steps, which share of replicates still solves the task, "
        "and how far is the truncated gradient from the whole one?"
    )
    method = (
        "Truncated backpropagation through time, one update a sequence as in full BPTT: the "
        "gradient is cut every k steps, counted from the end, so that the loss of the last step "
        "reaches back k steps. The state passes a cut (carried) or starts anew there in training "
        "(reset); validation and test read whole sequences. Learning rates are those tuned for the "
        "whole gradient. Shares carry Wilson 95 % intervals; cosine and bias compare the gradients "
        "by the cell's weights on one large batch, in float64, at the initial weights, as means "
        "over replicates with 95 % bootstrap intervals. A network with its gradient cut may still "
        "remember: what it cannot do is learn from an error further away than k."
    )
    probe = "truncation"
    measures = ("solved_beyond_cut", "gradient_beyond_cut")
    untrained = ("gradient_beyond_cut",)
    settings: TruncationSettings = TruncationSettings()

    def members(self, sweep: Sweep) -> Iterable[Member]:
        for task, T, cell in self._each(sweep):
            whole = sweep.condition(task, T, cell, **WHOLE)
            yield Member(task.shown, cell.shown, whole, {"k": T, "carry": True})
            for k in self._windows(T):
                for carry in (True, False):
                    condition = sweep.condition(task, T, cell, truncate=k, carry=carry)
                    yield Member(task.shown, cell.shown, condition, {"k": k, "carry": carry})

    def _each(self, sweep: Sweep) -> Iterator[tuple[Choice, int, Choice]]:
        """Every task at each of its lengths, with every cell."""
        cells = sweep.chosen(self.settings.cells)
        return ((t, T, cell) for t in self.tasks for T in t.lengths for cell in cells)

    def _windows(self, T: int) -> list[int]:
        """Shorter than the sequence, rising; the whole gradient has a condition of its own."""
        return sorted(k for k in self.settings.windows if k < T)

    def probe_settings(self, sweep: Sweep) -> dict[str, object]:
        longest = max(T for task in self.tasks for T in task.lengths)
        return {
            "windows": self._windows(longest),
            "batch": self.settings.batch,
            "runs": [
                [sweep.condition(task, T, cell, **WHOLE).id, block.name]
                for task, T, cell in self._each(sweep)
                for block in sweep.blocks()
            ],
            "tasks": [task.name for task in self.tasks],
            "cells": [cell.name for cell in sweep.chosen(self.settings.cells)],
        }

    def table(self, evidence: Evidence) -> pd.DataFrame:
        rows = [_row(about, group, evidence) for about, group in groups(evidence.runs, ARM)]
        table = frame(rows, dict.fromkeys(ARM, object))
        places = table.assign(
            task=table.task.map({name: i for i, name in enumerate(dict.fromkeys(table.task))}),
            cell=table.cell.map({name: i for i, name in enumerate(evidence.cells)}),
            carry=~table.carry.astype(bool),
        )
        order = places.sort_values(["task", "cell", "T", "carry", "k"], kind="stable").index
        return table.loc[order].reset_index(drop=True)

    def measured(self, evidence: Evidence) -> pd.DataFrame:
        """What lies further back than the cut, at windows of at most half the length, carried.

        solved_beyond_cut     whether the seed solves it with the whole gradient, less its share of
                              these windows it solves it with
        gradient_beyond_cut   the bias |g_k - g| / |g| at the longest of them, at the start
        """
        assert evidence.probe is not None
        rows = evidence.runs[evidence.runs.judged].astype({"solved": float, "carry": bool})
        keys = ["task", "cell", "T", "seed"]
        whole = rows[rows.k == rows["T"]].set_index(keys)
        cut = rows[(2 * rows.k <= rows["T"]) & rows.carry].groupby(keys).solved.mean()
        start = evidence.probe[(evidence.probe.stage == "init") & evidence.probe.carry]
        longest = start[2 * start["truncate"] <= start.condition.map(_length(rows))]
        longest = longest.sort_values("truncate").groupby(["condition", "seed"]).bias.last()
        bias = whole.reset_index().merge(longest.reset_index(), on=["condition", "seed"])
        found = {
            "solved_beyond_cut": whole.solved - cut,
            "gradient_beyond_cut": bias.set_index(keys).bias,
        }
        return pd.DataFrame(found).rename_axis(index=keys).reset_index()

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        """The shortest window that half of the replicates, and every longer window, solves."""
        rows = []
        known = table[table.n > 0]
        for (task, cell, T), group in known.groupby(["task", "cell", "T"], sort=False):
            whole = group[group.k == T]  # none where it ended in an error
            row = {"task": task, "cell": cell, "T": T, "n": int(whole.n.sum())}
            row["solved_whole"] = int(whole.solved.sum())
            for carry, name in ((True, "carried"), (False, "reset")):
                at = group[(group.carry == carry) | (group.k == group["T"])].sort_values("k")
                row[f"shortest_{name}"] = _shortest(at)
            half = group[group.carry & (2 * group.k <= group["T"])]
            if len(half):
                longest = half.sort_values("k").iloc[-1]
                row |= {"k": int(longest.k), "cosine": longest.cosine, "bias": longest.bias}
            rows.append(row)
        return pd.DataFrame(rows)

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        told = {
            f"shortest k, state {name}": summary[f"shortest_{name}"].map(
                lambda k: f"{k:.0f}" if np.isfinite(k) else "none"
            )
            for name in ("carried", "reset")
        }
        whole = summary.solved_whole.astype(str) + " of " + summary.n.astype(str)
        shown = {"task": summary.task, "cell": summary.cell, "T": summary["T"]}
        shown |= {"solved with the whole gradient": whole, **told}
        if "k" in summary:
            shown |= {
                "k": summary.k,
                "cosine at k, at the start": summary.cosine,
                "bias at k, at the start": summary.bias,
            }
        return pd.DataFrame(shown)

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, object]:
        parts = []
        for (task, T), group in summary.groupby(["task", "T"], sort=False):
            able = group[(group.n > 0) & (group.solved_whole * 2 >= group.n)]
            told = ", ".join(
                f"{row.cell} {_or_none(row.shortest_carried)} "
                f"(reset {_or_none(row.shortest_reset)})"
                for row in able.itertuples()
            )
            parts.append(f"{task} at T={T}: {told or 'no cell, not even with the whole gradient'}")
        return {
            "answer": "Shortest window k from which on half of the replicates solve it, state "
            "carried: " + "; ".join(parts) + "."
        }

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        table = table[table.n > 0]
        each = list(dict.fromkeys(zip(table.task, table["T"])))
        figure, grid = panels(4, len(each), height=1.5)
        for column, (task, T) in enumerate(each):
            rows = table[(table.task == task) & (table["T"] == T)]
            grid[0, column].set_title(f"{task}, T = {T}")
            _shares(grid[0, column], rows[rows.carry | (rows.k == rows["T"])], evidence)
            _shares(grid[1, column], rows[~rows.carry | (rows.k == rows["T"])], evidence)
            _distance(grid[2, column], rows[rows.carry], "cosine", evidence)
            _distance(grid[3, column], rows[rows.carry], "bias", evidence)
            for axes in grid[:, column]:
                axes.set_xlim(0, 1.05)
            grid[3, column].set_xlabel("window / length, k / T")
        grid[0, 0].set_ylabel("share solved,\nstate carried")
        grid[1, 0].set_ylabel("share solved,\nstate reset")
        grid[2, 0].set_ylabel("cosine to the\nwhole gradient")
        grid[3, 0].set_ylabel("bias, share of the\nwhole gradient")
        cell_legend(figure, grid[2, 0])  # where no cell is faded
        figure.supxlabel(
            f"n = {count_range(table.n)} replicates a point, Wilson 95 % intervals; k / T = 1 is "
            "the whole gradient, and faded cells do not\nsolve the task even so. Below: at the "
            "initial weights, state carried, means with 95 % bootstrap intervals.",
            fontsize=7,
        )
        return figure


def _length(rows: pd.DataFrame) -> dict[str, int]:
    return dict(zip(rows.condition, rows["T"]))


def _row(about: dict[str, object], group: pd.DataFrame, evidence: Evidence) -> dict[str, object]:
    solvers = group[group.judged].updates_to_solve.dropna().astype(float)
    row = {**about, **rate_of(group), "median_updates_of_solvers": solvers.median()}
    return row | _gradients(row, evidence)


def _gradients(row: dict[str, object], evidence: Evidence) -> dict[str, float]:
    """Mean cosine and bias at both stages, with intervals; those of the start have plain names."""
    assert evidence.probe is not None
    labels = evidence.runs[["condition", "seed", "task", "cell", "T"]]
    probe = evidence.probe.merge(labels, on=["condition", "seed"])
    own = probe[(probe.task == row["task"]) & (probe.cell == row["cell"])]
    own = own[own["T"] == row["T"]]
    own = own[(own["truncate"] == row["k"]) & (own.carry == row["carry"])]
    found: dict[str, float] = {}
    for name in ("cosine", "bias"):
        start = 1.0 - (name == "bias")
        for stage, ending in (("init", ""), ("end", "_at_end")):
            values = own[own.stage == stage][name].to_numpy()
            whole = row["k"] == row["T"]
            mean = (start, start, start) if whole else mean_interval(values)
            ends = ("", "_low", "_high") if not ending else ("",)
            found |= {f"{name}{ending}{end}": value for end, value in zip(ends, mean)}
    return found


def _shortest(at: pd.DataFrame) -> float:
    """The smallest k from which on every window is solved by half; infinite where none is."""
    failing = at[at.solved * 2 < at.n].k
    passing = at[at.k > (failing.max() if len(failing) else 0)].k
    return float(passing.min()) if len(passing) else float("inf")


def _or_none(k: float) -> str:
    return f"{k:.0f}" if np.isfinite(k) else "none"


def _shares(axes: Axes, rows: pd.DataFrame, evidence: Evidence) -> None:
    for place, cell in enumerate(evidence.cells):
        group = rows[rows.cell == cell].sort_values("k")
        if group.empty:
            continue
        whole = group.iloc[-1]
        alpha = 1.0 if whole.solved * 2 >= whole.n else 0.3
        shift = 0.008 * (place - (len(evidence.cells) - 1) / 2)
        error = np.abs(group[["low", "high"]].to_numpy().T - group.share.to_numpy())
        axes.errorbar(
            group.k / group["T"] + shift, group.share, yerr=error, label=cell, elinewidth=0.7,
            markersize=4, alpha=alpha, **cell_style(cell, evidence.cells),
        )  # fmt: skip
    axes.set(ylim=(-0.05, 1.05), yticks=[0, 0.5, 1])
    axes.axhline(0.5, color="#999999", linewidth=0.7, zorder=0)


def _distance(axes: Axes, rows: pd.DataFrame, name: str, evidence: Evidence) -> None:
    for cell in evidence.cells:
        group = rows[rows.cell == cell].sort_values("k")
        if group.empty:
            continue
        values = group[name].to_numpy()
        bounds = group[[f"{name}_low", f"{name}_high"]].to_numpy().T
        error = np.nan_to_num(np.abs(bounds - values))
        axes.errorbar(
            group.k / group["T"], values, yerr=error, elinewidth=0.7, label=cell, markersize=3,
            **cell_style(cell, evidence.cells),
        )  # fmt: skip
    low, high = axes.get_ylim()
    axes.set_ylim(min(-0.05, low), max(1.05, high) if name == "cosine" else high)
