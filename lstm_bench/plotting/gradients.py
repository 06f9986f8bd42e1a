"""The figure of `gradient_flow`: norms against lag at each stage, and slopes against outcomes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lstm_bench.plotting.panels import cell_legend, cell_style, panels, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def gradient_figure(
    table: pd.DataFrame, judged: pd.DataFrame, tasks: Sequence[str], cells: Sequence[str]
) -> Figure:
    """A row a stage and one of outcomes, a column a task.

    judged   the runs of the sweep, with the `slope` of their initial weights
    """
    shown = [task for task in tasks if (table.task == task).any()]
    stages = list(dict.fromkeys(table.stage))
    ordered = sorted(stages, key=lambda stage: {"init": 0, "end": 2}.get(stage, 1))
    figure, grid = panels(len(ordered) + 1, len(shown), height=1.75)
    for column, task in enumerate(shown):
        for row, stage in enumerate(ordered):
            at = table[(table.task == task) & (table.stage == stage)]
            _curves(grid[row, column], at, cells, stage)
        grid[0, column].set_title(f"{task}, T = {at['T'].iloc[0]}")
        _outcomes(grid[-1, column], judged[judged.task == task], cells)
        grid[len(ordered) - 1, column].set_xlabel("lag (steps before the last output)")
    names = {"init": "at the start", "end": "at the end"}
    for row, stage in enumerate(ordered):
        name = names.get(stage, f"after {stage}")
        grid[row, 0].set_ylabel(f"{name}\nlog10 of the norm,\nrelative to lag 0")
    grid[-1, 0].set_ylabel("longest T solved\nby a replicate")
    cell_legend(figure, grid[0, 0])
    n = sorted(set(table.n))
    figure.supxlabel(
        f"n = {'-'.join(map(str, sorted({n[0], n[-1]})))} replicates, medians with quartiles. "
        "Thick lines: dL/dh, thin lines: dL/dc. At the end, faded: fewer than half solved it.\n"
        "Bottom: one point a seed; hollow: it solved no length. "
        "A line that ends in a fall to -17: units that died.",
        fontsize=7,
    )
    return figure


def _curves(axes: Axes, at: pd.DataFrame, cells: Sequence[str], stage: str) -> None:
    for cell in cells:
        style = {**cell_style(cell, cells), "marker": None}
        for part, width in (("h", 1.6), ("c", 0.7)):
            rows = at[(at.cell == cell) & (at.part == part)].sort_values("lag")
            if rows.empty:
                continue
            faded = stage == "end" and rows.solved.iloc[0] * 2 < rows.n.iloc[0]
            alpha = 0.3 if faded else 1.0
            label = cell if part == "h" else None
            axes.plot(
                rows.lag, rows.decades, label=label, alpha=alpha, **{**style, "linewidth": width}
            )
            if part == "h":
                axes.fill_between(
                    rows.lag, rows.lower_quartile, rows.upper_quartile, color=style["color"],
                    alpha=0.15 * alpha, linewidth=0,
                )  # fmt: skip
    axes.axhline(0, color="#999999", linewidth=0.7, zorder=0)
    if not at.decades.notna().any():
        axes.set(xticks=[], yticks=[])
        say(axes, "no gradient is a finite number")
    axes.set_ylim(bottom=max(-17, axes.get_ylim()[0]), top=min(6, axes.get_ylim()[1]))


def _outcomes(axes: Axes, rows: pd.DataFrame, cells: Sequence[str]) -> None:
    lengths = [0, *sorted(set(rows["T"]))]
    for place, cell in enumerate(cells):
        own = rows[rows.cell == cell]
        if own.empty:
            continue
        style = cell_style(cell, cells)
        best = own[own.solved].groupby("seed")["T"].max()
        slope = own.groupby("seed").slope.first()
        reached = best.reindex(slope.index).fillna(0).to_numpy()
        shift = 0.6 * ((place + 0.5) / len(cells) - 0.5)
        height = np.array([lengths.index(T) for T in reached]) + shift
        for solved in (True, False):
            shown = (reached > 0) == solved
            axes.plot(
                slope[shown], height[shown], linestyle="", marker=style["marker"], markersize=4,
                color=style["color"], alpha=0.75 if solved else 0.4,
                markerfacecolor=style["color"] if solved else "none",
            )  # fmt: skip
    axes.set_yticks(range(len(lengths)), ["none", *map(str, lengths[1:])])
    axes.set_ylim(-0.5, len(lengths) - 0.5)
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel("slope at the start\n(decades a step)")
