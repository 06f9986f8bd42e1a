"""Formulas as pictures, so that the page needs no script and no network."""

from __future__ import annotations

import base64
import io

from matplotlib import mathtext, style
from matplotlib.font_manager import FontProperties


def data_uri(data: bytes, kind: str) -> str:
    """A picture as text that an <img> takes."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def formula_uri(latex: str) -> str | None:
    """An SVG of the formula, or None where matplotlib cannot set it."""
    buffer = io.BytesIO()
    try:
        with style.context("default"):  # and nothing of the user's matplotlibrc
            mathtext.math_to_image(f"${latex}$", buffer, FontProperties(size=9.5), format="svg")
    except (ValueError, RuntimeError):
        return None
    return data_uri(buffer.getvalue(), "image/svg+xml")
