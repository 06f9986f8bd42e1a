"""One style for every figure: paper widths, embedded fonts, dates left out."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from PIL import Image, ImageChops

from lstm_bench.errors import BenchError, unknown

KINDS = ("svg", "pdf", "png")
FAR, FEW = 16, 0.004  # a colour is so far off, of 255, in so small a share of a picture: edges
NOTE_LETTERS = 18.5  # of 7 points, in an inch


@contextmanager
def paper_style() -> Iterator[None]:
    """Fonts as outlines in SVG, embedded in PDF; the same bytes for the same data."""
    import seaborn as sns  # half a second, which tables and verdicts need not wait for

    settings = {
        **sns.axes_style("ticks"),
        **sns.plotting_context("paper"),
        "font.family": "DejaVu Sans",
        "font.size": 8,
        "axes.titlesize": 8.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.labelsize": 8,
        "xtick.labelsize": 7.5,
        "ytick.labelsize": 7.5,
        "legend.fontsize": 7.5,
        "legend.frameon": False,
        "lines.linewidth": 1.4,
        "lines.markersize": 4.5,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": "#e6e6e6",
        "grid.linewidth": 0.6,
        "svg.fonttype": "path",
        "svg.hashsalt": "lstm_bench",
        "pdf.fonttype": 42,
        "savefig.dpi": 200,
        "figure.constrained_layout.use": True,
    }
    with plt.style.context(["default", settings]):  # and nothing of the user's matplotlibrc
        yield
        plt.close("all")


def empty_figure(text: str) -> Figure:
    """A figure that says why there is nothing to see."""
    lines = textwrap.wrap(text, round(NOTE_LETTERS * 3.5))
    figure = plt.figure(figsize=(3.5, max(1, 0.5 + 0.13 * len(lines))))
    figure.text(0.5, 0.5, "\n".join(lines), ha="center", va="center", fontsize=7)
    return figure


def figure_bytes(figure: Figure, kind: str) -> bytes:
    """The figure as svg, pdf or png, without a date in it.

    A PNG has 256 colours, and a third of the bytes, where they are all but those it was drawn in.
    """
    buffer = io.BytesIO()
    metadata = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[kind]
    figure.savefig(buffer, format=kind, metadata=metadata)
    if kind == "png":
        with Image.open(buffer) as drawn:
            whole = drawn.convert("RGB")
            few = whole.quantize(256, dither=Image.Dither.NONE)
            gap = np.asarray(ImageChops.difference(whole, few.convert("RGB"))).max(axis=2)
            if (gap > FAR).mean() <= FEW:
                buffer = io.BytesIO()
                few.save(buffer, kind, optimize=True, dpi=drawn.info["dpi"])
    return buffer.getvalue()


def write_figure(figure: Figure, output: str) -> Path:
    """The figure as what the name ends in. Raises BenchError for another kind or no such folder."""
    path = Path(output)
    kind = path.suffix.removeprefix(".")
    if kind not in KINDS:
        raise unknown("--output: kind", kind, KINDS)
    try:
        path.write_bytes(figure_bytes(figure, kind))
    except OSError as error:
        raise BenchError(f"--output: {output} cannot be written: {error.strerror}.") from error
    return path
