"""The sLSTM against its equations in numpy: stabilised, and as the paper first writes it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lstm_bench import cells, engine
from lstm_bench.cells.base import Params
from lstm_bench.engine.network import Network
from lstm_bench.errors import BenchError
from tests.numerics import second_writing as second
from tests.numerics.support import make_params, randn


def before_gates(p: second.Weights, x: np.ndarray, h: np.ndarray) -> dict[str, np.ndarray]:
    return {gate: second.affine(p, gate, x) + p[f"U_{gate}"] @ h for gate in "ifzo"}


def slstm(forget: str) -> second.Step:
    def step(p: second.Weights, x: np.ndarray, state: second.Vectors) -> second.Vectors:
        h, c, n, m = state
        a = before_gates(p, x, h)
        log_f = a["f"] if forget == "exp" else np.log(second.logistic(a["f"]))
        new_m = np.maximum(log_f + m, a["i"])
        i, f = np.exp(a["i"] - new_m), np.exp(log_f + m - new_m)
        c, n = f * c + i * np.tanh(a["z"]), f * n + i
        return [second.logistic(a["o"]) * c / n, c, n, new_m]

    return step


def unstabilised(p: second.Weights, x: np.ndarray, state: second.Vectors) -> second.Vectors:
    """Eqs. 8-14 of the paper: gates as large as they are."""
    h, c, n = state
    a = before_gates(p, x, h)
    i, f = np.exp(a["i"]), second.logistic(a["f"])
    c, n = f * c + i * np.tanh(a["z"]), f * n + i
    return [second.logistic(a["o"]) * c / n, c, n]


@pytest.mark.parametrize("from_zero", [False, True], ids=["any state", "its own first state"])
@pytest.mark.parametrize("forget", ["sigmoid", "exp"])
def test_states_are_those_of_the_written_out_equations(forget: str, from_zero: bool):
    cell = cells.create("slstm", {"forget": forget})
    second.assert_equations(cell, slstm(forget), tolerance=1e-10, from_zero=from_zero)


def test_the_stabiliser_changes_no_hidden_state():
    cell, R = cells.create("slstm"), 1
    params, inputs = make_params(cell, 3, 4, R=R, scale=1.0), randn(1, 30, R, 3, 1)
    start = cell.initial_state(R, 4, 1, inputs, 3)
    hidden, _ = engine.unroll(cell, Params(params), inputs, start, range(30))
    p, state = {k: v[0].numpy() for k, v in params.items()}, [np.zeros(4) for _ in range(3)]
    for t in range(30):
        state = unstabilised(p, inputs[t, 0, :, 0].numpy(), state)
        np.testing.assert_allclose(hidden[t, 0, :, 0].numpy(), state[0], rtol=1e-9)


@pytest.mark.parametrize("bias", [-200.0, 200.0])
def test_gates_beyond_the_range_of_float32_give_finite_states_and_gradients(bias: float):
    cell = cells.create("slstm")
    network = Network(cell, 2, 6, 1)
    flat = network.pack([0, 1], torch.zeros(1))
    network.layout.views(flat)["b_i"].fill_(bias)
    p = network.layout.leaves(flat)
    outputs = network.outputs_at(p, torch.randn(50, 2, 2, 32), range(50))
    gradients = torch.autograd.grad(outputs.square().sum(), list(p.values()))
    assert all(torch.isfinite(x).all() for x in (outputs, *gradients))


def test_the_gates_read_out_are_those_the_step_uses():
    cell = cells.create("slstm")
    params, x = Params(make_params(cell, 3, 4)), randn(1, 1, 3, 2)
    state = tuple(randn(2 + i, 1, 4, 2) for i in range(4))
    gates = cell.gates(params, x, state)
    c, n = (gates["f"] * part for part in state[1:3])
    expected = gates["o"] * (c + gates["i"] * gates["z"]) / (n + gates["i"])
    torch.testing.assert_close(cell.step(params, x, state)[0], expected, rtol=1e-12, atol=0)
    larger = torch.maximum(gates["f"], gates["i"])
    torch.testing.assert_close(larger, torch.ones_like(larger))


def test_forget_biases_fall_from_5_to_minus_7_and_the_recurrence_starts_at_0():
    drawn = cells.create("slstm").init(np.random.default_rng(0), 2, 11, 1)
    assert drawn["b_f"][[0, -1]].tolist() == [5, -7]
    assert (np.diff(drawn["b_f"]) < 0).all()
    assert drawn["b_f"][5] == pytest.approx(5 - 12 * 0.5**0.3)
    assert not any(drawn[f"U_{gate}"].any() for gate in "ifzo")
    assert not any(drawn[f"b_{gate}"].any() for gate in "izo")


def test_an_unknown_forget_gate_is_refused():
    with pytest.raises(BenchError, match="option forget of cell 'slstm': 'tanh' is unknown"):
        cells.create("slstm", {"forget": "tanh"})
