"""The controls against their equations in numpy, and what each must not be able to do."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lstm_bench import cells, engine
from lstm_bench.cells.base import Params
from lstm_bench.errors import BenchError
from tests.numerics import second_writing as second
from tests.numerics.support import make_params, randn
from tests.numerics.training import condition, trained


def window(p: second.Weights, x: np.ndarray, state: second.Vectors) -> second.Vectors:
    seen = np.concatenate([x, state[1]])[: len(state[1])]
    return [np.tanh(p["W"] @ seen + p["b"][:, 0]), seen]


def reservoir(leak: float) -> second.Step:
    def step(p: second.Weights, x: np.ndarray, state: second.Vectors) -> second.Vectors:
        (h,) = state
        return [(1 - leak) * h + leak * np.tanh(p["W"] @ x + p["U"] @ h + p["b"][:, 0])]

    return step


@pytest.mark.parametrize(
    ("name", "options", "step"),
    [
        ("feedforward_window", {"window": 1}, window),
        ("feedforward_window", {"window": 3}, window),
        ("random_reservoir", {}, reservoir(1.0)),
        ("random_reservoir", {"leak": 0.3}, reservoir(0.3)),
    ],
)
def test_states_are_those_of_the_written_out_equations(name: str, options: dict, step: second.Step):
    second.assert_equations(cells.create(name, options), step)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_the_window_sees_the_last_k_inputs_and_nothing_before_them(k: int):
    cell = cells.create("feedforward_window", {"window": k})
    params, inputs = Params(make_params(cell, 2, 4)), randn(0, 8, 1, 2, 3)
    start = cell.initial_state(1, 4, 3, inputs, 2)

    def at_the_end(inputs: torch.Tensor) -> torch.Tensor:
        return engine.unroll(cell, params, inputs, start, [7])[0]

    before = at_the_end(inputs)
    for t in range(8):
        changed = inputs.clone()
        changed[t] += 1
        assert torch.equal(at_the_end(changed), before) == (t < 8 - k)


def test_the_window_is_part_of_the_state():
    cell = cells.create("feedforward_window", {"window": 7})
    state = cell.initial_state(3, 5, 4, torch.zeros(1), 2)
    assert [tuple(part.shape) for part in state] == [(3, 5, 4), (3, 14, 4)]


def test_the_window_reads_inputs_that_all_replicates_share():
    cell = cells.create("feedforward_window", {"window": 3})
    params, shared = Params(make_params(cell, 2, 4, R=3)), randn(0, 5, 1, 2, 3)
    start = cell.initial_state(3, 4, 3, shared, 2)
    one, _ = engine.unroll(cell, params, shared, start, [4])
    own, _ = engine.unroll(cell, params, shared.expand(-1, 3, -1, -1), start, [4])
    torch.testing.assert_close(one, own, rtol=0, atol=1e-14)


@pytest.mark.parametrize("radius", [0.5, 0.95, 1.2])
def test_the_reservoir_starts_with_the_spectral_radius_asked_for(radius: float):
    cell = cells.create("random_reservoir", {"spectral_radius": radius})
    U = cell.init(np.random.default_rng(0), 2, 50, 1)["U"]
    assert np.abs(np.linalg.eigvals(U)).max() == pytest.approx(radius)


@pytest.mark.parametrize("optimiser", ["adam", "rmsprop", "sgd"])
def test_training_moves_the_readout_of_a_reservoir_and_nothing_else(optimiser: str):
    model = trained(condition("adding", 12, "random_reservoir", 8, optimiser=optimiser))
    network = model.network
    layout, first = network.layout, network.pack([0], torch.zeros(1))
    before, after = layout.views(first), layout.views(model.final)
    assert all(torch.equal(before[name], after[name]) for name in ("W", "U", "b"))
    assert not torch.equal(before["V"], after["V"])
    assert network.parameters == 8 + 1


def test_training_does_not_move_the_permutation_of_the_unitary_network():
    model = trained(condition("adding", 12, "urnn", 8))
    network = model.network
    layout, first = network.layout, network.pack([0], torch.zeros(1))
    before, after = layout.views(first), layout.views(model.final)
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    assert moved == set(before) - {"pi"}


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("feedforward_window", "window", 0),
        ("random_reservoir", "leak", 0.0),
        ("random_reservoir", "leak", 1.5),
        ("random_reservoir", "spectral_radius", -1.0),
        ("random_reservoir", "input_scale", -0.1),
    ],
)
def test_an_option_out_of_range_is_refused_by_name_and_value(name: str, option: str, value: float):
    with pytest.raises(BenchError, match=rf"cell '{name}': option {option} is {value}"):
        cells.create(name, {option: value})
