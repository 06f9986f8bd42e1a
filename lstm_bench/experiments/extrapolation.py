"""Does a network that has learnt a task at one length know it at longer ones?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd

from lstm_bench.experiments import words
from lstm_bench.experiments.base import Evidence, Experiment, stored_weights
from lstm_bench.experiments.runs import bounds, groups
from lstm_bench.experiments.settings import Allowed, Cells, OwnTasks, Sequences, Tasks
from lstm_bench.plotting.figure import Axis, Figure, Layer, figure, panel
from lstm_bench.plotting.palette import BLACK, cell_places
from lstm_bench.stats.means import mean_interval
from lstm_bench.stats.rates import wilson
from lstm_bench.sweep import Choice, Member, Sweep

COUNTS = "counting to N and no further"  # what that would score


@dataclass(frozen=True)
class ExtrapolationSettings(OwnTasks):
    """Trained at `lengths`, tested at these multiples."""

    tasks: Tasks = tuple(map(Choice, ("adding", "temporal_order", "anbn", "anbncn")))
    cells: Cells = None
    factors: Annotated[
        tuple[int, ...], Allowed(minItems=1, items={"minimum": 2, "maximum": 64}), "of `lengths`"
    ] = (2, 4, 8)
    sequences: Sequences = 1024


@dataclass(frozen=True)
class Extrapolation(Experiment):
    """Does it know more than it has seen?

    Does a network that has solved a task at length T still solve it at 2T to 8T, without any
    further training?

    Replicates that solved the task at T, with their stored weights, answer fresh sequences at T
    and at its multiples; those that did not solve it are left out of n and named in the table.
    The score is the task's own, its mean over replicates with its 95 % interval; the
    share that still meets the criterion of solved has a Wilson one. In the counting languages a
    test at kT asks for run lengths n up to k times the largest trained (N), equally often each,
    so that a network that counts to N and no further keeps a score of 1/k; `longest` is the n
    up to which every string is accepted.
    """

    name = "extrapolation"
    probe = "extrapolation"
    settings: ExtrapolationSettings = ExtrapolationSettings()

    def members(self, sweep: Sweep) -> Iterable[Member]:
        return sweep.members(self.tasks, sweep.chosen(self.settings.cells))

    def probe_settings(self, sweep: Sweep) -> dict[str, object]:
        kept = {"factors": self.settings.factors, "sequences": self.settings.sequences}
        return {**stored_weights(self, sweep), **kept}

    def table(self, evidence: Evidence) -> pd.DataFrame:
        assert evidence.probe is not None
        runs = evidence.runs
        joined = runs[runs.judged].merge(evidence.probe, on=["condition", "seed"])
        rows = []
        for about, group in groups(joined, ["task", "cell", "T", "tested_T"]):
            solved = group[group.solved]
            criterion = evidence.plan[group.condition.iloc[0]].solved_score
            still = int((solved.score >= criterion).sum())
            longest = solved.longest.dropna().astype(float)
            rows.append(
                {
                    **about,
                    "times": int(group.factor.iloc[0]),
                    "n": len(group),
                    "solved": len(solved),
                    **bounds("still", (still, *wilson(still, len(solved)))),
                    **bounds("score", mean_interval(solved.score)),
                    "unsolved_score": group[~group.solved].score.mean(),
                    "criterion": criterion,
                    "longest": longest.median() if len(longest) else np.nan,
                    "longest_max": longest.max() if len(longest) else np.nan,
                    "trained_n": group.trained_n.iloc[0],
                }
            )
        return pd.DataFrame(rows)

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        return table[table.times > 1].reset_index(drop=True)

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        """One row a task and cell, one column a multiple: how many still meet the criterion."""
        told = summary.still.astype(str) + "/" + summary.solved.astype(str)
        told += " (" + words.told(summary.score, "{:.2f}") + ")"
        wide = summary.assign(told=told.where(summary.solved > 0, "none solved it")).pivot_table(
            index=["task", "cell"], columns="times", values="told", aggfunc="first", sort=False
        )
        wide.columns = [f"at {k} T: solved (score)" for k in wide.columns]
        wide = wide.reset_index()
        counts = summary.drop_duplicates(["task", "cell"]).set_index(["task", "cell"])
        if counts.longest.notna().any():
            keys = list(zip(wide.task, wide.cell))
            wide["longest n (of N)"] = [_longest(counts.loc[key]) for key in keys]
        return wide

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, object]:
        parts = []
        times = int(summary.times.min())
        for task, group in summary[summary.times == times].groupby("task", sort=False):
            told = ", ".join(
                f"{row.cell} {row.still}/{row.solved} (mean score {row.score:.2f})"
                for row in group.itertuples()
                if row.solved
            )
            parts.append(f"{task}: {told or 'no cell solved it at T'}")
        lead = f"Of the replicates that solved it at T, still solving it at {times} T"
        return {"answer": words.listed(lead, parts)}

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        shown = panel(
            Axis("tested T (trained at {T})", "lengths"),
            Axis("score at this length (mean of those that solved T)", "share"),
            Layer("tested_T", "score", "score_low", "score_high"),
            Layer("tested_T", "unsolved_score", look="points", faded=True),
            Layer(
                *("tested_T", "1 / times"), name=COUNTS, look="curve", thin=True,
                only="trained_n == trained_n",
            ),
            guides=("criterion",),
            empty="no replicate has a score",
        )  # fmt: skip
        note = (
            "{solved} of n = {n} replicates solved their T (faded: mean of the others); bars: "
            "95 % intervals; grey line: criterion of solved"
        )
        places = {**cell_places(evidence.cells), COUNTS: BLACK}
        return figure(table, [shown], places, note, ["task"], "{task}")


def _longest(row: pd.Series) -> str:
    if not np.isfinite(row.longest):
        return "–"
    return f"{row.longest:.0f}, at most {row.longest_max:.0f} ({row.trained_n:.0f})"
