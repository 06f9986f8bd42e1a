"""On which sequences is the simpler cell the cheaper one?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import numpy as np
import pandas as pd

from lstm_bench import tasks
from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.runs import frame
from lstm_bench.experiments.settings import Cell, Positive, Samples, Settings
from lstm_bench.plotting.figure import LENGTH, Axis, Figure, Layer, figure, panel
from lstm_bench.stats.crossing import Ratio, crossing, paired_ratio
from lstm_bench.sweep import Choice, Member, Sweep

ENDS = ("ratio", "low", "high")

MEASURES = {"updates": "updates", "flops": "FLOPs", "seconds": "seconds"}
RATIO = ("ratio_at_shortest", "ratio_at_shortest_low", "ratio_at_shortest_high")
SUMMARY: Mapping[str, type] = {
    **dict.fromkeys(("task", "cell", "reference", "measure"), object),
    "n": int,
    **dict.fromkeys(("low", "high"), float),
    "shown": object,
    "shortest": int,
    **dict.fromkeys(RATIO, float),
    "longest": int,
    "ratio_at_longest": float,
}


@dataclass(frozen=True)
class CrossoverSettings(Settings):
    """Which cell is cheaper at which length."""

    lengths: Annotated[tuple[Positive, ...], "beyond those of the tasks"] = (5,)
    samples: Samples = 9
    reference: Annotated[Cell, "what to compare with; null takes the last cell"] = "lstm"


@dataclass(frozen=True)
class Crossover(Experiment):
    """On which sequences is a simpler cell the cheaper one?

    How many updates, floating-point operations and seconds does each cell need to solve a task,
    as a ratio to the reference cell, and from which length on is the reference cheaper?

    Ratio of updates to solve, cell over reference, a geometric mean over replicates paired by
    seed; one that never solved counts as its budget, so that a ratio where either cell solves
    less than half is a bound and drawn faded. Times FLOPs an update, or times seconds an update
    measured on a quiet machine, all cells on one backend, it is the ratio of FLOPs or seconds.
    The crossing lies between the last length before the first at which a ratio of 1 or more is
    plausible (95 % interval) and the one after the last at which 1 or less is, over lengths
    that either of both solves at least half the time. Learning rates were tuned for every cell
    alike.
    """

    name = "crossover"
    probe = "crossover"
    settings: CrossoverSettings = CrossoverSettings()

    def members(self, sweep: Sweep) -> Iterable[Member]:
        for task in sweep.tasks:
            for T in self._lengths(task):
                for cell in sweep.cells:
                    yield Member(task.shown, cell.shown, sweep.condition(task, T, cell))

    def _lengths(self, task: Choice) -> list[int]:
        """The task's lengths and those the crossover adds, as far as the task allows them."""
        extra = tasks.create(task.name, task.options).allowed(self.settings.lengths)
        return sorted({*task.lengths, *extra})

    def probe_settings(self, sweep: Sweep) -> dict[str, object]:
        return {
            "samples": self.settings.samples,
            "reference": self.settings.reference or sweep.cells[-1].shown,
            "batch": sweep.training.batch,
            "replicates": sweep.seed_block,
            "tasks": [
                {
                    "task": task.name,
                    "task_options": dict(task.options),
                    "shown": task.shown,
                    "lengths": self._lengths(task),
                    "cells": [
                        {
                            "name": cell.name,
                            "options": dict(cell.options),
                            "shown": cell.shown,
                            "width": sweep.width_of(task, cell),
                            "network": dict(cell.network),
                        }
                        for cell in sweep.cells
                    ],
                }
                for task in sweep.tasks
            ],
        }

    def table(self, evidence: Evidence) -> pd.DataFrame:
        return pd.DataFrame([row for row, _ in _compared(evidence)])

    def nothing(self, evidence: Evidence) -> str:
        if evidence.judged and evidence.probe is not None:
            reference = evidence.probe.reference.iloc[0]
            return f"No other cell has a replicate to compare with one of {reference}."
        return super().nothing(evidence)

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        """One row a task, cell and measure: from which T on the reference is cheaper."""
        pairs: dict[tuple[str, str], list[tuple[dict[str, Any], Ratio]]] = {}
        for row, ratio in _compared(evidence):
            if ratio is not None and max(row["solved"], row["reference_solved"]) * 2 >= row["n"]:
                pairs.setdefault((row["task"], row["cell"]), []).append((row, ratio))
        rows = []
        for (task, cell), known in pairs.items():
            for name in MEASURES:
                found = crossing(
                    [row["T"] for row, _ in known],
                    [ratio for _, ratio in known],
                    [row[f"{name}_factor"] for row, _ in known],
                )
                first, last = known[0][0], known[-1][0]
                rows.append(
                    {
                        "task": task,
                        "cell": cell,
                        "reference": first["reference"],
                        "measure": name,
                        "n": min(row["n"] for row, _ in known),
                        "low": found.low or np.nan,
                        "high": found.high if np.isfinite(found.high) else np.nan,
                        "shown": found.shown,
                        "shortest": first["T"],
                        **dict(zip(RATIO, (first[f"{name}_{end}"] for end in ENDS))),
                        "longest": last["T"],
                        "ratio_at_longest": last[f"{name}_ratio"],
                    }
                )
        return frame(rows, SUMMARY)

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        if summary.empty:
            return summary
        wide = summary.pivot_table(
            index=["task", "cell"], columns="measure", values="shown", aggfunc="first", sort=False
        )[list(MEASURES)]
        name = summary.reference.iloc[0]
        wide.columns = [f"{name} needs fewer {told} from T" for told in MEASURES.values()]
        return wide.reset_index()

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, Any]:
        if summary.empty:
            return {"answer": "No length is solved by two cells often enough to compare them."}
        reference, parts = summary.reference.iloc[0], []
        for task, group in summary.groupby("task", sort=False):
            own = group[group.measure == "seconds"]
            parts.append(f"{task}: " + ", ".join(f"{r.cell} {r.shown}" for r in own.itertuples()))
        backend = table.backend.dropna().iloc[0]
        return {
            "answer": f"{reference} takes fewer seconds to solve ({backend} backend for all) from "
            "these T on: " + "; ".join(parts) + "."
        }

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """What each cell needs as a ratio to the reference; a line where the ratio passes 1."""
        known = summary.dropna(subset=["low", "high"])
        ends = known.melt(["task", "cell", "measure"], ["low", "high"], value_name="T")
        bound, panels = "solved * 2 < n or reference_solved * 2 < n", []
        for name, told in MEASURES.items():
            ratio = (f"{name}_{end}" for end in ENDS)
            here = partial(Layer, y=1.0, only=f"measure == '{name}'")
            layers = (
                Layer("T", *ratio, faded=bound),
                here("T", look="curve", rows=ends),
            )
            label = f"{told} to solve, ratio to {{reference}}"
            panels.append(panel(LENGTH, Axis(label, "log"), *layers, guides=(1.0,)))
        note = (
            "n = {n} replicates a point, paired by seed, 95 % bootstrap intervals. Above 1: "
            "{reference} is the cheaper one; faded: a bound, since one of both solves less than "
            "half. Lines at 1: between these lengths it flips. Seconds: quiet machine, all cells "
            "on the backend “{backend}”, {device}."
        )
        return figure(table[table.n > 0], panels, evidence.cells, note, ["task"], "{task}")


