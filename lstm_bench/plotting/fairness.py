"""The figure of `fairness`: what cells solve against the reference, at everything held equal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lstm_bench.plotting.panels import cell_legend, cell_style, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHORT = {"flops": "FLOPs\na step", "parameters": "para-\nmeters"}


def fairness_figure(table: pd.DataFrame, summary: pd.DataFrame, cells: Sequence[str]) -> Figure:
    """Differences over all tasks, and beside them the share of lengths solved on each."""
    tasks = list(dict.fromkeys(table.task))
    matched = list(dict.fromkeys(summary.matched))
    figure, grid = panels(1, 1 + len(tasks), height=2.5)
    _differences(grid[0, 0], summary, matched, cells)
    grid[0, 0].set_title("all tasks")
    grid[0, 0].set_ylabel(f"share of lengths solved,\nless that of {summary.reference.iloc[0]}")
    for axes, task in zip(grid[0, 1:], tasks):
        _shares(axes, table[table.task == task], matched, cells)
        axes.set_title(str(task))
    grid[0, 1].set_ylabel("share of lengths solved")
    for axes in grid[0]:
        axes.set_xticks(range(len(matched)), [SHORT.get(m, m) for m in matched])
        axes.set_xlim(-0.5, len(matched) - 0.5)
        axes.set_xlabel("held equal")
    cell_legend(figure, grid[0, 0])
    n = sorted(set(summary.n))
    lengths = ", ".join(str(T) for T in sorted(set(table["T"])))
    figure.supxlabel(
        f"n = {n[0] if len(n) == 1 else f'{n[0]}-{n[-1]}'} seeds, paired; bars: bootstrap 95 % "
        f"intervals; T = {lengths}. Letters: cells that share one at the same thing held equal\n"
        "are not told apart (sign flips, Holm). Time: runs at equal width, read at the update each "
        "cell reaches in equal computation",
        fontsize=7,
    )
    return figure


def _differences(
    axes: Axes, summary: pd.DataFrame, matched: list[str], cells: Sequence[str]
) -> None:
    own = [cell for cell in cells if (summary.cell == cell).any()]
    for place, cell in enumerate(own):
        rows = summary[summary.cell == cell].set_index("matched").loc[matched]
        at = np.arange(len(matched)) + 0.15 * (place - (len(own) - 1) / 2)
        error = np.stack([rows.difference - rows.low, rows.high - rows.difference])
        style = cell_style(cell, cells)
        axes.errorbar(
            at, rows.difference, yerr=np.nan_to_num(error), elinewidth=0.8, markersize=4,
            label=cell, **{**style, "linestyle": "none"},
        )  # fmt: skip
        top = rows.difference + np.nan_to_num(error[1])
        for x, y, letter in zip(at, top, rows.letters):
            axes.annotate(
                letter, (x, y), xytext=(0, 2), textcoords="offset points", ha="center",
                fontsize=5.5, color=style["color"],
            )  # fmt: skip
    axes.axhline(0, color="#666666", linewidth=0.8, zorder=0)


def _shares(axes: Axes, rows: pd.DataFrame, matched: list[str], cells: Sequence[str]) -> None:
    shares = rows.groupby(["matched", "cell"], sort=False).share.mean().unstack("cell").loc[matched]
    for cell in [cell for cell in cells if cell in shares]:
        axes.plot(range(len(matched)), shares[cell], markersize=4, **cell_style(cell, cells))
    axes.set_ylim(-0.04, 1.04)
