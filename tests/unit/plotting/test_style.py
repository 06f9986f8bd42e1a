"""The same bytes for the same data, whatever a matplotlibrc says."""

from __future__ import annotations

import matplotlib
import matplotlib.pyplot as plt
import pytest

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
