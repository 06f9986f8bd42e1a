"""The figure of `fairness`: what cells solve against the reference, at everything held equal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lstm_bench.plotting.panels import DOUBLE, abreast, cell_legend, cell_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHORT = {"flops": "FLOPs a step", "time": "computing time"}


def fairness_figure(table: pd.DataFrame, summary: pd.DataFrame, cells: Sequence[str]) -> Figure:
    """Differences to the reference, a panel for all tasks together and one for each."""
    import matplotlib.pyplot as plt

    tasks = list(dict.fromkeys(summary.task))
    tasks = tasks if len(tasks) > 2 else tasks[:1]  # one task is all of them
    matched = list(dict.fromkeys(summary.matched))
    size = (DOUBLE, 0.9 + 1.5 * len(tasks))
    figure, grid = plt.subplots(len(tasks), 1, figsize=size, squeeze=False, sharex=True)
    for axes, task in zip(grid[:, 0], tasks):
        _differences(axes, summary[summary.task == task], matched, cells)
        axes.set_title(str(task))
    figure.supylabel(
        f"share of lengths solved, less that of {summary.reference.iloc[0]}", fontsize=8
    )
    grid[-1, 0].set_xticks(range(len(matched)), [SHORT.get(name, name) for name in matched])
    grid[-1, 0].set_xlim(-0.5, len(matched) - 0.5)
    grid[-1, 0].set_xlabel("held equal")
    cell_legend(figure, grid[0, 0])
    known = summary.low.notna().any()
    bars = "bars: bootstrap 95 % intervals" if known else "too few seeds for intervals"
    n = sorted(set(summary.n))
    lengths = ", ".join(str(T) for T in sorted(set(table["T"])))
    figure.supxlabel(
        f"n = {n[0] if len(n) == 1 else f'{n[0]}-{n[-1]}'} seeds, paired; {bars}; "
        f"T = {lengths}. Letters: of one thing held equal, cells that share one\nare "
        "not told apart (sign flips, Holm); faded: it solves less than half of the lengths",
        fontsize=7,
    )
    return figure


def _differences(
    axes: Axes, summary: pd.DataFrame, matched: list[str], cells: Sequence[str]
) -> None:
    own = [cell for cell in cells if (summary.cell == cell).any()]
    for place, cell in enumerate(own):
        rows = summary[summary.cell == cell].set_index("matched").reindex(matched)
        at = np.arange(len(matched)) + abreast(place, len(own), 0.15)
        error = np.nan_to_num(np.stack([rows.difference - rows.low, rows.high - rows.difference]))
        style = {**cell_style(cell, cells), "linestyle": "none"}
        weak = (rows.share_of_lengths < 0.5).to_numpy()
        axes.plot([], [], label=cell, **style)  # the legend's, which is never faded
        for faded in (False, True):
            here = weak == faded
            axes.errorbar(
                at[here], rows.difference[here], yerr=error[:, here], elinewidth=0.9,
                markersize=4.5, alpha=0.4 if faded else 1, label=f"_{cell}", **style,
            )  # fmt: skip
        for x, y, letter in zip(at, rows.difference + error[1], rows.letters):
            axes.annotate(
                letter, (x, y), xytext=(0, 3), textcoords="offset points", ha="center",
                fontsize=6.5, color=style["color"],
            )  # fmt: skip
    axes.axhline(0, color="#666666", linewidth=0.8, zorder=0)
    axes.margins(y=0.18)
