"""What a reader would see of the words of a figure: whether they are whole, and apart."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

SLACK = 1.0  # points: boxes of text have a margin of their own


def faults(figure: Figure) -> list[str]:
    """Words that leave the figure or lie on others."""
    figure.draw_without_rendering()
    scale = 72 / figure.dpi
    page = Bbox([[0, 0], figure.get_size_inches() * 72])
    boxes = [
        (name, Bbox(text.get_window_extent().get_points() * scale)) for name, text in words(figure)
    ]
    found = [
        f"{name} leaves the figure by {out:.0f} pt"
        for name, box in boxes
        if (out := _outside(box, page)) > SLACK
    ]
    found += [
        f"{one} lies on {other}"
        for (one, a), (other, b) in combinations(boxes, 2)
        if _shared(a, b) > SLACK
    ]
    return found


def words(figure: Figure) -> list[tuple[str, Any]]:
    """Every text that is drawn, with a name for it."""
    found = [("a text", text) for text in figure.texts]  # the note is one of them
    for legend in figure.legends:
        found += [("the legend", text) for text in (*legend.get_texts(), legend.get_title())]
    for place, axes in enumerate(figure.axes):
        if not axes.get_visible():
            continue
        for axis, way in ((axes.xaxis, "x"), (axes.yaxis, "y")):
            low, high = sorted(axis.get_view_interval())
            ticks = (
                *zip(axis.get_majorticklocs(), axis.get_majorticklabels()),
                *zip(axis.get_minorticklocs(), axis.get_minorticklabels()),
            )
            found += [
                (f"tick {way} of panel {place}", label) for at, label in ticks if low <= at <= high
            ]
            found.append((f"label {way} of panel {place}", axis.label))
        found += [(f"title of panel {place}", t) for t in (axes.title, axes._left_title)]
        found += [(f"a text in panel {place}", text) for text in axes.texts]
    return [
        (f"{name} {text.get_text()!r}", text)
        for name, text in found
        if text is not None and text.get_visible() and text.get_text().strip()
    ]


def _outside(box: Bbox, page: Bbox) -> float:
    return max(page.x0 - box.x0, page.y0 - box.y0, box.x1 - page.x1, box.y1 - page.y1)


def _shared(a: Bbox, b: Bbox) -> float:
    """How deep two boxes lie in each other, the less deep way; 0 where they are apart."""
    wide, high = min(a.x1, b.x1) - max(a.x0, b.x0), min(a.y1, b.y1) - max(a.y0, b.y0)
    return max(0.0, min(wide, high))
