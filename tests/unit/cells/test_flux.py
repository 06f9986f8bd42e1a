"""Flux's cells, computed by hand from Flux's own matrices, against ours."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from lstm_bench import cells
from lstm_bench.cells.base import Params
from lstm_bench.cells.flux import from_flux, to_flux
from lstm_bench.errors import BenchError

GATES = {"elman": 1, "gru": 3, "lstm": 4}


def sigma(a: float) -> float:
    return 1 / (1 + math.exp(-a))


def our_step(name: str, weights: dict[str, np.ndarray], x: list[float], *state: list[float]):
    """One step of our cell for one sequence: the parts of the new state, each a list."""
    p = {k: torch.tensor(v).reshape(1, *v.shape[:1], -1) for k, v in weights.items()}
    column = [torch.tensor(part, dtype=torch.float64).reshape(1, -1, 1) for part in (x, *state)]
    after = cells.create(name).step(Params(p), column[0], tuple(column[1:]))
    return [part.flatten().tolist() for part in after]


def test_an_rnn_of_flux_is_elman():
    name, weights = from_flux(np.array([[2.0, 3.0]]), np.array([[0.5]]), np.array([-1.0]))
    assert name == "elman"
    (h,) = our_step(name, weights, [0.25, 0.5], [0.4])
    assert h == pytest.approx([math.tanh(2 * 0.25 + 3 * 0.5 + 0.5 * 0.4 - 1)])


def test_an_lstm_of_flux_stacks_input_forget_cell_output():
    Wi, Wh = np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([[0.1], [0.2], [0.3], [0.4]])
    b = np.array([-1.0, 0.5, 0.25, -0.5])
    name, weights = from_flux(Wi, Wh, b)
    assert name == "lstm"
    x, h, c = 0.3, 0.7, -0.6
    i, f = sigma(1 * x + 0.1 * h - 1), sigma(2 * x + 0.2 * h + 0.5)
    candidate, o = math.tanh(3 * x + 0.3 * h + 0.25), sigma(4 * x + 0.4 * h - 0.5)
    new_c = f * c + i * candidate
    found = our_step(name, weights, [x], [h], [c])
    assert found[0] == pytest.approx([o * math.tanh(new_c)])
    assert found[1] == pytest.approx([new_c])


def test_a_gru_of_flux_stacks_reset_update_candidate_and_resets_after_the_product():
    Wi, Wh = np.array([[1.0], [2.0], [3.0]]), np.array([[0.5], [-0.25], [2.0]])
    b = np.array([0.1, -0.2, 0.3])
    name, weights = from_flux(Wi, Wh, b)
    assert name == "gru"
    x, h = -0.4, 0.8
    r, z = sigma(x + 0.5 * h + 0.1), sigma(2 * x - 0.25 * h - 0.2)
    candidate = math.tanh(3 * x + r * (2 * h) + 0.3)
    (found,) = our_step(name, weights, [x], [h])
    assert found == pytest.approx([(1 - z) * candidate + z * h])


def test_the_blocks_are_rows_in_flux_order_and_not_interleaved():
    Wh = np.repeat(np.arange(4.0), 2)[:, None] * np.ones((1, 2))
    _, weights = from_flux(np.ones((8, 3)), Wh)
    assert [weights[f"U_{gate}"][0, 0] for gate in "ifco"] == [0, 1, 2, 3]
    assert all((weights[f"U_{gate}"] == k).all() for k, gate in enumerate("ifco"))
    assert all(not weights[f"b_{gate}"].any() for gate in "ifco")


@pytest.mark.parametrize("name", GATES)
def test_there_and_back_is_the_same(name: str):
    rng = np.random.default_rng(0)
    rows = GATES[name] * 5
    given = rng.normal(size=(rows, 3)), rng.normal(size=(rows, 5)), rng.normal(size=rows)
    found, weights = from_flux(*given)
    assert found == name
    assert {k: v.shape for k, v in weights.items()} == cells.create(name).shapes(3, 5, 1)
    for there, back in zip(given, to_flux(name, weights)):
        np.testing.assert_array_equal(there, back)


@pytest.mark.parametrize(
    ("Wi", "Wh", "b", "why"),
    [
        ((8, 3), (8, 4), (8,), "no known cell"),
        ((8, 3), (4, 2), (8,), "the same rows"),
        ((8, 3), (8, 2), (4,), "the same rows"),
        ((8,), (8, 2), (8,), "the same rows"),
    ],
)
def test_shapes_of_no_cell_are_refused(Wi, Wh, b, why: str):
    with pytest.raises(BenchError, match=why):
        from_flux(np.zeros(Wi), np.zeros(Wh), np.zeros(b))


def test_what_flux_cannot_hold_is_refused():
    _, weights = from_flux(np.ones((3, 1)), np.ones((3, 1)))
    with pytest.raises(BenchError, match="b_u of cell 'gru' is not zero"):
        to_flux("gru", {**weights, "b_u": np.ones(1)})
    with pytest.raises(BenchError, match="'mgu' is not one of Flux's"):
        to_flux("mgu", weights)
    with pytest.raises(BenchError, match="lack U_c, U_f"):
        to_flux("lstm", weights)
