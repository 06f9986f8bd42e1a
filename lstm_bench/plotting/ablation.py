"""The figure of `ablation`: updates to solve against the baseline's, a panel a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from lstm_bench.plotting.panels import DOUBLE, PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = {
    "lstm_peephole": "peephole LSTM",
    "lstm_nig": "no input gate",
    "lstm_nfg": "no forget gate",
    "lstm_nog": "no output gate",
    "lstm_niaf": "linear input",
    "lstm_noaf": "linear output",
    "lstm_np": "no peepholes",
    "lstm_cifg": "coupled gates",
    "lstm_fgr": "gates see gates",
}
SOLID, PLAIN = PALETTE[3], PALETTE[2]  # told apart from the baseline, and not


def ablation_figure(table: pd.DataFrame, replicates: pd.DataFrame) -> Figure:
    """Rows are variants; dots replicates, bars the mean ratio; text: solved of n and tie groups."""
    import matplotlib.pyplot as plt

    names = list(dict.fromkeys(zip(table.task, table["T"])))
    cells = list(dict.fromkeys(table.cell))
    width = max(DOUBLE, 1.1 + 1.75 * len(names))
    figure, grid = plt.subplots(
        1, len(names), figsize=(width, 1.15 + 0.2 * len(cells)), squeeze=False, sharey=True
    )
    for axes, (task, T) in zip(grid[0], names):
        rows = table[(table.task == task) & (table["T"] == T)]
        own = replicates[(replicates.task == task) & (replicates["T"] == T)]
        _panel(axes, rows, own, cells)
        axes.set_title(f"{task}, T = {T}")
        axes.set_xlabel("updates to solve,\nratio to the baseline")
    grid[0, 0].set_yticks(range(len(cells)), [SHOWN.get(cell, cell) for cell in cells])
    grid[0, 0].set_ylim(len(cells) - 0.4, -0.6)
    n = sorted(set(table.n))
    counts = str(n[0]) if len(n) == 1 else f"{n[0]}-{n[-1]}"
    baseline = SHOWN.get(table.baseline.iloc[0], table.baseline.iloc[0])
    figure.supxlabel(
        f"n = {counts} seeds, paired with the {baseline}; bars: bootstrap 95 % intervals. Blue, "
        "filled: told apart from it (sign flips, Holm over\nthe variants of a task); faded: fewer "
        "than half solved, a bound. At the right: solved of n, + slower and – faster where told "
        "apart",
        fontsize=7,
    )
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, replicates: pd.DataFrame, cells: list[str]) -> None:
    values = replicates.pivot_table(index="seed", columns="cell", values="log2_updates")
    baseline = rows.baseline.iloc[0]
    for row in rows.itertuples():
        place = cells.index(str(row.cell))
        apart = row.group != "tied"
        colour, alpha = (SOLID if apart else PLAIN), (1.0 if row.solved * 2 >= row.n else 0.35)
        told = f"{row.solved}/{row.n}" + {"slower": " +", "faster": " –"}.get(str(row.group), "")
        axes.text(
            1.02, place, told, transform=axes.get_yaxis_transform(), fontsize=6.5, va="center"
        )
        if baseline not in values or row.cell not in values:
            continue
        if row.cell != baseline:
            ratios = 2 ** (values[row.cell] - values[baseline]).dropna()
            spread = np.linspace(-0.22, 0.22, len(ratios)) if len(ratios) > 1 else np.zeros(1)
            axes.plot(
                ratios, place + spread, "o", markersize=2, color=colour, alpha=0.3 * alpha, zorder=1
            )
        bounds = [[row.ratio - row.ratio_low], [row.ratio_high - row.ratio]]
        axes.errorbar(
            [row.ratio], [place], xerr=np.nan_to_num(bounds), fmt="s", markersize=4.5, alpha=alpha,
            color=colour, markerfacecolor=colour if apart else "white", elinewidth=1.1, zorder=3,
        )  # fmt: skip
    axes.axvline(1, color="#666666", linewidth=0.8, zorder=0)
    axes.set_xscale("log", base=2)
    low, high = axes.get_xlim()
    axes.set_xlim(min(low, 0.4), max(high, 2.5))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()
    axes.tick_params(axis="y", length=0)
