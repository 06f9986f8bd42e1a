"""What the figures share: panels, one colour and marker a cell, axes of lengths, one legend.

matplotlib is imported when a figure is drawn, not when a table is made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SINGLE, DOUBLE = 3.5, 7.2  # column widths of a paper, in inches
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
    """One legend for all panels, above them, where it covers no data."""
    handles, labels = axes.get_legend_handles_labels()
    found = dict(zip(labels, handles))
    figure.legend(
        found.values(), found.keys(), loc="outside upper center", ncols=min(len(found), 6)
    )


def log_lengths(axes: Axes, lengths: Sequence[int]) -> None:
    """A logarithmic axis of sequence lengths, labelled at the lengths of the grid."""
    axes.set_xscale("log")
    ticks = sorted(set(lengths))
    axes.set_xticks(ticks, [str(T) for T in ticks])
    axes.minorticks_off()
