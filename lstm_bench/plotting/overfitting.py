"""The figure of `overfitting`: held-out score and gap against how many sequences there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lstm_bench.plotting.panels import cell_legend, cell_style, log_lengths, panels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def overfitting_figure(table: pd.DataFrame, cells: Sequence[str]) -> Figure:
    """Two rows of three panels a task."""
    tasks = list(dict.fromkeys(zip(table.task, table["T"])))
    figure, grid = panels(2 * len(tasks), 3, height=2.1)
    for place, (task, T) in enumerate(tasks):
        rows = table[(table.task == task) & (table["T"] == T)]
        _task(grid[2 * place : 2 * place + 2], rows, cells)
        grid[2 * place, 0].set_ylabel(f"{task}, T = {T}\nheld-out score")
        grid[2 * place + 1, 0].set_ylabel("held-out score")
        grid[2 * place, 2].set_ylabel("loss, held-out minus\ntraining, per floor")
    cell_legend(figure, grid[0, 0])
    n = sorted(set(table.n))
    share = 100 * table.share_of_floor.iloc[0]
    figure.supxlabel(
        f"n = {n[0] if len(n) == 1 else f'{n[0]}-{n[-1]}'} replicates a point; bars: Student's "
        f"95 % intervals; same training loss: {share:g} % of the floor, faded: fewer than half "
        "reach it",
        fontsize=7,
    )
    return figure


def _task(grid: Any, rows: pd.DataFrame, cells: Sequence[str]) -> None:
    whole = rows[rows["size"] == rows.distinct]
    plain, decayed = whole[whole.weight_decay == 0], whole[whole.weight_decay > 0]
    width = plain[plain.comparison == "equal width"]
    equal = plain[plain.comparison == "equal parameters"]
    top = rows["size"].max()
    repeats = rows[(rows["size"] == top) & (rows.weight_decay == 0)]
    repeats = repeats[repeats.comparison == "equal width"]
    _lines(grid[0, 0], width, cells, "matched_score", "same training loss")
    _lines(grid[0, 1], equal, cells, "matched_score", "same loss, equal parameters")
    _lines(grid[0, 2], width, cells, "gap", "gap at the end of training")
    _lines(grid[1, 0], width, cells, "score", "end: plain, open: with decay")
    _lines(grid[1, 0], decayed, cells, "score", None, hollow=True)
    _lines(grid[1, 1], width, cells, "stopped_score", "early stopping (test)")
    _lines(grid[1, 2], repeats, cells, "score", f"end: repeated up to {top}", "distinct")
    for axes in (*grid[0, :2], *grid[1]):
        axes.set_ylim(-0.03, 1.05)
    for axes in grid[1]:
        axes.set_xlabel("distinct training sequences")


def _lines(
    axes: Axes,
    rows: pd.DataFrame,
    cells: Sequence[str],
    measure: str,
    title: str | None,
    x: str = "size",
    hollow: bool = False,
) -> None:
    own = [cell for cell in cells if (rows.cell == cell).any()]
    for place, cell in enumerate(own):
        group = rows[rows.cell == cell].sort_values(x)
        at = (group[x] * 1.06 ** (place - (len(own) - 1) / 2)).to_numpy()
        style = cell_style(cell, cells)
        if hollow:
            style |= {"markerfacecolor": "white", "linestyle": ":"}
        axes.plot(at, group[measure], **{**style, "marker": None}, alpha=0.35)
        weak = (group.fitted * 2 < group.n).to_numpy() & measure.startswith("matched")
        error = np.stack(
            [group[measure] - group[f"{measure}_low"], group[f"{measure}_high"] - group[measure]]
        )
        error = np.nan_to_num(error)
        for faded in (False, True):
            here = weak == faded
            axes.errorbar(
                at[here], group[measure][here], yerr=error[:, here], elinewidth=0.7, markersize=4,
                label=cell if not (faded or hollow) else None, alpha=0.3 if faded else 1,
                **{**style, "linestyle": "none"},
            )  # fmt: skip
    if title is not None:
        axes.set_title(title, fontsize=7.5)
    if len(rows):
        log_lengths(axes, rows[x].tolist())
