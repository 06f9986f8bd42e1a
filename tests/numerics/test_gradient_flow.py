"""Slopes against published pilots, exponents against slopes, Jacobians against autograd."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from lstm_bench import cells, engine, tasks
from lstm_bench.cells.base import Params
from lstm_bench.engine.network import Network
from lstm_bench.probes import through_time as flow
from lstm_bench.probes.gradient_flow import lags
from lstm_bench.tasks import generator
from lstm_bench.training.data import Tensors, tensors

SEEDS = 5


def started(
    cell: str, T: int, batch: int, width: int = 32, task: str = "adding", **options: float
) -> tuple[Network, Params, Tensors, str]:
    """Networks at their initial weights, and sequences to run them on."""
    learnt = tasks.create(task)
    network = Network(cells.create(cell, options), learnt.inputs, width, learnt.outputs)
    weights = network.pack(range(SEEDS), torch.zeros(1, dtype=torch.float64))
    batches = [
        learnt.sample(generator("train", learnt, T, seed=seed), batch, T) for seed in range(SEEDS)
    ]
    data = tensors(batches, learnt.target_steps(T), torch.device("cpu"))
    return network, Params(network.layout.views(weights)), data, learnt.loss


# medians and ranges of five seeds at T = 600, width 32: decades a step over lags 100 to 400. The
# plain network's seeds differ by a factor of a hundred. chrono: a median alone, +- 10 %
PILOTS = [
    ("elman", {}, -0.094, -0.0006),
    ("lstm", {"forget_bias": 0.0}, -0.166, -0.083),
    ("lstm", {"forget_bias": 1.0}, -0.046, -0.022),
    ("lstm", {"forget_bias": 3.0}, 0.002, 0.008),
    ("lstm", {"forget_bias": 5.0}, -0.007, 0.003),
    ("lstm", {"chrono": 600}, -0.00176, -0.00144),
]


@pytest.mark.parametrize(("cell", "options", "low", "high"), PILOTS)
def test_slopes_at_the_start_lie_in_the_ranges_of_the_pilots(
    cell: str, options: dict[str, float], low: float, high: float
) -> None:
    network, params, data, loss = started(cell, 600, 32, **options)
    slopes = flow.slope(flow.backward(network, params, data, loss).whole["h"])
    assert low <= float(np.median(slopes)) <= high


@pytest.mark.parametrize(
    ("cell", "options"),
    [("elman", {}), ("lstm", {}), ("lstm", {"forget_bias": 0.0}), ("gru", {}), ("irnn", {})],
)
def test_the_largest_exponent_is_the_slope_of_single_sequences(
    cell: str, options: dict[str, float]
) -> None:
    network, params, data, loss = started(cell, 600, 2, **options)
    seen = flow.backward(network, params, data, loss)
    inputs = data.inputs[..., :2].double()
    exponents = flow.lyapunov(network.cell, params, inputs, seen.states, 2)
    assert np.abs(flow.slope(seen.sequences) - exponents[0]).max() < 0.005
    assert (exponents[0] >= exponents[1] - 0.005).all()  # pairs of equal ones swap within noise


def test_exponents_of_a_diagonal_linear_network_are_the_logarithms_of_its_weights() -> None:
    network = Network(cells.create("elman"), 2, 3, 1)
    params = Params({k: torch.zeros_like(v) for k, v in _views(network).items()})
    factors = torch.tensor([0.9, 0.5, 0.2], dtype=torch.float64)
    params.U[:] = torch.diag(factors)  # at h = 0, tanh is the identity
    inputs = torch.zeros(60, SEEDS, 2, 2, dtype=torch.float64)
    states = [network.initial_state(SEEDS, 2, params.V)] * 61
    found = flow.lyapunov(network.cell, params, inputs, states, 3)
    np.testing.assert_allclose(found, np.log10(factors.numpy())[:, None] * np.ones(SEEDS), 1e-6)
    singular = flow.singular_values(network.cell, params, inputs, states, [0, 5])
    np.testing.assert_allclose(singular[1, 2, 1], factors.numpy())


def _views(network: Network) -> dict[str, Tensor]:
    weights = network.pack(range(SEEDS), torch.zeros(1, dtype=torch.float64))
    return network.layout.views(weights)


@pytest.mark.parametrize("cell", ["elman", "jordan", "lstm", "gru", "lru"])
def test_a_pushed_direction_is_the_jacobian_times_it(cell: str) -> None:
    network, params, data, _ = started(cell, 12, 2, width=4)
    p = network.cell.prepare(params)
    state = tuple(torch.rand_like(part) - 0.5 for part in network.initial_state(SEEDS, 2, params.V))
    x = data.inputs[3, ..., :2].double()
    n = sum(part.shape[1] for part in state)
    columns = flow.push(
        network.cell, p, x, state, torch.eye(n, dtype=torch.float64).expand(SEEDS, 2, n, n)
    )

    def joined(flat: Tensor) -> Tensor:
        parts = flat.split([part.shape[1] for part in state], dim=1)
        return torch.cat(network.cell.step(p, x, tuple(parts)), dim=1)

    whole = torch.autograd.functional.jacobian(joined, torch.cat(state, dim=1))
    for r in range(SEEDS):
        for b in range(2):
            torch.testing.assert_close(columns[r, b], whole[r, :, b, r, :, b])


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_norms_against_lag_are_those_of_another_backend(cell: str) -> None:
    """The gradient by the state after step t, from a run that starts there."""
    network, params, data, loss = started(cell, 20, 32, width=6)
    seen = flow.backward(network, params, data, loss)
    for lag in (0, 7, 18):
        t = data.steps[-1] - lag
        state = tuple(part.clone().requires_grad_() for part in seen.states[t + 1])
        h = state[0]
        if lag:
            rest = data.inputs[t + 1 :].double()
            hidden, _ = engine.unroll(network.cell, params, rest, state, [lag - 1], "loop")
            h = hidden[0]
        y = params.V @ h + params.b_y
        total = ((y - data.targets).square().mean(1) * data.weights).sum()
        found = torch.autograd.grad(total, state, allow_unused=True)
        grads = [torch.zeros_like(part) if g is None else g for g, part in zip(found, state)]
        if cell == "lstm":  # h_t = o_t tanh(c_t) is part of what c_t does
            h_t, c_t = (part.detach() for part in state)
            grads[1] = grads[1] + grads[0] * h_t / torch.tanh(c_t) * (1 - torch.tanh(c_t) ** 2)
        for name, g in zip(network.cell.state, grads):
            expected = g.square().sum((1, 2)).log10() / 2
            np.testing.assert_allclose(seen.whole[name][lag], expected, rtol=1e-10)


def test_lags_reach_from_the_last_output_to_the_first_step() -> None:
    assert lags(1) == [0]
    assert lags(4) == [0, 1, 2, 3]
    assert lags(100)[0] == 0
    assert lags(100)[-1] == 99
