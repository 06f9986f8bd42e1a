"""The figure of `crossover`: what cells need as a ratio to the reference, against length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lstm_bench.plotting.panels import cell_legend, cell_style, log_lengths, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def crossover_figure(
    table: pd.DataFrame,
    summary: pd.DataFrame,
    measures: Mapping[str, str],
    tasks: Sequence[str],
    cells: Sequence[str],
) -> Figure:
    """A row a measure (its column and its words), a column a task; triangles where it flips."""
    names = [task for task in tasks if (table.task == task).any()]
    figure, grid = panels(3, len(names), height=1.8)
    for column, task in enumerate(names):
        grid[0, column].set_title(str(task))
        for row, name in enumerate(measures):
            _ratios(grid[row, column], table[table.task == task], name, cells)
            crossed = summary[(summary.task == task) & (summary.measure == name)]
            _crossings(grid[row, column], crossed, cells)
        grid[2, column].set_xlabel("sequence length T")
    first = table.iloc[0]
    for row, told in enumerate(measures.values()):
        grid[row, 0].set_ylabel(f"{told} to solve,\nratio to {first.reference}")
    cell_legend(figure, grid[0, 0])
    figure.supxlabel(
        f"n = {table.n.max()} replicates a point, paired by seed, 95 % bootstrap intervals. "
        f"Above 1: {first.reference} is the cheaper one; faded: a bound, since one of\nboth "
        "solves less than half. Triangles: where it flips, with interval. Seconds: quiet "
        f"machine, all cells on the backend “{first.backend}”, {first.device}.",
        fontsize=7,
    )
    return figure


def _ratios(axes: Axes, rows: pd.DataFrame, name: str, cells: Sequence[str]) -> None:
    for cell in cells:
        group = rows[(rows.cell == cell) & (rows.n > 0)].sort_values("T")
        if group.empty:
            continue
        style = cell_style(cell, cells)
        axes.plot(group["T"], group[f"{name}_ratio"], alpha=0.3, **{**style, "marker": None})
        both = group[["solved", "reference_solved"]].min(axis=1) * 2 >= group.n
        for clear, alpha in ((True, 1.0), (False, 0.3)):
            part = group[both == clear]
            middle = part[f"{name}_ratio"].to_numpy()
            bounds = part[[f"{name}_low", f"{name}_high"]].to_numpy().T
            axes.errorbar(
                part["T"], middle, yerr=np.nan_to_num(np.abs(bounds - middle)), elinewidth=0.7,
                markersize=4, alpha=alpha, label=cell if clear else None,
                **{**style, "linestyle": ""},
            )  # fmt: skip
    axes.axhline(1, color="#666666", linewidth=0.8, zorder=0)
    axes.set_yscale("log")
    log_lengths(axes, rows["T"].tolist())
    low, high = axes.get_ylim()
    ticks = [r for d in range(-4, 5) for r in (10**d, 2 * 10**d, 5 * 10**d) if low <= r <= high]
    axes.set_yticks(
        ticks[:: 1 + len(ticks) // 7], [f"{r:g}" for r in ticks[:: 1 + len(ticks) // 7]]
    )


def _crossings(axes: Axes, crossed: pd.DataFrame, cells: Sequence[str]) -> None:
    for row in crossed[crossed.censored.isna() | (crossed.censored == "")].itertuples():
        colour = cell_style(str(row.cell), cells)["color"]
        axes.plot([row.from_T], [1], marker=6, markersize=6, color=colour, zorder=5, clip_on=False)
        if np.isfinite(row.low):
            axes.plot([row.low, row.high], [1, 1], color=colour, linewidth=2.4, alpha=0.5)
