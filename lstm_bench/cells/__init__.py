"""What learns. One family a file, equations first. Imports torch, spec and registry."""

from lstm_bench.cells import initialise
from lstm_bench.cells.base import Cell, Params, State, create, registry

__all__ = ["Cell", "Params", "State", "create", "initialise", "registry"]
