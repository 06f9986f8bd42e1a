"""Small networks, sequences and states that promises of cells are tried on. float64."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lstm_bench import engine
from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.cells.rows import SequenceCell
from lstm_bench.engine.network import Network

INPUTS, WIDTH, OUTPUTS = 3, 5, 2
REPLICATES, BATCH, STEPS = 3, 4, 6
WIDE = 16  # of what is trained, and of what runs thousands of steps
EXACT = 1e-9  # of float64, for what ought to be equal but may be summed in another order


def width_of(cell: Cell, least: int = WIDTH) -> int:
    """The first width from `least` on that the cell can have."""
    allowed = cell.widths(INPUTS)
    return allowed[max(0, -(-(least - allowed.start) // allowed.step))]


def network_of(cell: Cell, width: int = 0) -> Network:
    return Network(cell, INPUTS, width or width_of(cell), OUTPUTS)


def random_params(cell: Cell, seed: int = 0) -> Params:
    """Every weight and bias away from zero, so that nothing is hidden by a zero."""
    generator = torch.Generator().manual_seed(seed)
    layout = network_of(cell).layout
    flat = torch.randn(REPLICATES, layout.size, generator=generator, dtype=torch.float64)
    return Params(layout.views(0.5 * flat))


def random_inputs(seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    shape = (STEPS, REPLICATES, INPUTS, BATCH)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def random_state(cell: Cell, seed: int = 2) -> State:
    generator = torch.Generator().manual_seed(seed)
    return tuple(
        torch.randn(part.shape, generator=generator, dtype=torch.float64)
        for part in first_state(cell)
    )


def first_state(cell: Cell) -> State:
    like = torch.zeros(1, dtype=torch.float64)
    return cell.initial_state(REPLICATES, width_of(cell), BATCH, like, INPUTS)


def unrolled(
    cell: Cell, params: Params, inputs: Tensor, state: State, steps: Sequence[int]
) -> tuple[Tensor, State]:
    """As `engine.unroll`: one step after another, or a layer's whole sequence."""
    backend = "sequences" if isinstance(cell, SequenceCell) else "loop"
    return engine.unroll(cell, params, inputs, state, steps, backend)


def hidden_states(cell: Cell, params: Params, inputs: Tensor) -> Tensor:
    """(T, R, H, B) from a random initial state."""
    return unrolled(cell, params, inputs, random_state(cell), range(len(inputs)))[0]


def apart(a: Tensor, b: Tensor) -> float:
    """The largest difference; infinite where only one of two numbers is finite."""
    if not a.numel():
        return 0.0
    off = (a - b).abs()
    off = torch.where(a.isnan() & b.isnan(), 0.0, off.nan_to_num(torch.inf))
    return float(off.max())
