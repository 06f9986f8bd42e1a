"""What every cell promises, as functions that fail with a sentence; see `contracts.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from lstm_bench.cells.base import READOUT, Cell, Params, State
from lstm_bench.engine import loop
from lstm_bench.engine.network import Network
from tests.contract.contracts import disturb_global_generators, global_states

INPUTS, WIDTH, OUTPUTS = 3, 5, 2
REPLICATES, BATCH, STEPS = 3, 4, 6


def width_of(cell: Cell) -> int:
    """The first width from WIDTH on that the cell can have."""
    return next(width for width in range(WIDTH, 2 * WIDTH) if width in cell.widths(INPUTS))


def weights_of(cell: Cell, seed: int) -> dict[str, np.ndarray]:
    return cell.init(np.random.default_rng(seed), INPUTS, width_of(cell), OUTPUTS)


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


def hidden_states(cell: Cell, params: Params, inputs: Tensor) -> Tensor:
    """(T, R, H, B) from a random initial state."""
    return loop.unroll(cell, params, inputs, random_state(cell), range(len(inputs)))[0]


def initialises_from_its_generator_alone(cell: Cell) -> None:
    drawn = []
    for disturbance in (1, 2):
        disturb_global_generators(disturbance)
        before = global_states()
        drawn.append({k: v.tobytes() for k, v in weights_of(cell, 0).items()})
        assert global_states() == before, f"{cell.name} moves a global random generator"
    assert drawn[0] == drawn[1], f"{cell.name} initialises from something else than its generator"
    other = {k: v.tobytes() for k, v in weights_of(cell, 1).items()}
    assert other != drawn[0], f"two seeds give {cell.name} the same weights"


def has_the_shapes_it_states(cell: Cell) -> None:
    sizes = INPUTS, width_of(cell), OUTPUTS
    weights, shapes = weights_of(cell, 7), cell.shapes(*sizes)
    trained = sum(v.size for k, v in weights.items() if k not in cell.untrained)
    assert set(cell.untrained) <= set(weights)
    assert {k: v.shape for k, v in weights.items()} == shapes
    assert cell.parameters(*sizes) == trained
    matrices = sum(v.size for v in weights.values() if v.ndim == 2)
    vectors = sum(v.size for v in weights.values() if v.ndim == 1)
    flops = cell.flops(*sizes)
    assert 2 * matrices <= flops <= 2 * matrices + 4 * vectors, (
        f"{cell.name} counts {flops} operations for {matrices} weights of matrices"
    )
    assert all(np.isfinite(v).all() for v in weights.values())
    assert not set(READOUT) & set(weights)
    readout = OUTPUTS * (width_of(cell) + 1)
    assert network_of(cell).parameters == trained + readout


def steps_to_a_state_of_the_same_shape(cell: Cell) -> None:
    state = first_state(cell)
    assert len(state) == len(cell.state)
    after = cell.step(cell.prepare(random_params(cell)), random_inputs()[0], state)
    assert state[0].shape == (REPLICATES, width_of(cell), BATCH)
    assert [part.shape for part in after] == [part.shape for part in state]
    assert {part.dtype for part in (*state, *after)} == {torch.float64}


def sees_no_future(cell: Cell) -> None:
    params, inputs = random_params(cell), random_inputs()
    before = hidden_states(cell, params, inputs)
    for k in range(STEPS):
        changed = inputs.clone()
        changed[k] += 1
        after = hidden_states(cell, params, changed)
        assert torch.equal(after[:k], before[:k]), f"{cell.name} sees input {k} before step {k}"
        assert not torch.equal(after[k], before[k]), f"{cell.name} does not see its input"


def keeps_sequences_apart(cell: Cell) -> None:
    params, inputs = random_params(cell), random_inputs()
    before = hidden_states(cell, params, inputs)
    for b in range(BATCH):
        changed = inputs.clone()
        changed[..., b] = float("nan")
        after = hidden_states(cell, params, changed)
        rest = [i for i in range(BATCH) if i != b]
        assert torch.equal(after[..., rest], before[..., rest]), (
            f"in {cell.name} a sequence depends on another of its batch"
        )


def keeps_replicates_apart(cell: Cell) -> None:
    params, inputs = random_params(cell), random_inputs()
    before = hidden_states(cell, params, inputs)
    for r in range(REPLICATES):
        changed = {name: value.clone() for name, value in params.items()}
        for value in changed.values():
            value[r] = float("nan")
        after = hidden_states(cell, Params(changed), inputs)
        rest = [i for i in range(REPLICATES) if i != r]
        assert torch.equal(after[:, rest], before[:, rest]), (
            f"in {cell.name} a replicate depends on another"
        )


def has_the_gradient_of_its_equations(cell: Cell) -> None:
    """Autograd against finite differences, for every weight, the inputs and the first state.

    Untrained weights are the exception: none of them may have a gradient. Each input and output is
    compared along a random direction, not number by number, which takes a tenth of the time.
    """
    params, names = random_params(cell), list(network_of(cell).layout.slots)
    names.sort(key=lambda name: name in cell.untrained)
    weights = [params[name][:1].clone().requires_grad_() for name in names]
    trained = len(names) - len(cell.untrained)
    inputs = random_inputs()[:4, :1, :, :2].clone().requires_grad_()
    state = [part[:1, :, :2].clone().requires_grad_() for part in random_state(cell)]

    def run(*tensors: Tensor) -> tuple[Tensor, ...]:
        p = Params(dict(zip(names, tensors)))
        x, start = tensors[len(names)], tensors[len(names) + 1 :]
        hidden, last = loop.unroll(cell, p, x, start, [1, 3])
        return hidden, *last

    if cell.untrained:
        hidden, *_ = run(*weights, inputs, *state)
        found = torch.autograd.grad(hidden.sum(), weights[trained:], allow_unused=True)
        assert all(g is None for g in found), f"{cell.name} trains a weight it calls untrained"
        weights[trained:] = [weight.detach() for weight in weights[trained:]]
    assert torch.autograd.gradcheck(run, (*weights, inputs, *state), fast_mode=True)


def stays_finite_at_its_initialisation(cell: Cell, steps: int = 2000) -> None:
    network = network_of(cell, width=16)
    params = Params(network.layout.views(network.pack([0, 1], torch.zeros(1))))
    generator = torch.Generator().manual_seed(0)
    inputs = torch.randn(steps, 2, INPUTS, 8, generator=generator)
    state = cell.initial_state(2, 16, 8, inputs, INPUTS)
    with torch.no_grad():
        hidden, _ = loop.unroll(cell, params, inputs, state, [steps - 1])
    assert torch.isfinite(hidden).all(), f"{cell.name} overflows within {steps} steps"


def has_bounded_gates(
    cell: Cell, sigmoids: str = "", bounds: Mapping[str, float] | None = None
) -> None:
    """Gates in (-1, 1), or within a bound of their own, and `sigmoids` in (0, 1)."""
    gates = cell.gates(cell.prepare(random_params(cell)), random_inputs()[0], random_state(cell))
    for name, values in gates.items():
        bound = (bounds or {}).get(name, 1.0)
        assert (values.shape[0], values.shape[2]) == (REPLICATES, BATCH)
        assert values.abs().max() < bound, f"gate {name} of {cell.name} leaves (-{bound}, {bound})"
    for name in sigmoids:
        assert gates[name].min() > 0, f"gate {name} of {cell.name} leaves (0, 1)"
        assert gates[name].max() < 1, f"gate {name} of {cell.name} leaves (0, 1)"


def describes_itself(cell: Cell) -> None:
    assert cell.__doc__
    assert "h_t" in cell.__doc__, f"the docstring of {cell.name} has no equation of h_t"
    assert cell.formula, f"{cell.name} has no formula"
    assert re.search(r"\b(19|20)\d\d\b", cell.citation), f"{cell.name} cites nothing with a year"
    assert re.fullmatch(r"[a-z][a-z0-9_]*", cell.name)
    assert cell.state[0] == "h"
