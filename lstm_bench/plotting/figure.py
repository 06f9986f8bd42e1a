"""A figure as data: panels of layers of points. `render` draws it, `numbers` is its figure.csv.

Wherever a column is named, an expression of columns will do, as `DataFrame.eval` has them:
`solved * 2 < n`. Titles, labels and notes name columns in braces.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import cached_property
from math import ceil
from string import Formatter
from typing import Any, Literal

import pandas as pd
from pandas.errors import UndefinedVariableError

from lstm_bench.errors import unknown
from lstm_bench.plotting.palette import cell_places

Scale = Literal["linear", "log", "symlog", "lengths", "share", "names"]
Look = Literal["line", "points", "curve", "step"]
POINT = ("x", "y", "low", "high", "text")
COLUMNS = ("panel", "column", "title", "x_axis", "y_axis", "series", "kind", "look", *POINT)


@dataclass(frozen=True)
class Axis:
    """A label, a scale and, where the points do not decide, limits, or what they lie `within`.

    linear, log, symlog   as matplotlib has them
    lengths               logarithmic, a tick for each value of the first layer: sizes, rates ...
    share                 from 0 to 1
    names                 a place for each value, in the order of `names`, or else of the rows;
                          as a mapping, `names` has what each value is called
    """

    label: str = ""
    scale: Scale = "linear"
    limits: tuple[float | None, float | None] = (None, None)
    within: tuple[float, float] | None = None
    names: Sequence[Any] | Mapping[Any, str] = ()


LENGTH = Axis("sequence length T", "lengths")
SOLVED = Axis("share of replicates that solve the task", "share")


@dataclass(frozen=True, eq=False)
class Layer:
    """Points of a table in one look; each value of the column `by` is a series of its own colour.

    x, y             columns, or a number
    low, high        the ends of y's interval, drawn as a bar, or as a band along a curve
    only             which rows, where not all
    name             of the one series that all rows are, instead of `by`
    look             `line` (marks, joined), `points` (marks), `curve` (no marks), `step`
    faded, hollow    which points are
    text             words: after a point, or `at_edge` of the panel, at its height
    rows             the table, where it is not the figure's
    """

    x: str
    y: str | float
    low: str | None = None
    high: str | None = None
    _: KW_ONLY
    only: str = ""
    by: str = "cell"
    name: str = ""
    look: Look = "line"
    faded: str | bool = False
    hollow: str | bool = False
    thin: bool = False
    text: str | None = None
    at_edge: bool = False
    marker: str = ""
    size: float = 4
    rows: pd.DataFrame | None = None

    def of(self, facet: pd.DataFrame, keys: Mapping[str, Any]) -> Layer:
        """This layer with its rows, of those that have these values in the columns they have."""
        rows = facet if self.rows is None else self.rows
        for key in set(keys) & set(rows.columns):
            rows = rows[rows[key] == keys[key]]
        return replace(self, rows=rows[values(rows, self.only).astype(bool)] if self.only else rows)

    @cached_property
    def points(self) -> pd.DataFrame:
        """series, x, y, low, high, text, faded, hollow. Raises BenchError for a missing column."""
        assert self.rows is not None
        names = (*POINT, "faded", "hollow")
        found = {name: values(self.rows, getattr(self, name)) for name in names}
        found["series"] = self.name or values(self.rows, self.by)
        kinds = dict.fromkeys(("y", "low", "high"), float) | {"faded": bool, "hollow": bool}
        points = pd.DataFrame(found, index=self.rows.index).astype({"series": str, **kinds})
        return points.drop_duplicates() if self.name else points


@dataclass(frozen=True)
class Panel:
    """Layers on two axes, with guides across: numbers, or columns whose first value it is.

    `flipped` turns the panel: the places of x, mostly names, stand one below another.
    """

    x: Axis
    y: Axis
    layers: tuple[Layer, ...]
    title: str = ""
    guides: tuple[float | str, ...] = ()
    flipped: bool = False
    empty: str = "nothing to show here"
    column: str = ""  # the title of what it stands below, see `figure`

    def of(self, facet: pd.DataFrame, keys: Mapping[str, Any], title: str) -> Panel:
        """This panel, of the rows that have these values in the columns that they have."""
        layers = tuple(layer.of(facet, keys) for layer in self.layers)
        tables = [layer.rows for layer in layers if layer.rows is not None and len(layer.rows)]
        first = tables[0] if tables else facet
        return replace(
            self,
            layers=layers,
            x=replace(self.x, label=filled(self.x.label, first)),
            y=replace(self.y, label=filled(self.y.label, first)),
            title=filled(self.title, first),
            guides=tuple(
                values(first, guide).iloc[0] if isinstance(guide, str) else guide
                for guide in self.guides
                if len(first)
            ),
            column=filled(title, facet),
        )

    @cached_property
    def points(self) -> pd.DataFrame:
        """Those of all layers."""
        return pd.concat([layer.points for layer in self.layers])


def panel(x: Axis, y: Axis, *layers: Layer, **options: Any) -> Panel:
    """A panel of these layers."""
    return Panel(x, y, layers, **options)


@dataclass(frozen=True)
class Figure:
    """Rows of panels; `order` has the place of each series, which is its colour and marker."""

    grid: tuple[tuple[Panel, ...], ...]
    order: Mapping[str, int]
    note: str
    title: str = ""

    def panels(self) -> Iterator[tuple[int, int, Panel]]:
        """Row, column, panel."""
        for row, panels in enumerate(self.grid):
            for place, each in enumerate(panels):
                yield row, place, each

    def numbers(self) -> pd.DataFrame:
        """One row a point, as declared: figure.csv."""
        found = [pd.DataFrame(columns=list(COLUMNS))]
        for row, place, each in self.panels():
            about = {"panel": f"{row + 1}.{place + 1}", "column": each.column, "title": each.title}
            about |= {"x_axis": each.x.label, "y_axis": each.y.label}
            for layer in each.layers:
                points = layer.points.assign(**about, kind=layer.look, thin=layer.thin)
                looks = points[["faded", "hollow", "thin"]]
                points["look"] = [", ".join(looks.columns[row]) for row in looks.to_numpy(bool)]
                found.append(points[list(COLUMNS)])
        return pd.concat([each for each in found if len(each)] or found, ignore_index=True)


def figure(
    table: pd.DataFrame,
    panels: Sequence[Panel],
    cells: Sequence[str] | Mapping[str, int],
    note: str,
    by: Sequence[str] = (),
    title: str = "{task}, T = {T}",
    *,
    finding: str = "",
) -> Figure:
    """The panels, one below another, for each combination of the columns `by`, side by side.

    Those of one combination alone stand in one line, four or more in two; so does one panel of each
    of several combinations. `cells` are the series,
    in the order of the config, or others with a place each. `title` is that of a column, `finding`
    that of the figure: what it shows, in a sentence. Raises BenchError where a panel names a column
    that its table lacks.
    """
    columns = []
    for keys in table[list(by)].drop_duplicates().to_dict("records") if by else [{}]:
        facet = table
        for key, value in keys.items():
            facet = facet[facet[key] == value]
        columns.append([each.of(facet, keys, title if by else "") for each in panels])
    grid = list(zip(*columns))
    if len(columns) == 1 or len(panels) == 1:
        line = [each for column in columns for each in column]
        wide = len(line) if len(line) < 4 else ceil(len(line) / 2)
        grid = [tuple(line[i : i + wide]) for i in range(0, len(line), wide)]
    order = cells if isinstance(cells, Mapping) else cell_places(cells)
    made = Figure(tuple(grid), order, filled(note, table), finding)
    made.numbers()  # which reads every column
    return made


def values(rows: pd.DataFrame, what: Any) -> Any:
    """A column, an expression of columns, or a value. Raises BenchError for a missing column."""
    if not isinstance(what, str):
        return what
    try:
        return rows[what] if what in rows else rows.eval(what)
    except UndefinedVariableError as error:
        raise unknown("figure: column", str(error).split("'")[1], map(str, rows.columns)) from error


def filled(text: str, rows: pd.DataFrame) -> str:
    """A text with what the columns hold that it names in braces: a word, or `4-10` of numbers."""
    found = {}
    for name in {name for _, name, _, _ in Formatter().parse(text) if name}:
        known = values(rows, name).dropna()
        if pd.api.types.is_numeric_dtype(known):
            ends = (known.min(), known.max()) if len(known) else (0, 0)
            found[name] = "-".join(dict.fromkeys(f"{end:.10g}" for end in ends))
        else:
            found[name] = next(iter(known), "")
    return text.format(**found)