def _compared(evidence: Evidence) -> list[tuple[dict[str, Any], Ratio | None]]:
    """A row for every cell but the reference, task and T, with its ratio of updates."""
    assert evidence.probe is not None
    judged = evidence.runs[evidence.runs.judged]
    if judged.empty:
        return []
    every = dict(iter(judged.groupby(["task", "cell", "T"], sort=False)))
    reference = str(evidence.probe.reference.iloc[0])
    speed = evidence.probe.set_index(["task_label", "cell", "T"])
    found: list[tuple[dict[str, Any], Ratio | None]] = []
    for (task, cell, T), group in every.items():
        other = every.get((task, reference, T))
        if cell == reference or other is None:
            continue
        both = group.merge(other, on="seed", suffixes=("", "_reference"))
        ratio = paired_ratio(both.updates, both.updates_reference) if len(both) else None
        here, there = speed.loc[(task, cell, T)], speed.loc[(task, reference, T)]
        factors = {
            "updates": 1.0,
            "flops": here.flops_per_update / there.flops_per_update,
            "seconds": here.update_seconds / there.update_seconds,
        }
        row: dict[str, Any] = {
            "task": task,
            "cell": cell,
            "T": T,
            "reference": reference,
            "n": len(both),
            "solved": int(both.solved.sum()),
            "reference_solved": int(both.solved_reference.sum()),
            "backend": here.backend,
            "device": here.device,
        }
        for name, factor in factors.items():
            row[f"{name}_factor"] = factor
            ends = (ratio.value, ratio.low, ratio.high) if ratio else [float("nan")] * 3
            for end, value in zip(ENDS, ends):
                row[f"{name}_{end}"] = value * factor
        found.append((row, ratio))
    return found
