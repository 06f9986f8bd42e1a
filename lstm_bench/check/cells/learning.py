"""What a cell promises of training: that it learns the least there is to remember."""

from __future__ import annotations

import torch

from lstm_bench.cells.base import Cell
from lstm_bench.check.cells.sampling import WIDE, width_of
from lstm_bench.check.promises import hold
from lstm_bench.engine.network import Network
from lstm_bench.training.clipping import clip
from lstm_bench.training.optimisers import create

STEPS, BATCH, SEEDS = 8, 32, (0, 1)
UPDATES = 150
RATES = (0.01, 0.03, 0.003)
LEARNT = 0.8  # of the chance loss: what remembers nothing stays at 1


def learns_a_lag_of_one(cell: Cell) -> None:
    """y_t = x_{t-1}, x of -1 and 1 at random, so that the loss of chance is 1."""
    lowest = float("inf")
    for rate in RATES:
        lowest = min(lowest, _trained(cell, rate))
        if lowest <= LEARNT:
            break
    hold(
        lowest <= LEARNT,
        f"{cell.name} does not learn to repeat the input before the last: after {UPDATES} updates "
        f"its loss is {lowest:.2f} of the chance loss",
    )


def _trained(cell: Cell, rate: float) -> float:
    """The lowest loss of an update that a seed comes to."""
    network = Network(cell, 1, width_of(cell, WIDE), 1)
    weights = network.pack(SEEDS, torch.zeros(1))
    backend = network.backend(weights)
    optimiser = create("adam", weights, rate, 0.0)
    generator, lowest = torch.Generator().manual_seed(0), float("inf")
    for update in range(1, UPDATES + 1):
        x = torch.randint(0, 2, (STEPS, len(SEEDS), 1, BATCH), generator=generator) * 2.0 - 1
        leaves = network.layout.leaves(weights)
        y = network.outputs_at(leaves, x, range(1, STEPS), backend=backend)
        target = x[:-1].permute(1, 2, 0, 3).flatten(2)
        losses = (y - target).square().mean((1, 2))
        found = torch.autograd.grad(losses.sum(), list(leaves.values()), allow_unused=True)
        flat = torch.zeros_like(weights)
        for view, gradient in zip(network.layout.views(flat).values(), found):
            if gradient is not None:
                view.copy_(gradient)
        clip(flat, "norm", 1.0)
        optimiser.step(weights, flat, update)
        lowest = min(lowest, float(losses.detach().nan_to_num(torch.inf).min()))
        if lowest <= LEARNT:
            break
    return lowest
