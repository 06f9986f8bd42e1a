"""The page of a cell: gates, state, and closed forms of its parameters and operations."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np

from lstm_bench.catalogue.docstrings import option_lines
from lstm_bench.cells import Cell
from lstm_bench.engine.describe import gate_names, path
from lstm_bench.engine.network import Network

INPUTS, OUTPUTS = 2, 1
WIDTHS = (32, 64, 128)
# Terms of a count at d inputs, width h, k outputs, and sizes to find and to check them at.
TERMS: dict[str, Callable[[int, int, int], int]] = {
    "h^2": lambda d, h, k: h * h,
    "h d": lambda d, h, k: h * d,
    "h k": lambda d, h, k: h * k,
    "d k": lambda d, h, k: d * k,
    "h": lambda d, h, k: h,
    "d": lambda d, h, k: d,
    "k": lambda d, h, k: k,
    "": lambda d, h, k: 1,
}
FOUND_AT = [(d, h, k) for d in (1, 2, 5) for h in (16, 32, 48) for k in (1, 3)]
CHECKED_AT = [(3, 64, 2), (7, 96, 5), (1, 128, 1)]
Count = Callable[[int, int, int], int]


def lines(cls: type[Cell]) -> list[str]:
    """Everything below the docstring, but for citation and source."""
    cell: Cell = cls()
    gates = ", ".join(gate_names(cell)) or "none"
    roles = ", ".join(f"{gate} {role}s" for role, gate in cell.roles.items())
    found = [
        *([f"formula    {cls.formula}"] if cls.formula else []),
        f"gates      {gates}",
        *([f"roles      {roles}"] if roles else []),
        f"state      {', '.join(cell.state)}; the readout sees {cell.state[0]}",
        f"run by     {path(cell)}",
        "",
        *_table(cell),
        "parameters and FLOPs of the cell, without the readout; d inputs, width h, k outputs",
        "",
    ]
    for name, count in (("parameters", cell.parameters), ("FLOPs/step", cell.flops)):
        form = closed_form(count)
        found += [f"{name:10} {form}"] if form else []
    return [*found, *option_lines(cls)]


def _table(cell: Cell) -> list[str]:
    rows = [("h", "parameters", "state", "FLOPs/step")]
    for width in WIDTHS:
        count = cell.parameters(INPUTS, width, OUTPUTS)
        state = Network(cell, INPUTS, width, OUTPUTS).state_size
        flops = cell.flops(INPUTS, width, OUTPUTS)
        rows.append((str(width), f"{count:,}", str(state), f"{flops:,}"))
    head = f"at d={INPUTS}, k={OUTPUTS}"
    return [head, *("  ".join(each.rjust(10) for each in row) for row in rows)]


def closed_form(count: Count) -> str:
    """A count as a polynomial in d, h, k, found at some sizes and checked at others; or ""."""
    design = np.array([[term(*at) for term in TERMS.values()] for at in FOUND_AT], dtype=float)
    try:
        values = np.array([count(*at) for at in FOUND_AT], dtype=float)
        solved = np.linalg.lstsq(design, values, rcond=None)[0]
        factors = [Fraction(float(f)).limit_denominator(4) for f in solved]
        for at in [*FOUND_AT, *CHECKED_AT]:
            if sum(f * term(*at) for f, term in zip(factors, TERMS.values())) != count(*at):
                return ""
    except Exception:  # a cell that cannot have one of these widths has no form to show
        return ""
    return _written(dict(zip(TERMS, factors))) or "0"


def _written(factors: dict[str, Any]) -> str:
    terms = []
    for name, factor in factors.items():
        if factor:
            size = "" if abs(factor) == 1 and name else str(abs(factor))
            terms.append(("-" if factor < 0 else "+", f"{size} {name}".strip()))
    joined = " ".join(f"{sign} {term}" for sign, term in terms)
    return joined.removeprefix("+ ")
