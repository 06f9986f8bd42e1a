"""How far back do gradients flow, and does that tell who will learn?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import numpy as np
import pandas as pd

from lstm_bench.errors import BenchError
from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.gradient_rows import (
    KEYS,
    QUARTILES,
    curves_of,
    decay_length,
    ends,
    exponents,
    outcomes_of,
    prediction,
    slopes_of,
)
from lstm_bench.experiments.runs import bounds, frame, groups
from lstm_bench.experiments.settings import Allowed, Length, Positive, Settings
from lstm_bench.experiments.words import spans, told
from lstm_bench.plotting.figure import Axis, Figure, Layer, figure, panel
from lstm_bench.stats.means import mean_interval
from lstm_bench.sweep import Member, Sweep

ALL = "all cells"
COLUMNS = 3  # tasks in the main figure
SHOWN = (0.5, 3e3)  # decay lengths, in steps
WHEN = {"init": "at the start", "end": "after training"}
Count = Annotated[int, Allowed(minimum=0, maximum=1000)]


@dataclass(frozen=True)
class GradientFlowSettings(Settings):
    """What is measured on the networks of the sweep."""

    longest: Annotated[Length, "lengths T of the sweep up to this one"] = 200
    batch: Annotated[Positive, "sequences a norm is taken over"] = 32
    exponents: Annotated[Count, "Lyapunov exponents at the start: seconds a pair; 0 for none"] = 0
    length: Annotated[Length, "of the sequences they are measured on"] = 600
    trajectories: Annotated[Positive, "sequences a replicate they are averaged over"] = 2


@dataclass(frozen=True)
class GradientFlow(Experiment):
    """How far back do gradients flow?

    Over how many steps does the gradient decay, before and after training, and does its decay at
    the start tell which replicates will learn?

    In float64, on sequences no training saw: the loss of the last output is differentiated with
    respect to the state h at every earlier step. The slope of log10 ||dL/dh|| against the lag is
    fitted over lags from a sixth to two thirds of the length; the decay length is the number of
    steps in which the norm changes by a factor e, falling or rising. Points are means over
    replicates with 95 % intervals, taken of what ten steps keep of the norm,
    10^(-10 |slope|), which lies between 0 and 1: a gradient of exactly 0 keeps nothing, and a flat
    one has a decay length without bound. After training, of the replicates that solved the task,
    whose training stopped at the same criterion. Prediction: among replicates of one task and
    length, the share of pairs of a solver and a non-solver in which the solver's gradient at the
    start is the flatter one (AUC; 0.5 is chance), within a cell and over all cells; intervals
    resample seeds. A prediction over all cells that none of the cells shows says that cells differ,
    not that the slope matters.
    """

    name = "gradient_flow"
    steps = True
    probe = "gradient_flow"
    measures = ("kept_at_start", "kept_when_solved")
    untrained = ("kept_at_start",)
    settings: GradientFlowSettings = GradientFlowSettings()

    def members(self, sweep: Sweep) -> Iterator[Member]:
        return (m for m in sweep.every_length() if m.condition.T in self._lengths(sweep, m.task))

    def _lengths(self, sweep: Sweep, task: str) -> list[int]:
        """Those of a task that are measured: its shortest where all are longer."""
        lengths = next(list(t.lengths) for t in sweep.tasks if t.shown == task)
        return [T for T in lengths if T <= self.settings.longest] or lengths[:1]

    def probe_settings(self, sweep: Sweep) -> dict[str, object]:
        for cell in sweep.cells:
            if cell.network.get("layers", 1) > 1 or cell.network.get("bidirectional", False):
                raise BenchError(
                    f"gradient_flow: cell {cell.shown!r} has a network of several layers or both "
                    "directions; it measures one layer that reads forwards."
                )
        members = list(self.members(sweep))
        longest = {(m.task, m.cell): m.condition.id for m in members}  # lengths rise
        return {
            "batch": self.settings.batch,
            "exponents": self.settings.exponents,
            "length": self.settings.length,
            "trajectories": self.settings.trajectories,
            "conditions": {m.condition.id: m.condition.to_json() for m in members},
            "exponents_of": sorted(longest.values()) if self.settings.exponents else [],
            "runs": [[m.condition.id, block.name] for m in members for block in sweep.blocks()],
            "tasks": [task.name for task in sweep.tasks],
            "cells": [cell.name for cell in sweep.cells],
        }

    def table(self, evidence: Evidence) -> pd.DataFrame:
        """One row a task, cell, length and stage: what ten steps keep, and the decay length."""
        rows = []
        for about, group in groups(slopes_of(evidence), ["task", "cell", "T", "stage"]):
            at_end = about["stage"] == "end"
            used = group[group.solved] if at_end else group
            kept = used.kept.dropna().to_numpy()
            if not len(kept):
                continue
            row = {**about, "n": len(kept), "trained": int(group.judged.sum())}
            row |= {
                "solved": int(group.solved.sum()),
                **bounds("kept", np.clip(mean_interval(kept), 0, 1)),
            }
            rows.append(row)
        table = frame(rows, dict.fromkeys(["task", "cell", "T", "stage"], object) | {"n": int})
        return table.assign(
            **{
                f"decay_length{end}": decay_length(table[f"kept{end}"]) if len(table) else None
                for end in ("", "_low", "_high")
            }
        )

    def measured(self, evidence: Evidence) -> pd.DataFrame:
        """What ten steps keep of the norm of dL/dh, 10^(-10 |slope|), by length.

        kept_at_start      at the initial weights
        kept_when_solved   at the final weights of a replicate that solved the task
        """
        slopes = slopes_of(evidence)
        start = slopes[slopes.stage == "init"].set_index(KEYS).kept
        end = slopes[(slopes.stage == "end") & slopes.solved].set_index(KEYS).kept
        return pd.DataFrame({"kept_at_start": start, "kept_when_solved": end}).reset_index()

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        """One row a task and cell, and one a task for all cells: decay lengths and AUC."""
        judged = slopes_of(evidence)
        judged = judged[(judged.stage == "init") & judged.judged].dropna(subset=["value"])
        rows: list[dict[str, object]] = []
        for task in evidence.tasks:
            for cell in evidence.cells:
                here = table[(table.task == task) & (table.cell == cell) & (table.n > 0)]
                if len(here):
                    own = judged[(judged.task == task) & (judged.cell == cell)]
                    found = exponents(evidence, task, cell)
                    rows.append({**ends(task, cell, here), **found, **prediction(own)})
            if (judged.task == task).any():
                of_task = judged[judged.task == task]
                rows.append({"task": task, "cell": ALL, **prediction(of_task)})
        return pd.DataFrame(rows)

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        shown = {
            "task": summary.task,
            "cell": summary.cell,
            "T": told(summary.T_init, "{:.0f}", ""),
            "decay length at the start (steps)": spans(summary, "length_init", "{:.1f}", ""),
            "longest T it solves": told(summary.T_end, "{:.0f}", ""),
            "decay length there, after training": spans(summary, "length_end", "{:.1f}", ""),
            "AUC of a flat gradient": spans(summary, "auc", "{:.2f}", ""),
        }
        if summary.lyapunov.notna().any():
            shown["λ₁ at the start (decades a step)"] = told(summary.lyapunov, "{:.4f}", "")
            shown["largest singular value of J"] = told(summary.singular_value, "{:.2f}", "")
        return pd.DataFrame(shown)

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, object]:
        cells, across = summary[summary.cell != ALL], summary[summary.cell == ALL]
        clear = cells[(cells.auc_low > 0.5) | (cells.auc_high < 0.5)]
        ranks = ", ".join(across.task + " " + spans(across, "auc", "{:.2f}", "none"))
        ranks = ranks if across.auc.notna().any() else "not defined"
        return {
            "answer": f"{_finding(table)}. AUC of a flat gradient at the start for solving, over "
            f"all cells: {ranks}; within a cell it differs from chance in {len(clear)} of "
            f"{int(cells.auc.notna().sum())} comparisons (95 % each)."
        }

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """Decay length against T, before and after training, on the first tasks of the sweep."""
        first = list(dict.fromkeys(table.task))[:COLUMNS]
        return _decay(table[table.task.isin(first)], evidence)

    def supplement(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """All tasks, and below them the norms against lag and who solved what."""
        curves = curves_of(evidence)
        lag = Axis("lag (steps before the last output)")
        panels, few = [], "stage == 'end' and solved * 2 < n"
        for stage, when in WHEN.items():
            at = f"stage == '{stage}' and part =="
            curve = partial(Layer, "lag", look="curve", faded=few, rows=curves)
            panels.append(
                panel(
                    lag,
                    Axis(f"{when}: log10 of the norm, relative to lag 0", within=(-17, 6)),
                    curve(*QUARTILES, only=f"{at} 'h'"),
                    curve("decades", only=f"{at} 'c'", thin=True),
                    guides=(0.0,),
                    empty="no gradient is a finite number",
                )
            )
        outcomes = outcomes_of(evidence)
        longest = [*sorted(set(outcomes.longest) - {"none"}, reverse=True), "none"]
        panels.append(
            panel(
                Axis("longest T solved by a replicate", "names", names=longest),
                Axis("slope at the start (decades a step)"),
                Layer(
                    *("longest", "value"), look="points", hollow="longest == 'none'",
                    rows=outcomes,
                ),
                flipped=True,
            )
        )  # fmt: skip
        note = (
            "Decay lengths as in the figure, on all tasks. Norms: at the longest T measured, "
            "medians of all replicates with quartiles; thick lines dL/dh, thin lines dL/dc; faded: "
            "fewer than half solve it; a fall to -17: units that died. Slopes: one point a seed, "
            "at its longest T; hollow: it solved no length."
        )
        return _decay(table, evidence, panels, note)


def _decay(table: pd.DataFrame, evidence: Evidence, more: Iterable = (), note: str = "") -> Figure:
    length = Axis("sequence length T", "lengths")
    line = partial(Layer, "T", "T", name="decay length = T", look="curve", thin=True, size=0)
    panels = [
        panel(
            length,
            Axis(f"decay length {when} (steps)", "log", limits=SHOWN),
            Layer(
                *("T", "decay_length", "decay_length_low", "decay_length_high"),
                only=f"stage == '{stage}'", faded="stage == 'end' and solved * 2 < trained",
            ),
            line(only=f"stage == '{stage}'"),
            empty="no replicate solves it",
        )
        for stage, when in WHEN.items()
    ]  # fmt: skip
    note = note or (
        "Decay length: steps in which ||dL/dh|| changes by a factor e. n = {n} replicates a point, "
        "means with 95 % intervals; after training of those that solve the task, faded where they "
        "are fewer than half. The title has medians over the tasks shown."
    )
    finding = _finding(table)
    return figure(
        table[table.n > 0], [*panels, *more], evidence.cells, note, ["task"], "{task}",
        finding=finding,
    )  # fmt: skip


def _finding(table: pd.DataFrame) -> str:
    """The range of decay lengths at the longest T, before training and of those that solve it."""
    T = table[table.n > 0]["T"].max()
    at = table[(table["T"] == T) & (table.n > 0)]
    parts = []
    for stage, when in (("init", "at the start"), ("end", "where the task is solved")):
        rows = at[(at.stage == stage) & ((stage == "init") | (2 * at.solved >= at.trained))]
        lengths = rows.groupby("cell", sort=False).decay_length.median().sort_values()
        if len(lengths):
            ends = list(dict.fromkeys([lengths.index[0], lengths.index[-1]]))
            told = " to ".join(f"{_steps(lengths[cell])} ({cell})" for cell in ends)
            parts.append(f"{told} steps {when}")
    return f"At T = {T} gradients decay by a factor e over {', over '.join(parts)}"


def _steps(length: float) -> str:
    most = SHOWN[1]
    return f"over {most:.0f}" if length > most else f"{length:.{0 if length >= 10 else 1}f}"
