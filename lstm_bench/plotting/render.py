"""Drawing a figure that is declared as data: its panels, axes, legend and note."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import ceil
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from lstm_bench.plotting.axes import (
    dodge_factor,
    dodge_shift,
    fitted,
    letters,
    log_lengths,
    log_ticks,
    spread,
    stacked,
)
from lstm_bench.plotting.figure import Axis, Figure, Layer, Panel
from lstm_bench.plotting.palette import place_style

if TYPE_CHECKING:
    import matplotlib.figure
    from matplotlib.axes import Axes

SINGLE, DOUBLE = 3.5, 7.2  # column widths of a paper, in inches
NARROWEST = 2.1  # a panel with its labels, in inches
HEIGHTS = (2.5, 2.2, 1.95, 1.75)  # of one line of panels, each of two, of three, of more
LEGEND_COLUMNS = 6
PLACE: Literal["outside upper center"] = "outside upper center"  # of the legend
NAMED = 36  # series in a legend; with more of them it would cover the figure
LINE = 0.14  # inches of a line of text
NAME = 1.5  # inches of a name on an axis or in the legend
FADED = 0.3  # opacity
MARKS = ("line", "points")
GUIDE = "#999999"
SEVERAL = "#666666"  # a text at the edge that stands for several series


def render(figure: Figure) -> matplotlib.figure.Figure:
    """The figure as matplotlib has it, in the style that is set."""
    import matplotlib.pyplot as plt

    lines = len(figure.grid)
    columns = max(map(len, figure.grid))
    turned = any(panel.flipped for _, _, panel in figure.panels())
    width = max(DOUBLE if columns > 1 or turned else SINGLE, NARROWEST * columns)
    heights = [max(_height(panel, lines) for panel in row) for row in figure.grid]
    for row, column, _ in figure.panels():
        title = fitted(_title(figure, row, column)[0], width / columns - 0.4, 9)
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
        _Canvas(grid[row, column], panel, figure, size).draw()
        _labels(grid[row, column], figure, row, column, size)
    _legend(drawn, figure)
    drawn.supxlabel(note, fontsize=7)
    return drawn


def _height(panel: Panel, lines: int) -> float:
    usual = HEIGHTS[min(lines, len(HEIGHTS)) - 1]
    if not panel.flipped:
        return usual
    points = panel.points
    names = len(panel.x.names or set(points.x))
    texts = any(layer.text and not layer.at_edge for layer in panel.layers)
    room = min(1.2 if texts else 0.4, max(0.17, 0.125 * _lines(points)))  # of a name
    return (0.75 if lines > 1 else 1.1) + names * room


def _lines(points: pd.DataFrame) -> int:
    """How many series share a place, at most."""
    known = points[points.y.notna()]
    return int(known.groupby("x").series.nunique().max()) if len(known) else 1


class _Canvas:
    """One panel on its axes."""

    def __init__(self, axes: Axes, panel: Panel, figure: Figure, size: tuple[float, float]) -> None:
        self.axes, self.panel, self.size = axes, panel, size
        self.points = panel.points
        own = dict.fromkeys(self.points.series)
        self.series = [name for name in dict.fromkeys([*figure.order, *own]) if name in own]
        self.styles = {n: place_style(figure.order.get(n, len(figure.order))) for n in own}
        self.names = list(panel.x.names or dict.fromkeys(self.points.x))
        self.lines = len(self.series) if _lines(self.points) > 1 else 1
        self.barred = any(layer.low and layer.look in MARKS for layer in panel.layers)
        self.edge: list[tuple[float, str, str]] = []  # height, text, colour

    def draw(self) -> None:
        axes, panel = self.axes, self.panel
        if not np.isfinite(self.points.y).any():
            axes.set(xticks=[], yticks=[])
            text = fitted(panel.empty, 0.8 * self.size[0], 7)
            axes.text(0.5, 0.5, text, ha="center", va="center", size=7, transform=axes.transAxes)
            return
        for layer in panel.layers:
            points = layer.points
            for name in self.series:
                own = points[points.series == name]
                if len(own):
                    self._series(layer, name, own)
        for guide in panel.guides:
            across = axes.axvline if panel.flipped else axes.axhline
            across(float(guide), color=GUIDE, linewidth=0.7, zorder=0)
        self._scale("y" if panel.flipped else "x", panel.x)
        self._scale("x" if panel.flipped else "y", panel.y)
        self._write_edge()

    def _places(self, layer: Layer, name: str, x: pd.Series) -> np.ndarray:
        """Where points stand along x: beside those of other series where bars would hide them."""
        place = self.series.index(name) if self.lines > 1 else 0
        if self.panel.x.scale == "names":
            at = np.array([self.names.index(each) for each in x], dtype=float)
            if layer.look == "points" and not layer.low:
                at += spread(at, min(0.4, 0.7 / self.lines))
            return at + dodge_shift(place, self.lines)
        at = x.to_numpy(dtype=float)
        if layer.look not in MARKS or not self.barred:
            return at
        every = self.panel.layers[0].points.x.astype(float)
        if self.panel.x.scale == "lengths":
            return at * dodge_factor(place, self.lines, every.tolist())
        return at + dodge_shift(place, self.lines, 0.008) * np.ptp(every)

    def _series(self, layer: Layer, name: str, own: pd.DataFrame) -> None:
        at = self._places(layer, name, own.x)
        joined = layer.look != "points"
        if joined:
            order = np.argsort(at, kind="stable")
            at, own = at[order], own.iloc[order]
        style = dict(self.styles[name])
        dash = ":" if own.hollow.all() and layer.look == "line" else style.pop("linestyle")
        style |= {"marker": layer.marker or style["marker"], "markersize": layer.size}
        y, faded = own.y.to_numpy(), own.faded.to_numpy()
        if self.panel.y.scale == "log":
            y = np.where(y > 0, y, np.nan)
        if joined:
            look = {"color": style["color"], "linestyle": dash}
            look |= {"linewidth": 0.7} if layer.thin else {}
            look |= {"drawstyle": "steps-post"} if layer.look == "step" else {}
            for clear in {True, not faded.any()}:
                line = np.where(faded, np.nan, y) if clear else y
                self.axes.plot(*self._turned(at, line), alpha=1 if clear else FADED, **look)
        if layer.look in MARKS:
            self._marks(layer, at, y, own, {**style, "linestyle": ""})
        elif layer.low:
            step = "post" if layer.look == "step" else None
            alpha = 0.15 * (FADED if faded.all() else 1)
            band = {"color": style["color"], "alpha": alpha, "linewidth": 0, "step": step}
            self.axes.fill_between(at, own.low, own.high, **band)
        if layer.text:
            self._texts(layer, at, own, style["color"])

    def _marks(
        self, layer: Layer, at: np.ndarray, y: np.ndarray, own: pd.DataFrame, style: dict[str, Any]
    ) -> None:
        ends = np.clip(np.stack([y - own.low, own.high - y]), 0, None)
        for faded, hollow in product((False, True), repeat=2):
            here = ((own.faded == faded) & (own.hollow == hollow)).to_numpy()
            if not here.any():
                continue
            bars = {("xerr" if self.panel.flipped else "yerr"): ends[:, here]}
            across, up = self._turned(at[here], y[here])
            self.axes.errorbar(
                across, up, **(bars if layer.low else {}), elinewidth=0.8,
                alpha=FADED if faded else 1, markerfacecolor="none" if hollow else style["color"],
                **style,
            )  # fmt: skip

    def _texts(self, layer: Layer, at: np.ndarray, own: pd.DataFrame, colour: str) -> None:
        beside = own[["y", "high"]].max(axis=1)
        for place, value, end, text in zip(at, own.y, beside, own.text):
            height = place if self.panel.flipped else value
            if not isinstance(text, str) or not text or not np.isfinite(height):
                continue
            if layer.at_edge:
                self.edge.append((height, text, colour))
                continue
            right: dict[str, Any] = {"xytext": (3, 0), "va": "center"}
            above: dict[str, Any] = {"xytext": (0, 2), "ha": "center", "va": "bottom"}
            self.axes.annotate(
                text, self._turned(place, end), textcoords="offset points", fontsize=6.5,
                color=colour, **(right if self.panel.flipped else above),
            )  # fmt: skip

    def _write_edge(self) -> None:
        """Texts at the right edge, one above another where their points are as high."""
        gap = 8.5 / 72 / max(0.5, self.size[1] - 0.3)
        unit = self.axes.transScale + self.axes.transLimits
        heights = unit.transform([(1, height) for height, _, _ in self.edge] or [(1, 1)])[:, 1]
        told: dict[tuple[str, int], tuple[float, str]] = {}
        for height, (_, text, colour) in zip(heights, self.edge):
            key = (text, round(height / gap))
            told[key] = (height, SEVERAL if told.get(key, (0, colour))[1] != colour else colour)
        ordered = sorted(told.items(), key=lambda each: each[1][0])
        places = stacked([height for _, (height, _) in ordered], gap)
        for place, ((text, _), (_, colour)) in zip(places, ordered):
            self.axes.text(
                1.02, place, text, transform=self.axes.transAxes, fontsize=6.5, va="center",
                color=colour,
            )  # fmt: skip

    def _turned(self, x: Any, y: Any) -> tuple[Any, Any]:
        return (y, x) if self.panel.flipped else (x, y)

    def _scale(self, way: str, axis: Axis) -> None:
        axes, size = self.axes, self.size[way == "y"]
        put = {name: getattr(axes, f"set_{way}{name}") for name in ("scale", "lim", "ticks")}
        if axis.scale == "lengths":
            log_lengths(axes, self.panel.layers[0].points.x.dropna().tolist(), size)
        elif axis.scale == "names":
            self._name(way, size)
        elif axis.scale == "share":
            put["lim"](-0.04, 1.04)
            put["ticks"]([0, 0.25, 0.5, 0.75, 1] if size > 1.3 else [0, 0.5, 1])
        elif axis.scale == "symlog":
            put["scale"]("symlog", linthresh=0.01)
        elif axis.scale == "log":
            put["scale"]("log")
        elif way == "x":
            axes.locator_params(axis="x", nbins=max(3, int(size / 0.4)))
        if axis.limits != (None, None):
            put["lim"](*axis.limits)
        if axis.within:
            low, high = getattr(axes, f"get_{way}lim")()
            put["lim"](max(low, axis.within[0]), min(high, axis.within[1]))
        if axis.scale == "log":
            log_ticks(axes.xaxis if way == "x" else axes.yaxis, narrow=20 if way == "x" else 100)

    def _name(self, way: str, size: float) -> None:
        """A tick a place, with its name; upright where they have no room beside each other."""
        axes, count, called = self.axes, len(self.names), self.panel.x.names
        shown = [called[name] if isinstance(called, Mapping) else name for name in self.names]
        if way == "y":
            axes.set_yticks(range(count), [fitted(name, NAME, 7.5) for name in shown])
            axes.set_ylim(count - 0.4, -0.6)
            axes.tick_params(axis="y", length=0)
            return
        room = size / count
        words = [word for name in shown for word in str(name).split()]
        upright = max((letters(word + " ", 7.5) for word in words), default=0) > room
        names = [fitted(name, NAME if upright else room, 7.5) for name in shown]
        axes.set_xticks(range(count), names, rotation=90 if upright else 0)
        axes.set_xlim(-0.5, count - 0.5)


def _labels(axes: Axes, figure: Figure, row: int, column: int, size: tuple[float, float]) -> None:
    """Title and labels, each where the panel above, below or at the left does not say the same."""

    def at(i: int, j: int) -> Panel | None:
        inside = 0 <= i < len(figure.grid) and 0 <= j < len(figure.grid[i])
        return figure.grid[i][j] if inside else None

    panel = figure.grid[row][column]
    title, weight = _title(figure, row, column)
    axes.set_title(fitted(title, size[0] + 0.2, 9), fontweight=weight)
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
    return ": ".join(filter(None, (head, panel.title))), "bold" if head or not row else "normal"


def _sides(panel: Panel) -> Sequence[Axis]:
    """The axis along the bottom and that up the side."""
    return (panel.y, panel.x) if panel.flipped else (panel.x, panel.y)


def _legend(drawn: matplotlib.figure.Figure, figure: Figure) -> None:
    """The title, and one legend for all panels, read line by line; or how many it would name.

    More than two lines make the figure taller, not the panels smaller.
    """
    found, width = dict(_handles(figure)), drawn.get_figwidth()
    title = fitted(figure.title, width, 10)
    font = {"size": 9.5, "weight": "bold"}
    if len(found) > NAMED:
        text = f"{len(found)} series: the figure's CSV file names them"
        drawn.legend([], [], title="\n".join(filter(None, (title, text))), loc=PLACE)
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
        if box.width <= drawn.bbox.width or most == 1:
            taller = max(0, box.height / drawn.dpi - 0.3)
            drawn.set_figheight(drawn.get_figheight() + taller)
            return
        legend.remove()


def _handles(figure: Figure) -> Iterator[tuple[str, Any]]:
    """Every series that has a point, as its panels draw it."""
    from matplotlib.lines import Line2D

    looks: dict[str, dict[str, Any]] = {}
    for _, _, panel in figure.panels():
        for layer in panel.layers:
            points = layer.points
            for name in dict.fromkeys(points[np.isfinite(points.y)].series):
                style = place_style(figure.order.get(name, len(figure.order)))
                look = looks.setdefault(name, {"color": style["color"], "linestyle": ""})
                if layer.look in MARKS:
                    look.setdefault("marker", layer.marker or style["marker"])
                if layer.look != "points":
                    look["linestyle"] = style["linestyle"]
    for name, look in looks.items():
        yield name, Line2D([], [], **look)
