"""One colour, marker and dash a cell, the same in every figure and page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MARKERS = "osD^vPX*<>"
DASHES = ("-", "--", ":", "-.", (0, (5, 1)), (0, (3, 1, 1, 1)))
# Okabe & Ito (2008), told apart by colour-blind readers; the order fits the default cells
USUAL = ("elman", "irnn", "jordan", "lstm", "gru")  # have the first places for good
PALETTE = ("#E69F00", "#CC79A7", "#7F7F7F", "#0072B2", "#009E73", "#D55E00", "#56B4E9", "#000000")
BLUE, GREEN, GREY, RED, BLACK = 3, 4, 2, 5, 7  # places of series that are no cells


def cell_places(cells: Sequence[str]) -> dict[str, int]:
    """The place of each cell, in their order: that of a usual one depends on no other."""
    order = [*USUAL, *(name for name in cells if name not in USUAL)]
    return {name: order.index(name) for name in dict.fromkeys([*cells, *USUAL])}


def cell_style(cell: str, cells: Sequence[str]) -> dict[str, Any]:
    """Colour, marker and dash of a cell: the same in every figure, whatever else a sweep has."""
    places = cell_places(cells)
    return place_style(places.get(cell, len(places)))


def place_style(place: int) -> dict[str, Any]:
    """Colour, marker and dash of the line at this place of an order."""
    return {
        "color": PALETTE[place % len(PALETTE)],
        "marker": MARKERS[place % len(MARKERS)],
        "linestyle": DASHES[place % len(DASHES)],
    }
