"""What a cell shows: the names of its gates, the sizes of its state, what runs it."""

from __future__ import annotations

import torch

from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.engine import backend_for, compiled
from lstm_bench.engine.network import Network


def gate_names(cell: Cell, inputs: int = 2, width: int = 32, outputs: int = 1) -> tuple[str, ...]:
    """The gates that can be read out, in the order the cell gives them."""
    params, state = _started(cell, inputs, width, outputs)
    with torch.no_grad():
        return tuple(cell.gates(cell.prepare(params), torch.zeros(1, inputs, 1), state))


def state_sizes(cell: Cell, inputs: int, width: int, outputs: int) -> tuple[int, ...]:
    """Numbers a sequence carries from step to step, for each part of the state."""
    _, state = _started(cell, inputs, width, outputs)
    return tuple(part[0, ..., 0].numel() for part in state)


def path(cell: Cell) -> str:
    """What runs a cell in float32 on a CPU with a compiler, and why not a kernel of its own."""
    found = compiled.derived_from(cell)
    if isinstance(found, str):
        other = backend_for(cell, "auto", torch.zeros(0, dtype=torch.float64))
        return f"the {other}: {found}"
    return "a kernel, compiled from the equations of its step"


def _started(cell: Cell, inputs: int, width: int, outputs: int) -> tuple[Params, State]:
    network = Network(cell, inputs, width, outputs)
    weights = network.pack([0], torch.zeros(1))
    params = Params(network.layout.views(weights))
    return params, cell.initial_state(1, width, 1, params.V, inputs)
