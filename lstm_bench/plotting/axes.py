"""Where points stand on an axis, which ticks it has, and how long a text it has room for."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

LABELLED = 10  # lengths on an axis, at most one more
AROUND = 2.0  # an axis of one length T reaches from T / 2 to 2 T
LETTER = 0.56  # the width of one, in units of the font's size
STEP = 0.25  # between series at one named place, at most


def dodge_factor(place: int, lines: int, lengths: Sequence[float]) -> float:
    """The factor that puts the bars of this line beside their length, so that none hides another.

    3.5 % a line, or less where all of them would take more than half of a gap between lengths.
    """
    gap = min((b / a for a, b in pairwise(sorted(set(lengths)))), default=2.0)
    step = min(1.035, gap ** (0.5 / max(1, lines - 1)))
    return float(step ** (place - (lines - 1) / 2))


def dodge_shift(place: int, lines: int, step: float = STEP) -> float:
    """How far from its tick this line's point stands, so that those of one tick stay together."""
    return min(step, 0.8 / max(1, lines)) * (place - (lines - 1) / 2)


def spread(points: Sequence[tuple[float, float]], width: float) -> np.ndarray:
    """Shifts within `width` that part points which would lie on each other, in their order."""
    seen = Counter(points)
    step = width / max(5, *seen.values(), 1)
    order: Counter[tuple[float, float]] = Counter()
    shifts = []
    for point in points:
        shifts.append(step * (order[point] - (seen[point] - 1) / 2))
        order[point] += 1
    return np.array(shifts)


def stacked(heights: Sequence[float], gap: float) -> list[float]:
    """Heights between 0 and 1, in rising order, as they are but at least `gap` apart."""
    places = list(heights)
    for i in range(1, len(places)):  # up from the lowest, then down again from the top
        places[i] = max(places[i], places[i - 1] + gap)
    for i in reversed(range(len(places))):
        places[i] = min(places[i], 1.0 if i == len(places) - 1 else places[i + 1] - gap)
    return places


def log_ticks(axis: Axis, narrow: float) -> None:
    """Ticks of a logarithmic axis: decades, or 1, 2 and 5 of each up to a width of `narrow`.

    Where fewer than two of those are in sight, round numbers. matplotlib's own label what lies
    between where there is no room for it.
    """
    from matplotlib.ticker import FixedLocator, MaxNLocator

    low, high = axis.get_view_interval()
    if high / low <= narrow:
        decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)) + 1)
        marks = np.outer(decades, (1, 2, 5)).ravel()
        seen = marks[(marks >= low) & (marks <= high)]
        axis.set_major_locator(
            FixedLocator(seen.tolist())
            if len(seen) > 1
            else MaxNLocator(4, steps=[1, 2, 2.5, 5, 10])
        )
    if low > 1e-4 and high < 1e5:
        axis.set_major_formatter("{x:g}")
    axis.set_minor_formatter("")


def log_lengths(axes: Axes, lengths: Sequence[float], inches: float = 3.0) -> None:
    """A logarithmic axis of lengths, sizes or rates: a tick each, labelled where they lie apart.

    Labels for which an axis so many inches long has no room are turned upright.
    """
    axes.set_xscale("log")
    ordered = sorted(set(lengths))
    whole = ordered[-1] / ordered[0]
    named = ordered[:1]
    for T in ordered[1:]:
        if T >= named[-1] * whole ** (1 / LABELLED):
            named.append(T)
    axes.set_xticks(ordered, [f"{T:.10g}" if T in named else "" for T in ordered])
    axes.minorticks_off()
    # a tenth of the axis lies outside its first and last tick
    gaps = [0.9 * np.log(b / a) / np.log(whole) * inches for a, b in pairwise(named)]
    needed = [letters(f"{a:.10g}{b:.10g}  ", 7.5) / 2 for a, b in pairwise(named)]
    if any(gap < need for gap, need in zip(gaps, needed)):
        axes.tick_params(axis="x", labelrotation=90)
    if len(ordered) == 1 or not np.isfinite(axes.dataLim.intervalx).all():
        # a point has no range, and the lines beside it would be all of the axis
        axes.set_xlim(ordered[0] / AROUND, ordered[-1] * AROUND)


def letters(text: str, size: float) -> float:
    """About how many inches a line of text is long, in letters of so many points."""
    return len(text) * LETTER * size / 72


def fitted(text: Any, inches: float, size: float) -> str:
    """A text letter by letter (`$` would begin a formula), in lines of at most so many inches."""
    most = max(6, int(inches / letters("x", size)))
    lines = []
    for line in (f"{text:g}" if isinstance(text, float) else str(text)).splitlines():
        least = len(textwrap.wrap(line, most))  # lines, which are then made of one length
        longest = min(most, max(map(len, line.split()), default=1))
        widths = range(longest, most + 1)
        lines += textwrap.wrap(
            line, next(w for w in widths if len(textwrap.wrap(line, w)) <= least)
        )
    return "\n".join(lines).replace("$", r"\$")
