"""The cells against the equations of their papers, written again in numpy, one unit at a time."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lstm_bench import engine
from lstm_bench.cells.base import Params
from lstm_bench.engine.network import Network
from tests.numerics.support import cell_named, make_params, randn

D, H, K, B, T = 3, 4, 2, 3, 6
ULPS = 1e3 * np.finfo(np.float64).eps


def logistic(a: float) -> float:
    return 1 / (1 + math.exp(-a))


def pre(p: dict[str, np.ndarray], gate: str, i: int, x: np.ndarray, h: np.ndarray) -> float:
    total = p[f"b_{gate}"][i, 0]
    total += sum(p[f"W_{gate}"][i, j] * x[j] for j in range(len(x)))
    return total + sum(p[f"U_{gate}"][i, j] * h[j] for j in range(len(h)))


def lstm(p: dict[str, np.ndarray], x: np.ndarray, state: list[np.ndarray]) -> list[np.ndarray]:
    h, c = state
    new_h, new_c = np.empty(H), np.empty(H)
    for i in range(H):
        f, g, o = (logistic(pre(p, gate, i, x, h)) for gate in "fio")
        new_c[i] = f * c[i] + g * math.tanh(pre(p, "c", i, x, h))
        new_h[i] = o * math.tanh(new_c[i])
    return [new_h, new_c]


def gru(p: dict[str, np.ndarray], x: np.ndarray, state: list[np.ndarray]) -> list[np.ndarray]:
    (h,) = state
    new_h = np.empty(H)
    for i in range(H):
        r, z = (logistic(pre(p, gate, i, x, h)) for gate in "rz")
        recurrent = p["b_u"][i, 0] + sum(p["U_n"][i, j] * h[j] for j in range(H))
        shown = p["b_n"][i, 0] + sum(p["W_n"][i, j] * x[j] for j in range(D))
        new_h[i] = (1 - z) * math.tanh(shown + r * recurrent) + z * h[i]
    return [new_h]


def plain(p: dict[str, np.ndarray], x: np.ndarray, fed_back: np.ndarray) -> np.ndarray:
    return np.array(
        [
            p["b"][i, 0]
            + sum(p["W"][i, j] * x[j] for j in range(D))
            + sum(p["U"][i, j] * fed_back[j] for j in range(len(fed_back)))
            for i in range(H)
        ]
    )


def elman(p: dict[str, np.ndarray], x: np.ndarray, state: list[np.ndarray]) -> list[np.ndarray]:
    return [np.tanh(plain(p, x, state[0]))]


def irnn(p: dict[str, np.ndarray], x: np.ndarray, state: list[np.ndarray]) -> list[np.ndarray]:
    a = plain(p, x, state[0])
    return [np.where(a > 0, a, 0)]


def jordan(p: dict[str, np.ndarray], x: np.ndarray, state: list[np.ndarray]) -> list[np.ndarray]:
    output = [p["b_y"][k, 0] + sum(p["V"][k, i] * state[0][i] for i in range(H)) for k in range(K)]
    return [np.tanh(plain(p, x, np.array(output)))]


EQUATIONS = {"lstm": lstm, "gru": gru, "elman": elman, "irnn": irnn, "jordan": jordan}


@pytest.mark.parametrize("name", EQUATIONS)
def test_hidden_states_are_those_of_the_written_out_equations(name: str):
    cell = cell_named(name)
    params = make_params(cell, D, H, K)
    inputs = randn(1, T, 1, D, B)
    start = tuple(randn(2 + i, 1, H, B) for i in range(len(cell.state)))
    hidden, last = engine.unroll(cell, Params(params), inputs, start, range(T), "loop")
    p = {k: v[0].numpy() for k, v in params.items()}
    for b in range(B):
        state = [part[0, :, b].numpy() for part in start]
        for t in range(T):
            state = EQUATIONS[name](p, inputs[t, 0, :, b].numpy(), state)
            np.testing.assert_allclose(hidden[t, 0, :, b].numpy(), state[0], rtol=0, atol=ULPS)
        for part, expected in zip(last, state):
            np.testing.assert_allclose(part[0, :, b].numpy(), expected, rtol=0, atol=ULPS)


def test_the_readout_is_linear_in_the_hidden_state_at_every_asked_step():
    cell, steps = cell_named("elman"), [1, 3, 5]
    network, params = Network(cell, D, H, K), make_params(cell, D, H, K, R=2)
    inputs = randn(1, T, 2, D, B)
    start = cell.initial_state(2, H, B, inputs)
    hidden, _ = engine.unroll(cell, Params(params), inputs, start, steps, "loop")
    outputs = network.outputs_at(Params(params), inputs, steps, backend="loop")
    assert outputs.shape == (2, K, len(steps) * B)
    expected = torch.einsum("rkh,srhb->rksb", params["V"], hidden) + params["b_y"].unsqueeze(2)
    np.testing.assert_allclose(outputs.numpy(), expected.flatten(2).numpy(), rtol=0, atol=ULPS)


def test_the_gates_read_out_are_those_the_step_uses():
    for name, combine in {
        "lstm": lambda g, s: g["o"] * torch.tanh(g["f"] * s[1] + g["i"] * g["c_tilde"]),
        "gru": lambda g, s: (1 - g["z"]) * g["n"] + g["z"] * s[0],
    }.items():
        cell = cell_named(name)
        params, x = Params(make_params(cell, D, H)), randn(1, 1, D, B)
        state = tuple(randn(2 + i, 1, H, B) for i in range(len(cell.state)))
        expected = combine(cell.gates(params, x, state), state)
        torch.testing.assert_close(cell.step(params, x, state)[0], expected, rtol=0, atol=ULPS)
