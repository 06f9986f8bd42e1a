"""What a cell shows: the names of its gates, what runs it."""

from __future__ import annotations

import torch

from lstm_bench.cells.base import Cell, Params
from lstm_bench.engine import compiled, scan
from lstm_bench.engine.network import Network


def gate_names(cell: Cell, inputs: int = 2, width: int = 32, outputs: int = 1) -> tuple[str, ...]:
    """The gates that can be read out, in the order the cell gives them."""
    network = Network(cell, inputs, width, outputs)
    params = Params(network.layout.views(network.pack([0], torch.zeros(1))))
    state = network.initial_state(1, 1, params.V)
    with torch.no_grad():
        return tuple(cell.gates(cell.prepare(params), torch.zeros(1, inputs, 1), state))


def way(cell: Cell) -> str:
    """How a cell goes through time in float32 on a CPU: `kernel`, `scan` or `loop`.

    Asked of the cell alone: the answer is the same with and without a compiler.
    """
    if not isinstance(compiled.derived_from(cell), str):
        return "kernel"
    return "scan" if scan.supports(cell, torch.zeros(0)) else "loop"


def path(cell: Cell) -> str:
    """The same for a reader, and why it is no kernel."""
    why = compiled.derived_from(cell)
    if isinstance(why, str):
        return f"the {way(cell)}: {why}"
    return "a kernel, compiled from the equations of its step"
