"""The figure of `sensitivity`: what a search is worth, what decides, and every trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lstm_bench.plotting.panels import abreast, cell_legend, cell_style, log_ticks, panels, say

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def sensitivity_figure(
    table: pd.DataFrame, searched: Sequence[str], cells: Sequence[str]
) -> Figure:
    """A row a task and length: expected best, importance, trials along the learning rate."""
    names = list(dict.fromkeys(zip(table.task, table["T"])))
    figure, grid = panels(len(names), 3, height=2.5)
    for row, (task, T) in zip(grid, names):
        own = table[(table.task == task) & (table["T"] == T)]
        _best(row[0], own[own.measure == "expected_best"], cells)
        _shares(row[1], own[own.measure == "importance"], searched, cells)
        _trials(row[2], own[own.measure == "trial"], cells)
        row[0].set_title(f"{task}, T = {T}: best of n")
        row[1].set_title("what decides")
        row[2].set_title("every trial")
        row[0].set_ylabel("way from the memoryless floor\nto a perfect answer")
    cell_legend(figure, grid[0, 0])
    n = sorted(set(table.n))
    figure.supxlabel(
        f"n = {n[0] if len(n) == 1 else f'{n[0]}-{n[-1]}'} trials a cell, the same for every cell, "
        "on tuning seeds; bands and bars: bootstrap 95 % intervals; faded: the forest explains\n"
        "less than a tenth of the variance out of bag; open: no seed of the trial solved the task",
        fontsize=7,
    )
    return figure


def _best(axes: Axes, rows: pd.DataFrame, cells: Sequence[str]) -> None:
    for cell in [c for c in cells if (rows.cell == c).any()]:
        group = rows[rows.cell == cell].sort_values("n_trials")
        style = cell_style(cell, cells)
        axes.plot(group.n_trials, group.value, label=cell, markersize=3, **style)
        axes.fill_between(
            group.n_trials, group.low, group.high, color=style["color"], alpha=0.13, linewidth=0
        )
    axes.set(xlabel="trials n", ylim=(-0.03, 1.03), xlim=(0.5, None))


def _shares(axes: Axes, rows: pd.DataFrame, searched: Sequence[str], cells: Sequence[str]) -> None:
    own = [c for c in cells if (rows.cell == c).any()]
    for place, cell in enumerate(own):
        group = rows[rows.cell == cell].set_index("of")
        at = np.arange(len(searched)) + abreast(place, len(own), 0.2)
        part = group.loc[list(searched)]
        error = np.clip(np.stack([part.value - part.low, part.high - part.value]), 0, None)
        weak = not part.explained.iloc[0] >= 0.1
        axes.errorbar(
            part.value, at, xerr=np.nan_to_num(error), elinewidth=0.8, markersize=4,
            alpha=0.35 if weak else 1, **{**cell_style(cell, cells), "linestyle": "none"},
        )  # fmt: skip
    if not rows.value.notna().any():
        say(axes, "all trials came\nequally far")
    axes.set_yticks(range(len(searched)), [name.replace("_", " ") for name in searched])
    axes.set_ylim(len(searched) - 0.5, -0.5)
    axes.set(xlabel="share of the variance (main effect)", xlim=(-0.03, 1.03))
    axes.tick_params(axis="y", length=0)


def _trials(axes: Axes, rows: pd.DataFrame, cells: Sequence[str]) -> None:
    for cell in [c for c in cells if (rows.cell == c).any()]:
        group = rows[rows.cell == cell]
        style = {**cell_style(cell, cells), "linestyle": "none", "markersize": 3.5}
        some = (group.solved_share > 0).to_numpy()
        axes.plot(group.learning_rate[some], group.value[some], alpha=0.8, **style)
        hollow = {**style, "markerfacecolor": "none", "alpha": 0.45}
        axes.plot(group.learning_rate[~some], group.value[~some], **hollow)
    axes.set(xscale="log", xlabel="learning rate", ylim=(-0.03, 1.03))
    log_ticks(axes.xaxis, narrow=10)
