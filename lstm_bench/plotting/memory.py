"""The figure of `selective_memory`: a trace, AUCs, memory curves and clamped gates, by task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lstm_bench.plotting.panels import abreast, cell_style, panels, place_legend, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

KINDS = ("trained", "shuffled", "untrained")
GATES = ("f", "i", "o", "z", "r")


def memory_figure(
    table: pd.DataFrame, probe: pd.DataFrame, runs: pd.DataFrame, cells: Sequence[str]
) -> Figure:
    """Four rows of panels, a column a task."""
    tasks = list(dict.fromkeys(table.task))
    figure, grid = panels(4, len(tasks), height=1.85)
    for column, task in enumerate(tasks):
        rows = table[table.task == task]
        _trace(grid[0, column], probe, runs[runs.task == task], cells)
        _aucs(grid[1, column], rows, cells)
        _memory(grid[2, column], rows, cells)
        _clamps(grid[3, column], rows, cells)
        grid[0, column].set_title(f"{task}, T = {rows['T'].iloc[0]}")
    labels = (
        "mean gate, one sequence\n(i or 1 – z; faded: f or z)",
        "AUC of the gate\nthat writes",
        "R² of an input\nread from the state",
        "loss / memoryless\nfloor, gate clamped",
    )
    for row, label in enumerate(labels):
        grid[row, 0].set_ylabel(label)
    _legend(figure, table, cells)
    solved = table[table.who == "solved"]
    counts = sorted(set(solved.n)) if len(solved) else [0]
    n = "-".join(map(str, sorted({counts[0], counts[-1]})))
    figure.supxlabel(
        f"n = {n} replicates that solved the task (faded: none did, all "
        "trained ones); bars: Student's 95 % intervals; thin lines: untrained",
        fontsize=7,
    )
    return figure


def _legend(figure: Figure, table: pd.DataFrame, cells: Sequence[str]) -> None:
    from matplotlib.lines import Line2D

    handles = []
    for cell in [c for c in cells if (table.cell == c).any()]:
        handles.append(Line2D([], [], label=cell, **cell_style(cell, cells)))
    place_legend(figure, handles, [str(handle.get_label()) for handle in handles])


def _series(cell: str, cells: Sequence[str]) -> dict[str, Any]:
    """The look of a cell and its name, for `figure.csv` and not for the legend."""
    return {**cell_style(cell, cells), "label": f"_{cell}"}


def _trace(axes: Axes, probe: pd.DataFrame, runs: pd.DataFrame, cells: Sequence[str]) -> None:
    """The gate that writes, and faded the one that keeps, of each cell's first solved replicate."""
    solved = runs.loc[runs.solved, ["condition", "seed", "cell"]]
    traces = probe[probe.measure == "trace"].merge(solved)
    for cell in cells:
        own = traces[traces.cell == cell]
        if own.empty:
            continue
        first = own[own.seed == own.seed.min()]
        style = {**_series(cell, cells), "marker": None}
        for gate, alpha in (("write", 1.0), ("keep", 0.3)):
            at = first[first.gate == gate].sort_values("lag")
            axes.plot(at.lag, at.value, alpha=alpha, **style)
        for step in first[(first.gate == "write") & (first.of == "relevant")].lag:
            axes.axvspan(step - 0.5, step + 0.5, color="#e8dfc0", linewidth=0, zorder=0)
    axes.set(ylim=(-0.03, 1.03), xlabel="step (shaded: it matters)")
    if traces.empty:
        axes.set_xticks([])
        say(axes, "no gated cell solved it")


def _aucs(axes: Axes, rows: pd.DataFrame, cells: Sequence[str]) -> None:
    aucs = rows[rows.measure == "auc"]
    own = [c for c in cells if (aucs.cell == c).any()]
    for place, cell in enumerate(own):
        group = aucs[aucs.cell == cell].set_index("of").loc[list(KINDS)]
        at = np.arange(len(KINDS)) + abreast(place, len(own), 0.14)
        _points(axes, at, group, {**_series(cell, cells), "linestyle": "none"})
    axes.axhline(0.5, color="#999999", linewidth=0.7, zorder=0)
    axes.set_xticks(range(len(KINDS)), ["trained", "other\nsequence", "untrained"])
    axes.set(ylim=(-0.03, 1.03), xlim=(-0.5, len(KINDS) - 0.5))


def _memory(axes: Axes, rows: pd.DataFrame, cells: Sequence[str]) -> None:
    """Solid: the last input that matters; open, dotted: those that do not; thin: untrained."""
    curves = rows[rows.measure == "memory"]
    lags = sorted(set(curves.lag))
    for cell in [c for c in cells if (curves.cell == c).any()]:
        own = curves[curves.cell == cell]
        start = own[own.of == "untrained"].sort_values("lag")
        plain = {**_series(cell, cells), "marker": None, "linestyle": "-"}
        places = [lags.index(lag) for lag in start.lag]
        axes.plot(places, start["mean"], linewidth=0.7, alpha=0.6, **plain)
        for of, dash in (("relevant", "-"), ("irrelevant", ":")):
            group = own[own.of == of].sort_values("lag")
            at = np.array([lags.index(lag) for lag in group.lag])
            style = {**_series(cell, cells), "linestyle": dash}
            if of == "irrelevant":
                style["markerfacecolor"] = "white"
            _points(axes, at, group, style)
    axes.axhline(0, color="#999999", linewidth=0.7, zorder=0)
    axes.set_xticks(range(len(lags)), [str(lag) for lag in lags])
    axes.set(ylim=(-0.15, 1.05), xlabel="steps ago (open: irrelevant)")


def _clamps(axes: Axes, rows: pd.DataFrame, cells: Sequence[str]) -> None:
    losses = rows[rows.measure == "loss"]
    gates = [g for g in ("none", *GATES) if (losses.gate == g).any()]
    own = [c for c in cells if (losses[losses.gate != "none"].cell == c).any()]
    for place, cell in enumerate(own):
        group = losses[losses.cell == cell]
        at = np.array([gates.index(g) for g in group.gate])
        at = at + abreast(place, len(own), 0.14)
        _points(axes, at, group, {**_series(cell, cells), "linestyle": "none"})
    axes.axhline(1, color="#999999", linewidth=0.7, zorder=0)
    axes.set_xticks(range(len(gates)), gates)
    axes.set(xlim=(-0.5, len(gates) - 0.5), xlabel="gate held at its mean")
    axes.set_yscale("symlog", linthresh=0.01)
    axes.set_ylim(0, 2 * np.nanmax([1, *losses.high, *losses["mean"]]))


def _points(axes: Axes, at: np.ndarray, group: pd.DataFrame, style: dict) -> None:
    faded = bool((group.who != "solved").any())
    error = np.stack([group["mean"] - group.low, group.high - group["mean"]])
    axes.errorbar(
        at, group["mean"], yerr=np.nan_to_num(error), elinewidth=0.7, markersize=3.5,
        alpha=0.3 if faded else 1, **style,
    )  # fmt: skip
