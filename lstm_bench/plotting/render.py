"""Drawing a figure that is declared as data: its panels, axes, legend and note."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import ceil
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lstm_bench.plotting.axes import fitted
from lstm_bench.plotting.canvas import MARKS, NAME, Canvas, most_lines
from lstm_bench.plotting.figure import Axis, Figure, Panel
from lstm_bench.plotting.palette import place_style

if TYPE_CHECKING:
    import matplotlib.figure
    from matplotlib.axes import Axes
    from matplotlib.legend import Legend

SINGLE, DOUBLE = 3.5, 7.2  # column widths of a paper, in inches
NARROWEST = 2.1  # a panel with its labels, in inches
HEIGHTS = (2.5, 2.2, 1.95, 1.75)  # of one line of panels, each of two, of three, of more
LEGEND_COLUMNS = 6
PLACE: Literal["outside upper center"] = "outside upper center"  # of the legend
NAMED = 36  # series in a legend; with more of them it would cover the figure
ROOM = 0.92  # of a line of the legend: letters are wider at other resolutions
BOUNDS = ("<", ">")  # of any series, where a value lies below or beyond
PAD = 0.3  # inches beside the title of a legend
LINE = 0.14  # inches of a line of text


def render(figure: Figure) -> matplotlib.figure.Figure:
    """The figure as matplotlib has it, in the style that is set."""
    import matplotlib.pyplot as plt

    lines = len(figure.grid)
    columns = max(map(len, figure.grid))
    turned = any(panel.flipped for _, _, panel in figure.panels())
    width = max(DOUBLE if columns > 1 or turned else SINGLE, NARROWEST * columns)
    heights = [max(_height(panel, lines) for panel in row) for row in figure.grid]
    for row, column, _ in figure.panels():
        title = fitted(_title(figure, row, column)[0], width / columns - 0.4, 10)
        heights[row] = max(heights[row], 1.5 + LINE * len(title.splitlines()))
    note = fitted(figure.note, width, 7)
    below = LINE * (len(note.splitlines()) - 1)
    drawn, grid = plt.subplots(
        *(lines, columns), figsize=(width, sum(heights) + below), squeeze=False,
        gridspec_kw={"height_ratios": heights},
    )  # fmt: skip
    for row, column in product(range(lines), range(columns)):
        grid[row, column].set_visible(column < len(figure.grid[row]))
    for row, column, panel in figure.panels():
        size = (width / columns - 0.6, heights[row] - 0.5)
        Canvas(grid[row, column], panel, figure, size).draw()
        _labels(grid[row, column], figure, row, column, size)
    _legend(drawn, figure)
    drawn.supxlabel(note, fontsize=7)
    return drawn


def _height(panel: Panel, lines: int) -> float:
    usual = HEIGHTS[min(lines, len(HEIGHTS)) - 1]
    if not panel.flipped:
        return usual
    points = panel.points
    names = list(panel.x.names or dict.fromkeys(points.x))
    told = max((len(fitted(name, NAME, 7.5).splitlines()) for name in names), default=1)
    texts = any(layer.text and not layer.at_edge for layer in panel.layers)
    series = 0.125 * most_lines(points)
    room = max(0.4, min(1.6, series)) if texts else min(0.4, series)  # of a name
    room = max(room, 0.05 + 0.12 * told)
    return (0.75 if lines > 1 else 1.1) + len(names) * room


def _labels(axes: Axes, figure: Figure, row: int, column: int, size: tuple[float, float]) -> None:
    """Title and labels, each where the panel above, below or at the left does not say the same."""

    def at(i: int, j: int) -> Panel | None:
        inside = 0 <= i < len(figure.grid) and 0 <= j < len(figure.grid[i])
        return figure.grid[i][j] if inside else None

    panel = figure.grid[row][column]
    title, weight = _title(figure, row, column)
    names = 0.8 / len(figure.grid[row]) if panel.flipped else 0.0  # those at the side take some
    room = size[0] + 0.2 - names
    axes.set_title(fitted(title, room, 10), fontweight=weight)
    (across, up), below, left = _sides(panel), at(row + 1, column), at(row, column - 1)
    if below is None or _sides(below)[0] != across:
        axes.set_xlabel(fitted(across.label, size[0], 8.5))
    if left is None or _sides(left)[1].label != up.label:
        axes.set_ylabel(fitted(up.label, size[1] + 0.25, 8.5))
    if left and panel.flipped and left.flipped and panel.x == left.x and panel.x.names:
        axes.tick_params(axis="y", labelleft=False)


def _title(figure: Figure, row: int, column: int) -> tuple[str, str]:
    """The title of a panel, with that of the column where it begins, and its weight."""
    panel, before = figure.grid[row][column], figure.grid[0][0]
    if row and column < len(figure.grid[row - 1]):
        before = figure.grid[row - 1][column]
    elif column:
        before = figure.grid[row][column - 1]
    head = panel.column if (row, column) == (0, 0) or panel.column != before.column else ""
    # where no column has a title, each panel has its own
    heads = bool(head) or not row or not panel.column
    return ": ".join(filter(None, (head, panel.title))), "bold" if heads else "normal"


def _sides(panel: Panel) -> Sequence[Axis]:
    """The axis along the bottom and that up the side."""
    return (panel.y, panel.x) if panel.flipped else (panel.x, panel.y)


def _legend(drawn: matplotlib.figure.Figure, figure: Figure) -> None:
    """The title, and one legend for all panels, read line by line; or how many it would name.

    It leaves out what stands at an axis by name. More than two lines make the figure taller, not
    the panels smaller.
    """
    found, width = dict(_handles(figure)), drawn.get_figwidth()
    title = fitted(figure.title, width, 10)
    font = {"size": 9.5, "weight": "bold"}
    if not 0 < len(found) <= NAMED:
        text = f"{len(found)} series: the figure's CSV file names them" if found else ""
        if told := "\n".join(filter(None, (title, text))):
            bold = {} if text else font
            _grow(drawn, drawn.legend([], [], title=told, title_fontproperties=bold, loc=PLACE))
        return
    names = [name for name in dict.fromkeys([*figure.order, *found]) if name in found]
    for most in range(min(len(names), LEGEND_COLUMNS), 0, -1):
        lines = ceil(len(names) / most)
        columns = ceil(len(names) / lines)
        # matplotlib fills one column after another
        ordered = [name for column in range(columns) for name in names[column::columns]]
        legend = drawn.legend(
            [found[name] for name in ordered], ["x"] * len(ordered), ncols=columns, loc=PLACE,
            title=title, title_fontproperties=font,
        )  # fmt: skip
        for label, name in zip(legend.get_texts(), ordered):  # which may begin with an underscore
            label.set_text(fitted(name, NAME, 7.5))
        box = legend.get_window_extent()
        own = legend.get_title().get_window_extent().width if title else 0.0
        allowed = max(ROOM * drawn.bbox.width, own + PAD * drawn.dpi)  # a wide title is no reason
        if box.width <= allowed or most == 1:
            _grow(drawn, legend)
            return
        legend.remove()


def _grow(drawn: matplotlib.figure.Figure, legend: Legend) -> None:
    taller = max(0, legend.get_window_extent().height / drawn.dpi - 0.3)
    drawn.set_figheight(drawn.get_figheight() + taller)


def _handles(figure: Figure) -> Iterator[tuple[str, Any]]:
    """Every series that has a point where no axis names it, as its panels draw it."""
    from matplotlib.lines import Line2D

    looks: dict[str, dict[str, Any]] = {}
    for _, _, panel in figure.panels():
        names = panel.points.x.astype(str)
        if panel.x.names and names.equals(panel.points.series):
            continue
        for layer in panel.layers:
            points = layer.points
            for name in dict.fromkeys(points[np.isfinite(points.y)].series):
                style = place_style(figure.order.get(name, len(figure.order)))
                look = looks.setdefault(name, {"color": style["color"], "linestyle": ""})
                if layer.look in MARKS:
                    own = None if layer.marker in BOUNDS else layer.marker
                    look.setdefault("marker", own or style["marker"])
                if layer.look != "points":
                    look["linestyle"] = style["linestyle"]
    for name, look in looks.items():
        yield name, Line2D([], [], **look)
