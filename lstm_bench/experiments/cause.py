"""What makes gated networks remember longer: the gates, their start, the gradient, the learning?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd

from lstm_bench import tasks
from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.cause_contrasts import USUAL, changed, table_of
from lstm_bench.experiments.runs import counted, groups
from lstm_bench.experiments.settings import Lengths, Positive, Settings
from lstm_bench.experiments.words import listed, spans
from lstm_bench.plotting.figure import Axis, Figure, Layer, Panel, figure, panel
from lstm_bench.stats.means import mean_interval
from lstm_bench.sweep import Choice, Member, Sweep

TITLES = {
    "optimiser": "SGD in place of Adam",
    "start": "another start",
    "curriculum": "lengths in turn",
    "gradient": "slope of the gradient set",
}
OPTIONS = ("chrono", "recurrent_init")  # of a cell, which are starts
SLOPES = ("slope", "slope_set")  # as it is, and as training sees it


@dataclass(frozen=True)
class CauseSettings(Settings):
    """Where the slope of dL/dh is measured of networks that are trained with another one."""

    slopes_at: Annotated[Lengths, "lengths T, of those that the sweep has"] = (20,)
    batch: Annotated[Positive, "sequences a norm is taken over"] = 32


@dataclass(frozen=True)
class Cause(Experiment):
    """What makes a network remember longer?

    How does the longest length solved change with the optimiser, with the start of the weights,
    with a curriculum of lengths and with the slope of the gradient through time, in networks with
    gates and without?

    Every arm climbs the lengths of every task. Arms that differ in one factor alone (and each takes
    a learning rate of its own) are compared seed by seed: the difference of log2 of the longest
    length that a seed solves with all shorter ones, in doublings, with bootstrap 95 % intervals of
    the mean. With gates and without, two values of a factor make a 2 x 2 with main effects and
    interaction. A curriculum has the same budget as the arm beside it, in equal shares. The slope
    of the gradient is an intervention: the norm of dL/dh_t, of a replicate over its batch, is set
    to that at the last target step times a number for each step between; 1 keeps it, 0.9 is about
    the slope of an Elman network at its start, 0.74 that of a GRU. It is trained on tasks whose
    answers come at the end. That it does what it says is measured: slopes of log10 ||dL/dh||
    against the lag, as they are and as training sees them.
    """

    name = "cause"
    probe = "gradient_flow"
    steps = True
    shared = ("curriculum",)  # at the shortest length there is none before
    measures = ("changed_by_optimiser", "changed_by_start")
    settings: CauseSettings = CauseSettings()

    def members(self, sweep: Sweep) -> Iterator[Member]:
        for task in sweep.tasks:
            cells = [cell for cell in sweep.cells if _sets_gradient(sweep, cell) is None]
            if answers_at_end(task):
                cells = list(sweep.cells)
            for member in sweep.members([task], cells):
                cell = next(each for each in cells if each.shown == member.cell)
                yield Member(member.task, member.cell, member.condition, _factors(sweep, cell))

    def probe_settings(self, sweep: Sweep) -> dict[str, object]:
        """Of the arms whose gradient is set, at the lengths of `slopes_at`."""
        cells = [cell.shown for cell in sweep.cells if _sets_gradient(sweep, cell) is not None]
        lengths = self.settings.slopes_at
        found = [m for m in self.members(sweep) if m.cell in cells and m.condition.T in lengths]
        return {
            "batch": self.settings.batch,
            "conditions": {m.condition.id: m.condition.to_json() for m in found},
            "exponents_of": [],
            "runs": [[m.condition.id, block.name] for m in found for block in sweep.blocks()],
            "tasks": sorted({m.condition.task for m in found}),
            "cells": sorted({m.condition.cell for m in found}),
        }

    def table(self, evidence: Evidence) -> pd.DataFrame:
        return table_of(counted(evidence.runs))

    def nothing(self, evidence: Evidence) -> str:
        if not evidence.judged:
            return super().nothing(evidence)
        return "No two cells of this sweep differ in start, optimiser, curriculum or slope alone."

    def measured(self, evidence: Evidence) -> pd.DataFrame:
        """What a factor changes, in doublings, under the arm that has its usual value."""
        rows = [
            changed(counted(evidence.runs), factor).rename(
                columns={"value": f"changed_by_{factor}"}
            )
            for factor in ("optimiser", "start")
        ]
        return pd.concat(rows, ignore_index=True)

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        return table

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        """One row a contrast, one column a task."""
        shown = summary.assign(told=spans(summary, "doublings", "{:+.1f}"))
        wide = shown.pivot_table(
            index=["factor", "cell", "against"],
            columns="task",
            values="told",
            aggfunc="first",
            sort=False,
        )
        return wide.reset_index().fillna("–")

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, object]:
        parts = [
            f"{about['factor']}: {about['cell']} against {about['against']} {ways(group)}"
            for about, group in groups(table, ["factor", "cell", "against"])
        ]
        return {"answer": listed("Longest length solved, by tasks that are sure", parts)}

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """Changes by task, a panel a factor, and the slopes that training saw."""
        series = {cell: place for place, cell in enumerate(dict.fromkeys(table.cell))}
        panels = [
            self._panel(table[table.factor == factor], title)
            for factor, title in TITLES.items()
            if (table.factor == factor).any()
        ]
        slopes = slopes_of(evidence)
        if len(slopes):
            panels.append(_control(slopes))
        note = (
            "n = {n} seeds; bars: 95 % intervals of the mean. Last panel: slope of log10 ||dL/dh|| "
            "at the start, hollow as it is, filled as training sees it."
        )
        return figure(table, panels, series, note, finding=_finding(table))

    def _panel(self, rows: pd.DataFrame, title: str) -> Panel:
        return panel(
            Axis("", "names", names=list(dict.fromkeys(rows.task))),
            Axis("longest length solved, change in doublings"),
            Layer("task", "doublings", "doublings_low", "doublings_high", look="points", rows=rows),
            guides=(0.0,),
            title=title,
            flipped=True,
        )


def answers_at_end(task: Choice) -> bool:
    """Whether all target steps of a task come at the end, so that lags are those to the answer."""
    T = task.lengths[0]
    return tasks.create(task.name, dict(task.options)).target_steps(T)[0] >= T - 1


def _sets_gradient(sweep: Sweep, cell: Choice) -> float | None:
    decay: float | None = cell.own.get("training", {}).get(
        "gradient_decay", sweep.training.gradient_decay
    )
    return decay


def _factors(sweep: Sweep, cell: Choice) -> dict[str, Any]:
    """What an arm is, beyond its task and length."""
    own, decay = cell.own.get("training", {}), _sets_gradient(sweep, cell)
    starts = [f"{key} {value}" for key, value in cell.options.items() if key in OPTIONS]
    others = sorted(f"{k}={v}" for k, v in cell.options.items() if k not in OPTIONS)
    return {
        "equations": ", ".join([cell.name, *others]),
        "start": ", ".join(starts) or USUAL["start"],
        "optimiser": own.get("optimiser", sweep.training.optimiser),
        "curriculum": bool(own.get("curriculum", sweep.training.curriculum)),
        "gradient": USUAL["gradient"] if decay is None else f"x {decay:g} a step",
    }


def ways(rows: pd.DataFrame) -> str:
    """`further on 3, less far on 1 of 5`: tasks whose interval lies on one side of no change."""
    up, down = int((rows.doublings_low > 0).sum()), int((rows.doublings_high < 0).sum())
    return f"further on {up}, less far on {down} of {len(rows)}"


def slopes_of(evidence: Evidence) -> pd.DataFrame:
    """Mean slope of log10 ||dL/dh||, decades a step, by arm, stage and what is measured."""
    if evidence.probe is None or evidence.probe.empty:
        return pd.DataFrame()
    labels = evidence.runs[["condition", "cell"]].drop_duplicates()
    rows = evidence.probe[evidence.probe.measure.isin(SLOPES)].merge(labels, on="condition")
    rows = rows[(rows.part == "h") & np.isfinite(rows.value)]
    found = []
    for about, group in groups(rows, ["cell", "stage", "measure"]):
        mean, low, high = mean_interval(group.value)
        found.append({**about, "slope": mean, "low": low, "high": high, "n": len(group)})
    return pd.DataFrame(found)


def _control(slopes: pd.DataFrame) -> Panel:
    return panel(
        Axis("", "names", names=list(dict.fromkeys(slopes.cell))),
        Axis("decades in ten steps"),
        *(
            Layer(
                "cell",
                "10 * slope",
                "10 * low",
                "10 * high",
                look="points",
                rows=slopes[(slopes.measure == measure) & (slopes.stage == "init")],
                hollow=measure == "slope",
            )
            for measure in SLOPES
        ),
        guides=(0.0,),
        title="control: the slope of the gradient",
        flipped=True,
    )


def _finding(table: pd.DataFrame) -> str:
    """What an intervention on the gradient does, where there is one, else the first factor."""
    factors = list(dict.fromkeys(table.factor))
    shown = "gradient" if "gradient" in factors else factors[0]
    rows = table[table.factor == shown]
    told = [f"{cell} {ways(group)}" for cell, group in rows.groupby("cell", sort=False)]
    return f"{TITLES.get(shown, shown).capitalize()}: {'; '.join(told)} tasks"
