"""What a cell promises of its gradients, and of its numbers after thousands of steps."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from lstm_bench.cells.base import Cell, Params
from lstm_bench.check.cells.sampling import (
    INPUTS,
    WIDE,
    network_of,
    random_inputs,
    random_params,
    random_state,
    unrolled,
    width_of,
)
from lstm_bench.check.promises import hold

SMALL = 1e-6  # the half of a finite difference, in float64
ALLOWED = 1e-5  # of a slope and of the largest one


def has_the_gradient_of_its_equations(cell: Cell) -> None:
    """Autograd against finite differences, for every weight, the inputs and the first state.

    Along a random direction of each, not number by number. Untrained weights are the exception:
    none of them may have a gradient.
    """
    params, names = random_params(cell), list(network_of(cell).layout.slots)
    leaves = {name: params[name][:1].clone() for name in names}
    leaves["the input"] = random_inputs()[:4, :1, :, :2].clone()
    state = [part[:1, :, :2].clone() for part in random_state(cell)]
    parts = {f"the first {name}": part for name, part in zip(cell.state, state)}
    leaves |= parts

    def run(given: dict[str, Tensor]) -> Tensor:
        start = tuple(given[name] for name in parts)
        p = Params({name: given[name] for name in names})
        hidden, last = unrolled(cell, p, given["the input"], start, [1, 3])
        generator = torch.Generator().manual_seed(5)
        shown = torch.randn(hidden.shape, generator=generator, dtype=hidden.dtype)
        total = (hidden * shown).sum()
        for part in last:
            weights = torch.randn(part.shape, generator=generator, dtype=part.dtype)
            total = total + (part * weights).sum()
        return total

    tracked = {name: leaf.clone().requires_grad_() for name, leaf in leaves.items()}
    found = torch.autograd.grad(run(tracked), list(tracked.values()), allow_unused=True)
    grads = dict(zip(tracked, found))
    for name in cell.untrained:
        hold(grads[name] is None, f"{cell.name} trains {name}, a weight it calls untrained")
    trained = [name for name in leaves if name not in cell.untrained]
    slopes = {name: _slopes(run, leaves, name, grads[name]) for name in trained}
    scale = max(abs(exact) for _, exact in slopes.values())
    for name, (by_autograd, exact) in slopes.items():
        hold(
            abs(by_autograd - exact) <= ALLOWED * (scale + abs(exact)),
            f"{cell.name} has a wrong gradient of {name}: {by_autograd:.4g} along a direction, "
            f"where finite differences give {exact:.4g}",
        )


def _slopes(
    run: Callable[[dict[str, Tensor]], Tensor],
    leaves: dict[str, Tensor],
    name: str,
    gradient: Tensor | None,
) -> tuple[float, float]:
    """Along a random direction of one leaf: by autograd, and by a difference."""
    generator = torch.Generator().manual_seed(6)
    leaf = leaves[name]
    along = torch.randn(leaf.shape, generator=generator, dtype=leaf.dtype)
    with torch.no_grad():
        ahead = run({**leaves, name: leaf + SMALL * along})
        behind = run({**leaves, name: leaf - SMALL * along})
    by_autograd = 0.0 if gradient is None else float((gradient * along).sum())
    return by_autograd, float(ahead - behind) / (2 * SMALL)


def stays_finite_at_its_initialisation(cell: Cell, steps: int = 2000) -> None:
    network = network_of(cell, width=width_of(cell, WIDE))
    params = Params(network.layout.views(network.pack([0, 1], torch.zeros(1))))
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(steps, 2, INPUTS, 8, generator=generator)
    state = cell.initial_state(2, network.width, 8, inputs, INPUTS)
    with torch.no_grad():
        hidden, _ = unrolled(cell, params, inputs, state, range(steps))
    finite = torch.isfinite(hidden).flatten(1).all(1)
    first = int(finite.logical_not().nonzero()[0]) if not finite.all() else steps
    hold(first == steps, f"{cell.name} is not finite from step {first} of {steps} on")
