"""How far back must the gradient reach?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import numpy as np
import pandas as pd

from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.runs import bounds, frame, groups, rate_of
from lstm_bench.experiments.settings import Cells, Lengths, OwnTasks, Positive, Tasks
from lstm_bench.experiments.words import counts, listed
from lstm_bench.plotting.figure import Axis, Figure, Layer, figure, panel
from lstm_bench.stats.means import mean_interval
from lstm_bench.sweep import Choice, Member, Sweep

DISTANCES = {
    "cosine": "cosine to the whole gradient",
    "bias": "bias, share of the whole gradient",
}
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
    """How far back must the gradient reach?

    When the gradient is cut every k steps, which share of replicates still solves the task, and
    how far is the truncated gradient from the whole one?

    Truncated backpropagation through time, one update a sequence as in full BPTT: the gradient
    is cut every k steps, counted from the end, so that the loss of the last step reaches back k
    steps. The state passes a cut (carried) or starts anew there in training (reset); validation
    and test read whole sequences. Learning rates are those tuned for the whole gradient. Shares
    carry Wilson 95 % intervals; cosine and bias compare the gradients by the cell's weights on
    one large batch, in float64, at the initial weights, as means over replicates with 95 %
    bootstrap intervals. A network with its gradient cut may still remember: what it cannot do
    is learn from an error further away than k.
    """

    name = "truncation"
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
            f"shortest k, state {name}": summary[f"shortest_{name}"].map(_or_none)
            for name in ("carried", "reset")
        }
        whole = counts(summary.assign(solved=summary.solved_whole))
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
            carried, reset = able.shortest_carried.map(_or_none), able.shortest_reset.map(_or_none)
            told = ", ".join(able.cell + " " + carried + " (reset " + reset + ")")
            parts.append(f"{task} at T={T}: {told or 'no cell, not even with the whole gradient'}")
        lead = "Shortest window k from which on half of the replicates solve it, state carried"
        return {"answer": listed(lead, parts)}

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        table = table[table.n > 0].sort_values("k")
        whole = table.groupby(["task", "cell", "T"])[["solved", "n"]].transform("last")
        table = table.assign(able=whole.solved * 2 >= whole.n)
        window = Axis("window / length, k / T", limits=(0, 1.05))
        share = partial(Layer, "k / T", "share", "low", "high", faded="not able")
        panels = [
            panel(
                window, Axis(f"share solved, state {name}", "share"),
                share(only=f"{carry} or k == T"), guides=(0.5,),
            )
            for name, carry in (("carried", "carry"), ("reset", "not carry"))
        ] + [
            panel(
                window, Axis(label),
                Layer("k / T", name, f"{name}_low", f"{name}_high", only="carry"),
                guides=(0.0, 1.0),
            )
            for name, label in DISTANCES.items()
        ]  # fmt: skip
        note = (
            "n = {n} replicates a point, Wilson 95 % intervals; k / T = 1 is the whole gradient, "
            "and faded cells do not solve the task even so. Cosine and bias: at the initial "
            "weights, state carried, means with 95 % bootstrap intervals."
        )
        return figure(table, panels, evidence.cells, note, ["task", "T"])


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
            found |= {f"{name}{ending}": mean[0]} if ending else bounds(name, mean)
    return found


def _shortest(at: pd.DataFrame) -> float:
    """The smallest k from which on every window is solved by half; infinite where none is."""
    failing = at[at.solved * 2 < at.n].k
    passing = at[at.k > (failing.max() if len(failing) else 0)].k
    return float(passing.min()) if len(passing) else float("inf")


def _or_none(k: float) -> str:
    return f"{k:.0f}" if np.isfinite(k) else "none"
