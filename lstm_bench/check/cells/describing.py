"""What a cell promises of its weights, its shapes and what it says of itself."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import torch

from lstm_bench.cells.base import READOUT, Cell
from lstm_bench.check.cells.sampling import (
    BATCH,
    INPUTS,
    OUTPUTS,
    REPLICATES,
    first_state,
    network_of,
    random_inputs,
    random_params,
    random_state,
    width_of,
)
from lstm_bench.check.promises import disturb_global_generators, global_states, hold


def weights_of(cell: Cell, seed: int) -> dict[str, np.ndarray]:
    return cell.init(np.random.default_rng(seed), INPUTS, width_of(cell), OUTPUTS)


def initialises_from_its_generator_alone(cell: Cell) -> None:
    drawn = []
    for disturbance in (1, 2):
        disturb_global_generators(disturbance)
        before = global_states()
        drawn.append({k: v.tobytes() for k, v in weights_of(cell, 0).items()})
        hold(global_states() == before, f"{cell.name} moves a global random generator")
    hold(drawn[0] == drawn[1], f"{cell.name} initialises from something else than its generator")
    other = {k: v.tobytes() for k, v in weights_of(cell, 1).items()}
    hold(other != drawn[0], f"two seeds give {cell.name} the same weights")


def has_the_shapes_it_states(cell: Cell) -> None:
    sizes = INPUTS, width_of(cell), OUTPUTS
    weights, shapes = weights_of(cell, 7), cell.shapes(*sizes)
    trained = sum(v.size for k, v in weights.items() if k not in cell.untrained)
    unknown = sorted(set(cell.untrained) - set(weights))
    hold(not unknown, f"{cell.name} draws no {unknown}, which it calls untrained")
    found = {k: v.shape for k, v in weights.items()}
    hold(found == shapes, f"{cell.name} draws weights of shapes {found}, but states {shapes}")
    count = cell.parameters(*sizes)
    hold(count == trained, f"{cell.name} counts {count} parameters, but draws {trained}")
    matrices = sum(v.size for v in weights.values() if v.ndim > 1)
    vectors = sum(v.size for v in weights.values() if v.ndim <= 1)
    flops = cell.flops(*sizes)
    hold(
        2 * matrices <= flops <= 2 * matrices + 4 * vectors,
        f"{cell.name} counts {flops} operations for {matrices} weights of matrices",
    )
    for name, value in weights.items():
        hold(np.isfinite(value).all(), f"{cell.name} draws a {name} that is not finite")
    taken = sorted(set(READOUT) & set(weights))
    hold(not taken, f"{cell.name} calls weights {taken}, which are the readout's")
    whole, readout = network_of(cell).parameters, OUTPUTS * (width_of(cell) + 1)
    hold(
        whole == trained + readout,
        f"a network of {cell.name} counts {whole} parameters, not {trained} + {readout}",
    )


def steps_to_a_state_of_the_same_shape(cell: Cell) -> None:
    state = first_state(cell)
    hold(
        len(state) == len(cell.state),
        f"{cell.name} names {len(cell.state)} parts of its state and starts with {len(state)}",
    )
    after = cell.step(cell.prepare(random_params(cell)), random_inputs()[0], state)
    wide = (REPLICATES, width_of(cell), BATCH)
    hold(state[0].shape == wide, f"the h of {cell.name} is {tuple(state[0].shape)}, not {wide}")
    shapes = [[tuple(part.shape) for part in parts] for parts in (state, after)]
    hold(shapes[0] == shapes[1], f"{cell.name} steps from a state of {shapes[0]} to {shapes[1]}")
    kinds = {part.dtype for part in (*state, *after)}
    told = ", ".join(sorted(map(str, kinds)))
    hold(kinds == {torch.float64}, f"the state of {cell.name} leaves float64: it is {told}")


def has_bounded_gates(
    cell: Cell, sigmoids: str = "", bounds: Mapping[str, float] | None = None
) -> None:
    """Gates in (-1, 1), or within a bound of their own, and `sigmoids` in (0, 1)."""
    gates = cell.gates(cell.prepare(random_params(cell)), random_inputs()[0], random_state(cell))
    for name, values in gates.items():
        bound, largest = (bounds or {}).get(name, 1.0), float(values.abs().max())
        shape = values.shape[0], values.shape[2]
        hold(shape == (REPLICATES, BATCH), f"gate {name} of {cell.name} has shape {values.shape}")
        hold(largest < bound, f"gate {name} of {cell.name} leaves (-{bound}, {bound}): {largest}")
    for name in sigmoids:
        low, high = float(gates[name].min()), float(gates[name].max())
        hold(low > 0, f"gate {name} of {cell.name} leaves (0, 1): {low}")
        hold(high < 1, f"gate {name} of {cell.name} leaves (0, 1): {high}")


def describes_itself(cell: Cell) -> None:
    text = cell.__doc__ or ""
    hold("h_t" in text, f"the docstring of {cell.name} has no equation of h_t")
    hold(cell.formula, f"{cell.name} has no formula")
    hold(re.search(r"\b(19|20)\d\d\b", cell.citation), f"{cell.name} cites nothing with a year")
    hold(re.fullmatch(r"[a-z][a-z0-9_]*", cell.name), f"the name {cell.name!r} is not allowed")
    hold(cell.state[0] == "h", f"the first part of the state of {cell.name} is not h")
