"""The numbers a figure draws, read off the figure itself: one row a point, for `figure.csv`.

A label that begins with `_` names a series here and is left out of the legend (matplotlib's rule).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ABOUT = ["panel", "column", "title", "x_axis", "y_axis"]
COLUMNS = [*ABOUT, "series", "kind", "look", "x", "x_tick", "y", "y_tick", "low", "high"]
NONE = ("None", "none", "", " ", None)  # how matplotlib says that there is no line, or marker
Row = dict[str, Any]
Names = dict[tuple[float, ...], str]


def drawn(figure: Figure) -> pd.DataFrame:
    """Rows of `COLUMNS` in data coordinates; guide lines across a whole panel are left out.

    panel    `row.column` from the top left
    column   the title of the uppermost panel of its column
    x_axis, y_axis   the panel's, or else those of the panels it shares them with
    series   the label of the artist, or of the one in the legend that has its colour
    kind     `line` or `points` (x, y, and where they have error bars low, high), `band` and `bar`
             (x, low, high), `span` (shaded from low to high along x), `text` (as series; x, y)
    look     what captions go by: `faded`, `hollow`, `thin`
    x_tick   what the axis calls the place, where its ticks have names; so with y_tick
    """
    shown = [axes for axes in figure.axes if axes.get_visible()]
    names = _names(_handles(figure, shown))
    rows = []
    for axes in shown:
        about = _about(axes, shown)
        own = {**names, **_names(zip(*axes.get_legend_handles_labels()))}
        for row in _rows(axes, own):
            ticks = {"x_tick": _tick(axes.xaxis, row.get("x"))}
            ticks["y_tick"] = _tick(axes.yaxis, row.get("y"))
            rows.append({**about, **row, **ticks})
    return pd.DataFrame(rows, columns=COLUMNS)


def _about(axes: Axes, every: list[Axes]) -> dict[str, str]:
    def place(one: Axes) -> tuple[int, int]:
        spec = one.get_subplotspec()
        return (spec.rowspan.start, spec.colspan.start) if spec else (0, 0)

    def first(texts: Iterable[str]) -> str:
        return next((_plain(text) for text in texts if text), "")

    row, column = place(axes)
    stacked = sorted((e for e in every if place(e)[1] == column), key=lambda e: place(e)[0])
    below = [each for each in stacked if place(each)[0] > row]
    left = [each for each in every if place(each)[0] == row and place(each)[1] < column]
    sides: tuple[Literal["left", "center", "right"], ...] = ("left", "center", "right")
    return {
        "panel": f"{row + 1}.{column + 1}",
        "column": first(stacked[0].get_title(side) for side in sides),
        "title": first(axes.get_title(side) for side in sides),
        "x_axis": first(each.get_xlabel() for each in (axes, *below)),
        "y_axis": first(each.get_ylabel() for each in (axes, *left[::-1])),
    }


def _rows(axes: Axes, names: Names) -> Iterator[Row]:
    from matplotlib.collections import LineCollection, PolyCollection
    from matplotlib.container import ErrorbarContainer
    from matplotlib.patches import Rectangle

    seen: set[Any] = set()
    for bars in axes.containers:
        if isinstance(bars, ErrorbarContainer):
            yield from _error_bars(bars, names)
            seen |= {bars.lines[0], *bars.lines[1], *bars.lines[2]}
    for line in axes.lines:
        if line not in seen and line.get_transform() == axes.transData:
            for x, y in _points(line):
                yield {"series": _name(line, names), **_drawing(line), "x": x, "y": y}
    for shape in axes.collections:
        if shape not in seen and isinstance(shape, LineCollection):
            for (x, low), *_, (_, high) in filter(len, shape.get_segments()):
                row = {"kind": "bar", "x": x, "low": low, "high": high}
                yield {"series": _name(shape, names), **row}
        elif isinstance(shape, PolyCollection):
            yield from _band(shape, names)
    for patch in axes.patches:
        along = patch.get_transform().contains_branch_seperately(axes.transData)
        if isinstance(patch, Rectangle) and along == (True, False):
            low = patch.get_x()
            row = {"kind": "span", "low": low, "high": low + patch.get_width()}
            yield {"series": _name(patch, names), **row}
    for text in axes.texts:
        place = getattr(text, "xy", text.get_position())
        if text.get_text() and getattr(text, "xycoords", text.get_transform()) in (
            "data",
            axes.transData,
        ):
            yield {"series": _plain(text.get_text()), "kind": "text", "x": place[0], "y": place[1]}


def _error_bars(bars: Any, names: Names) -> Iterator[Row]:
    """The points of an errorbar with the ends of their bars."""
    line, _, collections = bars.lines
    label = str(bars.get_label())
    ends = collections[0].get_segments() if collections else []
    for place, (x, y) in enumerate(_points(line)):
        bar = ends[place] if place < len(ends) and len(ends[place]) else [(x, np.nan)]
        row = {**_drawing(line), "x": x, "y": y, "low": bar[0][1], "high": bar[-1][1]}
        yield {"series": _plain(label) if _given(label) else _name(line, names), **row}


def _band(shape: Any, names: Names) -> Iterator[Row]:
    """The two edges of a fill_between: start, lower edge, end, upper edge backwards, start."""
    for path in shape.get_paths():
        points = (len(path.vertices) - 3) // 2
        lower = path.vertices[1 : points + 1]
        upper = path.vertices[points + 2 : 2 * points + 2][::-1]
        for (x, low), (_, high) in zip(lower, upper):
            yield {"series": _name(shape, names), "kind": "band", "x": x, "low": low, "high": high}


def _points(line: Any) -> Iterator[tuple[float, float]]:
    """As they were given: a step's corners are how it is drawn."""
    x, y = line.get_data(orig=False)
    return zip(_floats(x), _floats(y))


