"""The gates of one sequence, unit by unit: a row a unit, a column a step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_bench.plotting.gallery import SHADE, draw_inputs, draw_targets
from lstm_bench.tasks import Batch, Task

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH, GATE, SEQUENCE = 7.0, 1.45, 0.95  # inches: of the figure; heights of a gate and of the rest
OPEN, SIGNED = (
    ("cividis", 0.0, 1.0),
    ("PuOr", -1.0, 1.0),
)  # colours and limits; both colour-blind safe


def gates_figure(title: str, task: Task, batch: Batch, gates: Mapping[str, np.ndarray]) -> Figure:
    """The first sequence of a batch, and below it every gate, (T, units) each.

    Units stand in one order in all gates of a size: by the mean opening of the first one.
    """
    import matplotlib.pyplot as plt

    T, count = len(batch.inputs[0]), len(gates)
    heights = [SEQUENCE, SEQUENCE * 0.6, *[GATE] * count]
    figure, panels = plt.subplots(
        2 + count,
        1,
        sharex=True,
        squeeze=False,
        figsize=(WIDTH, sum(heights) + 0.5),
        gridspec_kw={"height_ratios": heights},
    )
    shown, asked, *rows = panels[:, 0]
    for axes in (shown, asked):
        for step in np.flatnonzero(batch.mask[0]):
            axes.axvspan(step - 0.5, step + 0.5, color=SHADE, linewidth=0, zorder=0)
        axes.grid(False)
    draw_inputs(shown, batch)
    shown.set_ylabel("input")
    draw_targets(asked, task, batch)
    asked.set_ylabel("target")
    orders: dict[int, np.ndarray] = {}
    for axes, (name, values) in zip(rows, gates.items()):
        units = values.shape[1]
        order = orders.setdefault(units, np.argsort(values.mean(axis=0), kind="stable"))
        _heat_map(figure, axes, name, values[:, order].T)
    rows[-1].set_xlabel(f"step; units in the order of their mean {next(iter(gates))}")
    rows[-1].set_xlim(-0.6, T - 0.4)
    figure.suptitle(title, fontsize=8.5, fontweight="bold", x=0.01, ha="left")
    return figure


def _heat_map(figure: Figure, axes: Any, name: str, values: np.ndarray) -> None:
    colours, low, high = OPEN if values.min() >= 0 else SIGNED
    outside = max(high, float(np.abs(values).max()))  # of a unit that is not squashed
    high, low = outside, low * outside
    image = axes.imshow(
        values, aspect="auto", interpolation="nearest", cmap=colours, vmin=low, vmax=high
    )
    axes.grid(False)
    axes.set_ylabel(f"{name}\nunit")
    axes.set_yticks([0, len(values) - 1] if len(values) > 1 else [0])
    axes.set_yticklabels(["1", str(len(values))] if len(values) > 1 else ["1"])
    figure.colorbar(image, ax=axes, pad=0.01, fraction=0.03, aspect=12)
