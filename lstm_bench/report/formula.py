"""Formulas as pictures, so that the page needs no script and no network."""

from __future__ import annotations

import base64

from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import MathTextParser

from lstm_bench.plotting.style import figure_bytes

POINTS = 72  # of an inch
# nothing of the user's matplotlibrc, and the same bytes for the same formula
STYLE = ("default", {"svg.hashsalt": "lstm_bench"})


def data_uri(data: bytes, kind: str) -> str:
    """A picture as text that an <img> takes."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def formula_uri(latex: str) -> str | None:
    """An SVG of the formula, or None where matplotlib cannot set it."""
    text = f"${latex}$"
    try:
        with style.context(STYLE):
            font = FontProperties(size=9.5)
            size = MathTextParser("path").parse(text, dpi=POINTS, prop=font)
            figure = Figure(figsize=(size.width / POINTS, size.height / POINTS))
            figure.text(0, size.depth / size.height, text, fontproperties=font)
            return data_uri(figure_bytes(figure, "svg"), "image/svg+xml")
    except (ValueError, RuntimeError):
        return None
