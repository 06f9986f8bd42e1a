"""One panel of a figure on matplotlib's axes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lstm_bench.plotting.axes import (
    STEP,
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
    from matplotlib.axes import Axes

NAME = 1.5  # inches of a name on an axis or in the legend
FADED = 0.3  # opacity
MARKS = ("line", "points")
GUIDE = "#999999"
BAND = "#f2f2f2"
SEVERAL = "#666666"  # a text at the edge that stands for several series


def most_lines(points: pd.DataFrame) -> int:
    """How many series share a place, at most."""
    known = points[points.y.notna()]
    return int(known.groupby("x").series.nunique().max()) if len(known) else 1


class Canvas:
    """One panel on its axes."""

    def __init__(self, axes: Axes, panel: Panel, figure: Figure, size: tuple[float, float]) -> None:
        self.axes, self.panel, self.size = axes, panel, size
        self.points = panel.points
        own = dict.fromkeys(self.points.series)
        self.series = [name for name in dict.fromkeys([*figure.order, *own]) if name in own]
        self.styles = {n: place_style(figure.order.get(n, len(figure.order))) for n in own}
        self.names = list(panel.x.names or dict.fromkeys(self.points.x))
        self.lines = len(self.series) if most_lines(self.points) > 1 else 1
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

    def _places(self, layer: Layer, name: str, x: pd.Series, y: pd.Series) -> np.ndarray:
        """Where points stand along x: beside those of other series where bars would hide them."""
        place = self.series.index(name) if self.lines > 1 else 0
        if self.panel.x.scale == "names":
            at = np.array([self.names.index(each) for each in x], dtype=float)
            if layer.look == "points" and not layer.low:
                at += spread(list(zip(at, y)), 0.4 / self.lines)
            step = (
                STEP if layer.look == "points" else 0.06
            )  # of lines, which lead from place to place
            return at + dodge_shift(place, self.lines, step)
        at = x.to_numpy(dtype=float)
        if layer.look not in MARKS or not self.barred:
            return at
        every = self.panel.layers[0].points.x.astype(float)
        if self.panel.x.scale in ("lengths", "log"):
            return at * dodge_factor(place, self.lines, every.tolist())
        return at + dodge_shift(place, self.lines, 0.008) * np.ptp(every)

    def _series(self, layer: Layer, name: str, own: pd.DataFrame) -> None:
        at = self._places(layer, name, own.x, own.y)
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
        gap = 8.5 / 72 / max(0.5, self.size[1] - 0.65)
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
            if self.lines > 1:  # which rows belong to a name
                axes.grid(visible=False, axis="y")
                for place in range(1, count, 2):
                    axes.axhspan(place - 0.5, place + 0.5, color=BAND, linewidth=0, zorder=-1)
            return
        room = size / count
        words = [word for name in shown for word in str(name).split()]
        upright = max((letters(word + " ", 7.5) for word in words), default=0) > room
        names = [fitted(name, NAME if upright else room, 7.5) for name in shown]
        axes.set_xticks(range(count), names, rotation=90 if upright else 0)
        axes.set_xlim(-0.5, count - 0.5)
