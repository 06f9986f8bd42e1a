"""What learns. One family a file, equations first. Imports torch, spec and registry."""

from lstm_bench.cells import initialise
from lstm_bench.cells.base import Cell, Params, State, create, registry
from lstm_bench.cells.linear import LinearCell, over_time

__all__ = [
    "Cell",
    "LinearCell",
    "Params",
    "State",
    "create",
    "initialise",
    "over_time",
    "registry",
]
