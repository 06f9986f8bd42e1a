"""Oscillators and the antisymmetric flow against their equations in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lstm_bench import cells
from lstm_bench.cells.base import Params
from lstm_bench.errors import BenchError
from tests.numerics import second_writing as second
from tests.numerics.support import make_params, randn

DT, GAMMA, EPSILON = 0.05, 3.0, 2.0


def cornn(p: second.Weights, x: np.ndarray, state: second.Vectors) -> second.Vectors:
    y, z = state
    new_y, new_z = np.empty(second.H), np.empty(second.H)
    for i in range(second.H):
        force = p["b"][i, 0] + sum(p["W"][i, j] * x[j] for j in range(second.D))
        force += sum(p["U"][i, j] * y[j] + p["R"][i, j] * z[j] for j in range(second.H))
        new_z[i] = z[i] + DT * np.tanh(force) - DT * GAMMA * y[i] - DT * EPSILON * z[i]
        new_y[i] = y[i] + DT * new_z[i]
    return [new_y, new_z]


def flow(p: second.Weights, h: np.ndarray) -> np.ndarray:
    return second.skew(p["A"], second.H) @ h - GAMMA * h


def antisymmetric(p: second.Weights, x: np.ndarray, state: second.Vectors) -> second.Vectors:
    (h,) = state
    return [h + DT * np.tanh(flow(p, h) + p["W"] @ x + p["b"][:, 0])]


def gated(p: second.Weights, x: np.ndarray, state: second.Vectors) -> second.Vectors:
    (h,) = state
    gate = second.logistic(flow(p, h) + second.affine(p, "z", x))
    return [h + DT * gate * np.tanh(flow(p, h) + p["W"] @ x + p["b"][:, 0])]


EULER = {"step_size": DT, "diffusion": GAMMA}


@pytest.mark.parametrize(
    ("name", "options", "step"),
    [
        ("cornn", {"dt": DT, "gamma": GAMMA, "epsilon": EPSILON}, cornn),
        ("antisymmetric", EULER, antisymmetric),
        ("antisymmetric_gated", EULER, gated),
    ],
)
def test_states_are_those_of_the_written_out_equations(name: str, options: dict, step: second.Step):
    second.assert_equations(cells.create(name, options), step)


def test_an_undamped_oscillator_without_force_keeps_swinging():
    """Symplectic Euler conserves (z^2 + γ h^2 - dt γ h z) exactly when no force acts."""
    cell = cells.create("cornn", {"dt": DT, "gamma": GAMMA, "epsilon": 1e-300})
    params = Params({k: 0 * v for k, v in make_params(cell, 1, 2).items()})
    state = (randn(0, 1, 2, 1), randn(1, 1, 2, 1))
    energy = []
    for _ in range(1000):
        state = cell.step(params, torch.zeros(1, 1, 1, dtype=torch.float64), state)
        h, z = state
        energy.append(z * z + GAMMA * h * h - DT * GAMMA * h * z)
    torch.testing.assert_close(energy[-1], energy[0], rtol=1e-10, atol=0)


def test_the_flow_starts_with_imaginary_eigenvalues_of_the_size_of_the_circular_law():
    """S - S^T with S ~ N(0, 1/h): its entries have variance 2/h, its spectrum reaches 2 sqrt(2)."""
    width = 300
    entries = cells.create("antisymmetric").init(np.random.default_rng(0), 1, width, 1)["A"]
    values = np.linalg.eigvals(second.skew(entries[:, None], width))
    assert np.abs(values.real).max() < 1e-10
    assert np.abs(values.imag).max() == pytest.approx(2 * np.sqrt(2), rel=0.03)


@pytest.mark.parametrize(
    ("name", "option", "value"),
    [
        ("cornn", "dt", 0.0),
        ("cornn", "gamma", -1.0),
        ("cornn", "epsilon", 0.0),
        ("antisymmetric", "step_size", 0.0),
        ("antisymmetric_gated", "diffusion", -0.5),
    ],
)
def test_an_option_out_of_range_is_refused_by_name_and_value(name: str, option: str, value: float):
    with pytest.raises(BenchError, match=rf"cell '{name}': option {option} is {value}"):
        cells.create(name, {option: value})