def _floats(values: Any) -> list[float]:
    filled: list[float] = np.ma.filled(np.ma.asarray(values, dtype=float), np.nan).tolist()
    return filled


def _drawing(line: Any) -> Row:
    joined = line.get_linestyle() not in NONE
    marked = line.get_marker() not in NONE
    looks = {
        "faded": (1 if line.get_alpha() is None else line.get_alpha()) < 0.6,
        "hollow": marked and str(line.get_markerfacecolor()).lower() in ("none", "white"),
        "thin": joined and line.get_linewidth() < 1,
    }
    told = ", ".join(word for word, holds in looks.items() if holds)
    return {"kind": "line" if joined else "points", "look": told}


def _tick(axis: Any, value: float | None) -> str:
    """The name of the nearest tick, where ticks are named."""
    from matplotlib.ticker import FixedFormatter, FixedLocator, FuncFormatter

    formatter, locator = axis.get_major_formatter(), axis.get_major_locator()
    named = isinstance(formatter, FixedFormatter | FuncFormatter)
    if (
        value is None
        or not np.isfinite(value)
        or not named
        or not isinstance(locator, FixedLocator)
    ):
        return ""
    places = [float(place) for place in locator()]
    if not places:
        return ""
    nearest = min(range(len(places)), key=lambda place: abs(places[place] - value))
    name = _plain(formatter(places[nearest], nearest))
    return "" if name == f"{value:g}" else name


def _handles(figure: Figure, shown: list[Axes]) -> Iterator[tuple[Any, Any]]:
    """Every handle with its label, those of the figure's legends first."""
    for legend in figure.legends:
        yield from zip(legend.legend_handles, (text.get_text() for text in legend.get_texts()))
    for axes in shown:
        yield from zip(*axes.get_legend_handles_labels())


def _names(handles: Iterable[tuple[Any, Any]]) -> Names:
    """By colour the first label, which is how a reader tells series apart."""
    found: Names = {}
    for artist, label in handles:
        colour = _colour(artist)
        if colour is not None:
            found.setdefault(colour, _plain(str(label)))
    return found


def _name(artist: Any, names: Names) -> str:
    label = str(artist.get_label())
    return _plain(label) if _given(label) else names.get(_colour(artist) or (), "")


def _given(label: str) -> bool:
    return bool(label) and not label.startswith(("_child", "_nolegend_", "_container"))


def _plain(label: str) -> str:
    return " ".join(label.removeprefix("_").split())


def _colour(artist: Any) -> tuple[float, ...] | None:
    """Red, green and blue of an artist, whatever its opacity."""
    from matplotlib.colors import to_rgb

    if hasattr(artist, "lines"):  # the handle of an errorbar
        return _colour(artist.lines[0])
    edge = hasattr(artist, "get_linestyle") and artist.get_linestyle() in NONE
    for name in (*(["get_markeredgecolor"] * edge), "get_color", "get_facecolor", "get_edgecolor"):
        value = getattr(artist, name, lambda: "")()
        if len(value):
            value = value if isinstance(value, str) else np.atleast_2d(value)[0]
            return tuple(round(part, 4) for part in to_rgb(value))
    return None
