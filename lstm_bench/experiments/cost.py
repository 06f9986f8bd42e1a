"""What does each cell cost?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import pandas as pd

from lstm_bench import tasks
from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.settings import Length, Lengths, Samples, Settings, Widths
from lstm_bench.plotting.figure import LENGTH, Axis, Figure, Layer, figure, panel
from lstm_bench.stats.timing import exponent
from lstm_bench.sweep import Choice, Sweep

SWEEP_TASK = Choice("adding")


@dataclass(frozen=True)
class CostSettings(Settings):
    """What is measured, on a machine that runs nothing else meanwhile."""

    lengths: Annotated[Lengths, "at `width` above"] = (10, 20, 50, 100, 200, 500)
    widths: Annotated[Widths, "at `length`"] = (8, 16, 32, 64, 128)
    length: Length = 50
    samples: Samples = 9


@dataclass(frozen=True)
class Cost(Experiment):
    """What does each cell cost?

    How many parameters and floating-point operations, how much time for an update and how much
    memory does each cell need, against sequence length and width?

    One update (forward, backward, clipping, optimiser) of a replicate batch on the adding task, one
    thread, nothing else running, samples of the cells interleaved after a warm-up. Times are
    the median over samples of one replicate's share, with quartiles. Peak memory is what the
    tensors of an update of the whole replicate batch take at their peak. FLOPs count matrix
    products: twice the weights a step, times three for forward and backward.
    """

    name = "cost"
    probe = "cost"
    settings: CostSettings = CostSettings()

    def probe_settings(self, sweep: Sweep) -> dict[str, object]:
        learnt = tasks.create(SWEEP_TASK.name)
        for T in (*self.settings.lengths, self.settings.length):
            learnt.require(T)
        return {
            **vars(self.settings),
            "task": SWEEP_TASK.name,
            "cells": [_cell(sweep, cell, self.settings.length) for cell in sweep.cells],
            "width": sweep.width if isinstance(sweep.width, int) else None,
            "batch": sweep.training.batch,
            "replicates": sweep.seed_block,
        }

    def table(self, evidence: Evidence) -> pd.DataFrame:
        assert evidence.probe is not None
        table = evidence.probe.copy()
        table["gflops_per_second"] = table.flops_per_update / table.update_seconds / 1e9
        return table.sort_values(["T", "width"], kind="stable").reset_index(drop=True)

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        """At the width of the sweep and its longest measured T, against the cheapest cell."""
        along = table[table.along_T]
        at = along[along["T"] == along["T"].max()].copy()
        for column in ("parameters", "flops_per_update", "update_seconds", "peak_memory_bytes"):
            at[f"{column}_ratio"] = at[column] / at[column].min()
        at["exponent_of_T"] = [_exponent(along[along.cell == cell]) for cell in at.cell]
        return at.sort_values("update_seconds")

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        """Each quantity with how many times the cheapest cell's it is."""
        mebibytes = summary.peak_memory_bytes / 2**20
        return pd.DataFrame(
            {
                "cell": summary.cell,
                "parameters": _times(summary, "parameters", summary.parameters.map("{:,}".format)),
                "MFLOP per update": _times(
                    summary,
                    "flops_per_update",
                    (summary.flops_per_update / 1e6).map("{:.0f}".format),
                ),
                "ms per update": _times(
                    summary, "update_seconds", (1e3 * summary.update_seconds).map("{:.2f}".format)
                ),
                "peak MiB": _times(summary, "peak_memory_bytes", mebibytes.map("{:.1f}".format)),
                "GFLOP/s": summary.gflops_per_second,
                "time grows as T to the": summary.exponent_of_T,
                "backend": summary.backend,
            }
        )

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, object]:
        row = summary.iloc[0]
        told = ", ".join(
            f"{each.cell} {1e3 * each.update_seconds:.2f} ms and {each.parameters} parameters"
            for each in summary.itertuples()
        )
        return {
            "answer": f"One update at T={row['T']:.0f}, {_widths(summary)}, "
            f"batch {row.batch:.0f}, for one replicate: {told}."
        }

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        time = Axis("ms per update and replicate", "log")
        memory = Axis("peak memory of a replicate batch's update (MiB)", "log")
        width, along = Axis("width (hidden units)", "lengths"), table[table.along_T]
        taken = [f"1000 * {name}_seconds" for name in ("update", "low", "high")]
        peak, wide = "peak_memory_bytes / 2**20", partial(Layer, "width", only="along_width")
        panels = [
            panel(LENGTH, time, Layer("T", *taken, rows=along), title=f"at {_widths(along)}"),
            panel(width, time, wide(*taken), title="at T = {T}"),
            panel(LENGTH, memory, Layer("T", peak, rows=along)),
            panel(width, Axis("parameters", "log"), wide("parameters")),
        ]
        note = (
            "median and quartiles of {samples} samples; batch {batch}, {replicates} replicates "
            "side by side, one thread, {device}"
        )
        return figure(table, panels, evidence.cells, note, finding=finding(summary, evidence.cells))


def finding(summary: pd.DataFrame, cells: Sequence[str]) -> str:
    """Operations and time of the dearest cell, in those of the one that takes the fewest.

    Of several, the first in the order of `cells`: an option of the start changes no count.
    """
    by_cell = summary.set_index("cell")
    by_cell = by_cell.loc[[cell for cell in cells if cell in by_cell.index]]
    flops = by_cell.flops_per_update.astype(float)
    least, most = by_cell.loc[flops.idxmin()], by_cell.loc[flops.idxmax()]
    told = f"An update of {most.name} at T = {most['T']:.0f}"
    if most.name == least.name:
        return f"{told} takes {most.flops_per_update / 1e6:.0f} million operations"
    return (
        f"{told} takes {most.flops_per_update / least.flops_per_update:.2g} times the operations "
        f"of {least.name} and {most.update_seconds / least.update_seconds:.2g} times its time"
    )


def _cell(sweep: Sweep, cell: Choice, T: int) -> dict[str, object]:
    """What the probe is told of a cell: its width and network where they are not the sweep's."""
    told: dict[str, object] = {
        "name": cell.name,
        "options": cell.at(T),
        "shown": cell.shown,
    }
    width = sweep.width_of(SWEEP_TASK, cell)
    own = {"width": width if width != sweep.width else None, "network": dict(cell.network)}
    return told | {key: value for key, value in own.items() if value}


def _widths(rows: pd.DataFrame) -> str:
    """`width 32`, or a word where the cells differ."""
    widths = sorted(set(rows.width))
    return f"width {widths[0]:.0f}" if len(widths) == 1 else "each cell's own width"


def _times(summary: pd.DataFrame, column: str, told: pd.Series) -> pd.Series:
    """`4,513 (28×)`."""
    return told + " (" + summary[f"{column}_ratio"].map("{:.3g}×".format) + ")"


def _exponent(rows: pd.DataFrame) -> float:
    return exponent(rows["T"], rows.update_seconds)
