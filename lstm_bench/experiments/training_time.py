"""How long does each cell take to learn?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import numpy as np
import pandas as pd

from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.runs import bounds, groups
from lstm_bench.experiments.settings import Cell, Settings
from lstm_bench.experiments.time_ratios import beside_reference, cheaper_from, direction
from lstm_bench.experiments.words import at_length, counts, listed, spans, told
from lstm_bench.plotting.figure import LENGTH, Axis, Figure, Layer, figure, panel
from lstm_bench.stats.means import mean_interval
from lstm_bench.stats.survival import solved_by, time_to_solve, told_apart
from lstm_bench.sweep import Member, Sweep


@dataclass(frozen=True)
class TrainingTimeSettings(Settings):
    """Updates and operations until each cell has solved a task, at every length."""

    reference: Annotated[Cell, "what the others are compared with; null takes the last cell"] = (
        "lstm"
    )


@dataclass(frozen=True)
class TrainingTime(Experiment):
    """How long does each cell take to learn?

    How many updates, operations and seconds until each cell has solved the task, and on which
    sequences is a simpler cell the cheaper one?

    The horizon's trainings. Replicates that never solved the task are censored: those that
    diverged, ran out of time or were stopped as futile are carried as unsolved to the end of the
    budget, an error of the machine is left out; lengths that were not tried have no time. The
    restricted mean is the mean up to the budget; where some did not solve it, a lower bound of
    the mean. Ratios are geometric means over replicates paired by seed, cell over reference, a
    bound where either solves less than half; times the operations of an update they are ratios
    of operations. The reference needs fewer from a length between the last before the first at
    which a ratio of 1 or more is plausible (95 % interval), and the one after the last at which
    1 or less is, over lengths that either solves half the time. At each task's longest length
    that two cells solve half the time: Kaplan-Meier curves with 95 % log-log bands, and log-rank
    tests of all pairs (by permutation, Holm within the task); cells that share a letter are not
    told apart. Intervals of differences to the fastest are not adjusted for its being picked as
    the fastest. Seconds are updates times the mean time an update of this condition took for one
    replicate, as it ran in the sweep, beside other jobs and on the backend named in the table;
    they decide nothing, and the cost experiment times a quiet machine.
    """

    name = "training_time"
    settings: TrainingTimeSettings = TrainingTimeSettings()

    def members(self, sweep: Sweep) -> Iterable[Member]:
        return sweep.every_length()

    def reference(self, evidence: Evidence) -> str:
        """The cell that the others are compared with."""
        return self.settings.reference or evidence.cells[-1]

    def table(self, evidence: Evidence) -> pd.DataFrame:
        judged = evidence.runs[evidence.runs.judged]
        ratios = beside_reference(judged, self.reference(evidence))
        return pd.DataFrame(
            [
                {**about, **_row(rows), **ratios[tuple(about.values())], **_milestones(rows)}
                for about, rows in groups(judged, ["task", "cell", "T"])
            ]
        )

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        """At each task's longest length that two cells or more solve at least half the time."""
        rows = []
        joined = evidence.runs[evidence.runs.judged]
        for task in evidence.tasks:
            group = table[table.task == task]
            if group.empty:
                continue
            T = shared_length(group)
            at = group[group["T"] == T].sort_values("mean_updates")
            fastest = at.mean_updates.iloc[0]
            here = joined[(joined.task == task) & (joined["T"] == T)]
            compared = compare(here, at.cell.tolist())
            for row in at.to_dict("records"):
                times = {"times_the_fastest": row["mean_updates"] / fastest}
                since = cheaper_from(group[group.cell == row["cell"]])
                rows.append({**row, **times, **compared[row["cell"]], **since})
        return pd.DataFrame(rows)

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        """Means with their intervals in one cell each."""
        reference = summary.reference.iloc[0] if len(summary) else "the reference"
        return pd.DataFrame(
            {
                "task": at_length(summary),
                "cell": summary.cell,
                "solved": counts(summary),
                "median updates": summary.median_updates,
                "mean updates": _interval(summary, "updates", "{:.0f}"),
                "mean seconds": _interval(summary, "seconds", "{:.2g}"),
                "ms per update": summary.milliseconds_per_update,
                "times the fastest": summary.times_the_fastest,
                "told apart": summary.letters,
                "log-rank p": told(summary.logrank_p, "{:.2g}"),
                f"fewer updates by {reference} from T": summary.fewer_updates_from,
                "fewer operations from T": summary.fewer_flops_from,
            }
        )

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, Any]:
        parts = []
        for task, group in summary.groupby("task", sort=False):
            T = int(group["T"].iloc[0])
            solving = ", ".join(
                f"{row.cell} {row.mean_updates:.0f} ({row.letters})"
                for row in group.itertuples()
                if row.solved * 2 >= row.n
            )
            parts.append(f"{task} at T={T}: {solving or 'no cell'}")
        answer = listed("Mean updates to solve, up to the budget", parts)
        answer += " Cells of a task that share a letter are not told apart (log-rank, Holm)."
        return {"answer": answer}

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """A panel a task: mean updates to solve against length."""
        mean = ("mean_updates", "mean_updates_low", "mean_updates_high")
        updates = Axis("mean updates to solve (up to the budget)", "log")
        note = (
            "n = {n} replicates a point; bars: 95 % intervals; faded: fewer than half solved, the "
            "mean is a lower bound"
        )
        layer = Layer("T", *mean, faded="solved * 2 < n")
        found = direction(evidence.runs, self.reference(evidence), evidence.cells)
        panels = [panel(LENGTH, updates, layer)]
        return figure(table, panels, evidence.cells, note, ["task"], "{task}", finding=found)

    def supplement(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """A column a task: ratios of updates and of operations, and Kaplan-Meier curves."""
        bound = "solved * 2 < n or reference_solved * 2 < n"
        ratio = partial(Layer, "T", faded=bound, rows=table[table.pairs > 0])
        panels = [
            panel(
                LENGTH,
                Axis(f"{told} to solve, ratio to {{reference}}", "log"),
                ratio(*(f"{name}_ratio{end}" for end in ("", "_low", "_high"))),
                guides=(1.0,),
            )
            for name, told in (("updates", "updates"), ("flops", "operations"))
        ]
        curves = Layer(
            *("updates", "share", "low", "high"), look="step", text="letters", at_edge=True,
            rows=_curves(evidence, summary),
        )  # fmt: skip
        solved = Axis("share solved (Kaplan-Meier)", "share")
        panels.append(
            panel(Axis("updates", limits=(0, None)), solved, curves, title="T = {T}"),
        )
        note = (
            "n = {n} replicates a cell; bands and bars: 95 % intervals. Ratios above 1: {reference}"
            " is the cheaper one; faded: a bound, since one of both solves less than half. Curves: "
            "the longest T that two cells solve half the time; cells that share a letter are not "
            "told apart (log-rank tests by permutation, Holm; grey: of several curves)"
        )
        return figure(summary, panels, evidence.cells, note, ["task"], "{task}")


def _curves(evidence: Evidence, summary: pd.DataFrame) -> pd.DataFrame:
    """Kaplan-Meier curves of every row of the summary, with its letters at their ends."""
    known = dict(iter(evidence.runs[evidence.runs.judged].groupby(["task", "cell", "T"])))
    found = []
    for row in summary.itertuples():
        runs = known[row.task, row.cell, row.T]
        km = solved_by(runs.updates.to_numpy(), runs.solved.to_numpy())
        curve = {"updates": km.time, "share": km.share, "low": km.low, "high": km.high}
        curve |= {"letters": [*[""] * (len(km.time) - 1), row.letters]}
        found.append(pd.DataFrame(curve).assign(task=row.task, cell=row.cell, T=row.T))
    return pd.concat(found)


def compare(rows: pd.DataFrame, cells: list[str]) -> dict[str, dict[str, Any]]:
    """Each cell's tie group, and its log-rank p and seed-paired difference to the fastest.

    rows   the replicates of one task and length, see `runs.make_runs`; cells come fastest first
    """
    by_cell = {cell: rows[rows.cell == cell].set_index("seed") for cell in cells}
    times = {c: (g.updates.to_numpy(), g.solved.to_numpy()) for c, g in by_cell.items()}
    apart = told_apart(times)
    first, found = cells[0], {}
    for cell in cells:
        p, difference = float("nan"), (0.0, 0.0, 0.0)
        if cell != first:
            p = apart.p[frozenset((cell, first))]
            both = by_cell[cell].join(by_cell[first].updates, how="inner", rsuffix="_first")
            difference = mean_interval(both.updates - both.updates_first)
        about = {"letters": apart.letters[cell], "logrank_p": p}
        found[cell] = about | bounds("mean_difference", difference)
    return found


def _interval(summary: pd.DataFrame, unit: str, form: str) -> pd.Series:
    """`120 [105, 135]`, and `≥ 320 [120, 695]` where some did not solve it."""
    bound = pd.Series(np.where(summary.solved < summary.n, "≥ ", ""), summary.index)
    return bound + spans(summary, f"mean_{unit}", form)


def shared_length(rows: pd.DataFrame) -> int:
    """The longest T that two cells or more solve half the time, else the shortest T."""
    solving = rows[rows.solved * 2 >= rows.n].groupby("T").cell.nunique()
    shared = [T for T, cells in solving.items() if cells >= 2]
    return int(max(shared) if shared else rows["T"].min())


def _row(group: pd.DataFrame) -> dict[str, Any]:
    event = group.solved.to_numpy()
    updates = time_to_solve(group.updates.to_numpy(), event, float(group.budget.max()))
    pace = float(group.update_seconds.iloc[0])
    median = (updates.median, updates.median_low, updates.median_high)
    mean = (updates.mean, updates.mean_low, updates.mean_high)
    return {
        "n": updates.n,
        "solved": updates.solved,
        **bounds("median_updates", median),
        **bounds("mean_updates", mean),
        "median_seconds": updates.median * pace,
        **bounds("mean_seconds", [value * pace for value in mean]),
        "milliseconds_per_update": 1e3 * pace,
        "backend": "/".join(sorted(set(group.backend))),
    }


def _milestones(group: pd.DataFrame) -> dict[str, float]:
    """Median updates until each milestone of the task; infinite where half never reached it.

    For adding: the plateau of a network that knows neither number (1/6) and that of one that knows
    one of them (1/12) left behind, told apart from the task solved.
    """
    reached: dict[str, list[float]] = {}
    for entries in group.milestones:
        for entry in entries if entries is not None else ():
            update = np.inf if entry["update"] is None else float(entry["update"])
            reached.setdefault(entry["name"], []).append(update)
    return {f"median_updates_to_{name}": float(np.median(v)) for name, v in reached.items()}
