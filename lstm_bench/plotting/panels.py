"""What the figures share: panels, one colour and marker a cell, axes of lengths, one legend.

matplotlib is imported when a figure is drawn, not when a table is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

SINGLE, DOUBLE = 3.5, 7.2  # column widths of a paper, in inches
COLUMNS = 6  # of a legend, at most
NAMED = 36  # cells in a legend; with more of them it would cover the figure
LABELLED = 10  # lengths on an axis, at most one more
AROUND = 2.0  # an axis of one length T reaches from T / 2 to 2 T
MARKERS = "osD^vPX*<>"
DASHES = ("-", "--", ":", "-.", (0, (5, 1)), (0, (3, 1, 1, 1)))
# Okabe & Ito (2008), told apart by colour-blind readers; the order fits the default cells
USUAL = ("elman", "irnn", "jordan", "lstm", "gru")  # have the first places for good
PALETTE = ("#E69F00", "#CC79A7", "#7F7F7F", "#0072B2", "#009E73", "#D55E00", "#56B4E9", "#000000")


def panels(rows: int, columns: int, height: float = 2.2) -> tuple[Figure, Any]:
    """A figure of double-column width (single for one column) and its grid of axes."""
    import matplotlib.pyplot as plt

    width = DOUBLE if columns > 1 else SINGLE
    width = max(width, 2.1 * columns)
    figure, grid = plt.subplots(rows, columns, figsize=(width, height * rows), squeeze=False)
    return figure, grid


def cell_style(cell: str, cells: Sequence[str]) -> dict[str, Any]:
    """Colour, marker and dash of a cell: the same in every figure, whatever else a sweep has."""
    others = [name for name in cells if name not in USUAL]
    order = [*USUAL, *others]
    return place_style(order.index(cell) if cell in order else len(order))


def place_style(place: int) -> dict[str, Any]:
    """Colour, marker and dash of the line at this place of an order."""
    return {
        "color": PALETTE[place % len(PALETTE)],
        "marker": MARKERS[place % len(MARKERS)],
        "linestyle": DASHES[place % len(DASHES)],
    }


def cell_legend(figure: Figure, axes: Axes) -> None:
    """One legend for all panels, above them, where it covers no data; or how many it would name.

    Labels of `axes` come first and look as they do there.
    """
    found: dict[str, Any] = {}
    for each in (axes, *figure.axes):
        for handle, label in zip(*each.get_legend_handles_labels()):
            found.setdefault(label, handle)
    if len(found) > NAMED:
        text = f"{len(found)} cells: the figure's CSV file names them"
        figure.legend([], [], title=text, loc="outside upper center")
        return
    place_legend(figure, list(found.values()), list(found))


def place_legend(figure: Figure, handles: Sequence[Any], labels: Sequence[str]) -> None:
    """A legend above the panels, read line by line, in as many columns as the figure is wide.

    One of more than two lines makes the figure taller, not the panels smaller.
    """
    for most in range(min(len(labels), COLUMNS), 0, -1):
        lines = ceil(len(labels) / most)
        columns = ceil(len(labels) / lines)
        # matplotlib fills one column after another
        order = [i for column in range(columns) for i in range(column, len(labels), columns)]
        legend = figure.legend(
            [handles[i] for i in order],
            [labels[i] for i in order],
            loc="outside upper center",
            ncols=columns,
        )
        box = legend.get_window_extent()
        if box.width <= figure.bbox.width or most == 1:
            taller = box.height * max(0, 1 - 2 / lines) / figure.dpi
            figure.set_figheight(figure.get_figheight() + taller)
            return
        legend.remove()


def beside(place: int, lines: int, lengths: Sequence[int]) -> float:
    """The factor that puts the bars of this line beside their length, so that none hides another.

    3.5 % a line, or less where all of them would take more than half of a gap between lengths.
    """
    gap = min((b / a for a, b in pairwise(sorted(set(lengths)))), default=2.0)
    step = min(1.035, gap ** (0.5 / max(1, lines - 1)))
    return float(step ** (place - (lines - 1) / 2))


def abreast(place: int, lines: int, step: float) -> float:
    """How far from its tick this line's point stands, so that those of one tick stay together."""
    return min(step, 0.8 / max(1, lines)) * (place - (lines - 1) / 2)


def log_ticks(axis: Axis, narrow: float = 100) -> None:
    """Ticks of a logarithmic axis: decades, or 1, 2 and 5 of each up to a width of `narrow`.

    matplotlib's own label what lies between where there is no room for it.
    """
    from matplotlib.ticker import LogLocator

    low, high = axis.get_view_interval()
    if high / low <= narrow:
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("")


def log_lengths(axes: Axes, lengths: Sequence[float]) -> None:
    """A logarithmic axis of lengths, sizes or rates: a tick each, labelled where they lie apart."""
    axes.set_xscale("log")
    ordered = sorted(set(lengths))
    apart = (ordered[-1] / ordered[0]) ** (1 / LABELLED)
    named = ordered[:1]
    for T in ordered[1:]:
        if T >= named[-1] * apart:
            named.append(T)
    axes.set_xticks(ordered, [str(T) if T in named else "" for T in ordered])
    axes.minorticks_off()
    if len(ordered) == 1 or not np.isfinite(axes.dataLim.intervalx).all():
        # a point has no range, and the lines beside it would be all of the axis
        axes.set_xlim(ordered[0] / AROUND, ordered[-1] * AROUND)


def say(axes: Axes, text: str) -> None:
    """A sentence in a panel that has nothing to draw."""
    axes.text(0.5, 0.5, text, ha="center", va="center", fontsize=7, transform=axes.transAxes)
