"""Cells with a diagonal recurrence against their equations in numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lstm_bench import cells
from lstm_bench.cells.base import Params
from lstm_bench.errors import BenchError
from tests.numerics import second_writing as second
from tests.numerics.support import make_params


def g(a: float) -> float:
    return a + 0.5 if a >= 0 else 1 / (1 + math.exp(-a))


def candidate(p: second.Weights, x: np.ndarray, positive: bool) -> np.ndarray:
    shown = second.affine(p, "h", x)
    return np.array([g(a) for a in shown]) if positive else shown


def mingru(positive: bool) -> second.Step:
    def step(p: second.Weights, x: np.ndarray, state: second.Vectors) -> second.Vectors:
        z = second.logistic(second.affine(p, "z", x))
        return [(1 - z) * state[0] + z * candidate(p, x, positive)]

    return step


def minlstm(positive: bool) -> second.Step:
    def step(p: second.Weights, x: np.ndarray, state: second.Vectors) -> second.Vectors:
        f = second.logistic(second.affine(p, "f", x))
        i = second.logistic(second.affine(p, "i", x))
        return [f / (f + i) * state[0] + i / (f + i) * candidate(p, x, positive)]

    return step


def lru(gated: bool) -> second.Step:
    def step(p: second.Weights, x: np.ndarray, state: second.Vectors) -> second.Vectors:
        new = np.empty(second.H, dtype=complex)
        for k in range(second.H):
            eigenvalue = np.exp(-math.exp(p["nu"][k, 0]) + 1j * math.exp(p["theta"][k, 0]))
            shown = (p["B_re"][k] + 1j * p["B_im"][k]) @ x
            old = state[1][k] + 1j * state[2][k]
            new[k] = eigenvalue * old + math.exp(p["gamma"][k, 0]) * shown
        y = ((p["C_re"] + 1j * p["C_im"]) @ new).real + p["D"] @ x
        h = (p["G"] @ y) * second.logistic(p["S"] @ y) if gated else y
        return [h, new.real, new.imag]

    return step


def indrnn(p: second.Weights, x: np.ndarray, state: second.Vectors) -> second.Vectors:
    a = p["W"] @ x + p["u"][:, 0] * state[0] + p["b"][:, 0]
    return [np.where(a > 0, a, 0)]


CASES = [
    ("mingru", {}, mingru(False)),
    ("mingru", {"candidate": "positive"}, mingru(True)),
    ("minlstm", {}, minlstm(False)),
    ("minlstm", {"candidate": "positive"}, minlstm(True)),
    ("lru", {}, lru(True)),
    ("lru", {"output": "linear"}, lru(False)),
    ("indrnn", {}, indrnn),
]


@pytest.mark.parametrize(("name", "options", "step"), CASES)
def test_states_are_those_of_the_written_out_equations(name: str, options: dict, step: second.Step):
    second.assert_equations(cells.create(name, options), step)


@pytest.mark.parametrize("name", ["mingru", "minlstm"])
def test_the_gates_read_out_are_those_the_step_uses(name: str):
    cell = cells.create(name)
    params = Params(make_params(cell, 3, 4))
    x, h = torch.randn(1, 3, 2).double(), torch.randn(1, 4, 2).double()
    gates = cell.gates(params, x, (h,))
    keep, new = (1 - gates["z"], gates["z"]) if name == "mingru" else (gates["f"], gates["i"])
    expected = keep * h + new * (params.W_h @ x + params.b_h)
    torch.testing.assert_close(cell.step(params, x, (h,))[0], expected, rtol=0, atol=second.ULPS)


def test_a_bound_clips_the_recurrent_weight_and_lets_its_gradient_pass():
    cell = cells.create("indrnn", {"longest": 4})
    u = torch.tensor([[[-3.0], [0.5], [2.0]]], dtype=torch.float64, requires_grad=True)
    used = cell.prepare(Params({"u": u})).u
    bound = 2**0.25
    torch.testing.assert_close(used[0, :, 0].tolist(), [-bound, 0.5, bound])
    assert torch.autograd.grad(used.sum(), u)[0].tolist() == [[[1.0], [1.0], [1.0]]]


@pytest.mark.parametrize(
    ("options", "low", "high"),
    [
        ({}, 0, 1),
        ({"longest": 10}, 0, 2**0.1),
        ({"longest": 10, "start_low": 0.5}, 0.5**0.1, 2**0.1),
    ],
)
def test_the_recurrent_weights_of_indrnn_start_uniform_in_their_range(options, low, high):
    u = cells.create("indrnn", options).init(np.random.default_rng(0), 2, 4000, 1)["u"]
    assert low <= u.min() < low + 0.01
    assert high - 0.01 < u.max() <= high
    assert abs(u.mean() - (low + high) / 2) < 4 * (high - low) / np.sqrt(12 * 4000)


def test_the_eigenvalues_of_lru_start_uniform_on_their_ring():
    width, low, high = 2000, 0.5, 0.9
    cell = cells.create("lru", {"r_min": low, "r_max": high, "max_phase": 1.0})
    drawn = cell.init(np.random.default_rng(0), 2, width, 1)
    modulus, phase = np.exp(-np.exp(drawn["nu"])), np.exp(drawn["theta"])
    assert low <= modulus.min() <= modulus.max() <= high
    assert 0 < phase.min() <= phase.max() <= 1
    area, span = modulus**2, high**2 - low**2
    assert abs(area.mean() - (low**2 + high**2) / 2) < 4 * span / np.sqrt(12 * width)
    np.testing.assert_allclose(np.exp(drawn["gamma"]), np.sqrt(1 - area), rtol=1e-9)


def test_lru_keeps_unit_variance_under_white_noise():
    """What γ is for: E|s|^2 = E|B x|^2, and B x has unit variance for d unit inputs."""
    width, steps, batch = 64, 400, 64
    cell = cells.create("lru", {"r_max": 0.95})
    drawn = cell.init(np.random.default_rng(0), 3, width, 1)
    params = Params({k: torch.tensor(v).reshape(1, len(v), -1) for k, v in drawn.items()})
    state = cell.initial_state(1, width, batch, params.nu, 3)
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        x = torch.randn(1, 3, batch, generator=generator, dtype=torch.float64)
        state = cell.step(params, x, state)
    _, re, im = state
    assert float((re**2 + im**2).mean()) == pytest.approx(1, rel=0.1)


@pytest.mark.parametrize(
    ("name", "option", "bias"),
    [("mingru", "update_bias", "b_z"), ("minlstm", "forget_bias", "b_f")],
)
def test_the_bias_option_is_where_its_gate_starts_and_nothing_else(name, option, bias):
    drawn = cells.create(name, {option: -2.0}).init(np.random.default_rng(0), 2, 5, 1)
    assert (drawn.pop(bias) == -2).all()
    assert not any(v.any() for k, v in drawn.items() if k.startswith("b_"))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("mingru", {"candidate": "log"}),
        ("minlstm", {"candidate": "log"}),
        ("lru", {"output": "mlp"}),
        ("lru", {"max_phase": 0.0}),
        ("lru", {"r_min": 0.9, "r_max": 0.8}),
        ("indrnn", {"longest": -1}),
        ("indrnn", {"start_low": 2.0}),
    ],
)
def test_an_option_out_of_range_is_refused_by_name_and_value(name: str, options: dict):
    with pytest.raises(BenchError) as refusal:
        cells.create(name, options)
    for option, value in options.items():
        assert option in str(refusal.value)
        assert repr(value) in str(refusal.value)
