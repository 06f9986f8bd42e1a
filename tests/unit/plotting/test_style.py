"""The same bytes for the same data, whatever a matplotlibrc says."""

from __future__ import annotations

import io

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
from PIL import Image

from lstm_bench.plotting.style import KINDS, figure_bytes, paper_style
from lstm_bench.report.formula import formula_uri

OWN = {
    "axes.facecolor": "black",
    "savefig.bbox": "tight",
    "figure.dpi": 55,
    "lines.linestyle": "--",
    "axes.unicode_minus": False,
    "pdf.compression": 0,
    "mathtext.fontset": "cm",
}


def drawn(kind: str) -> bytes:
    with paper_style():
        figure, axes = plt.subplots()
        axes.plot([-1, 2, 1])
        return figure_bytes(figure, kind)


@pytest.mark.parametrize("kind", KINDS)
def test_a_figure_takes_nothing_from_a_matplotlibrc(kind: str):
    plain = drawn(kind)
    with matplotlib.rc_context(OWN):
        assert drawn(kind) == plain


def test_nor_does_a_formula():
    plain = formula_uri(r"\frac{a}{b}")
    with matplotlib.rc_context(OWN):
        assert formula_uri(r"\frac{a}{b}") == plain


def test_a_png_looks_as_drawn_with_a_third_of_the_bytes():
    """No pixel of a heat map, whose colours are many, is further off than the eye can tell."""
    with paper_style():
        figure, axes = plt.subplots()
        axes.imshow(np.add.outer(np.arange(40), np.arange(40)), cmap="viridis")
        full = io.BytesIO()
        figure.savefig(full, format="png")
        few = figure_bytes(figure, "png")
    assert len(few) < 0.6 * len(full.getvalue())
    with Image.open(full) as one, Image.open(io.BytesIO(few)) as other:
        assert one.size == other.size
        assert one.info["dpi"] == other.info["dpi"]
        gap = np.abs(np.asarray(one.convert("RGB"), int) - np.asarray(other.convert("RGB"), int))
    assert gap.max() <= 8
    assert gap.mean() < 0.5
