"""What learns. One family a file, equations first."""

from lstm_bench.cells import initialise
from lstm_bench.cells.base import Cell, Params, State, create, named, registry
from lstm_bench.cells.linear import LinearCell, over_time
from lstm_bench.cells.rows import SequenceCell

__all__ = [
    "Cell",
    "LinearCell",
    "Params",
    "SequenceCell",
    "State",
    "create",
    "initialise",
    "named",
    "over_time",
    "registry",
]
