"""Orthogonal and unitary cells against their equations in numpy; what their matrices promise."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lstm_bench import cells, engine
from lstm_bench.cells import skew
from lstm_bench.cells.base import Params
from lstm_bench.engine.network import Network
from lstm_bench.errors import BenchError
from tests.numerics import second_writing as second
from tests.numerics.support import make_params, randn

WIDTHS = [2, 4, 10, 32]


def modrelu(z: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.array([np.sign(a) * max(0.0, abs(a) + c) for a, c in zip(z, b)])


def by_eigenvalues(A: np.ndarray) -> np.ndarray:
    """e^A of a skew-symmetric A: i A is Hermitian."""
    values, vectors = np.linalg.eigh(1j * A)
    return ((vectors * np.exp(-1j * values)) @ vectors.conj().T).real


def exprnn(p: second.Weights, x: np.ndarray, state: second.Vectors) -> second.Vectors:
    U = by_eigenvalues(second.skew(p["A"], second.H))
    return [modrelu(p["W"] @ x + U @ state[0], p["b"][:, 0])]


def scornn(p: second.Weights, x: np.ndarray, state: second.Vectors) -> second.Vectors:
    A, eye = second.skew(p["A"], second.H), np.eye(second.H)
    U = np.linalg.inv(eye + A) @ (eye - A) @ np.diag([-1.0] * 3 + [1.0] * 3)
    return [modrelu(p["W"] @ x + U @ state[0], p["b"][:, 0])]


def unitary(p: second.Weights, n: int) -> np.ndarray:
    j = np.arange(n)
    F = np.exp(-2j * np.pi * np.outer(j, j) / n) / np.sqrt(n)
    D = {k: np.diag(np.exp(1j * p[f"theta_{k}"][:, 0])) for k in (1, 2, 3)}
    Pi = np.eye(n)[np.argsort(p["pi"][:, 0])]
    R = {}
    for k in (1, 2):
        v = p[f"v_{k}"][:n] + 1j * p[f"v_{k}"][n:]
        R[k] = np.eye(n) - 2 * (v @ v.conj().T) / np.sum(np.abs(v) ** 2)
    return D[3] @ R[2] @ F.conj().T @ D[2] @ Pi @ R[1] @ F @ D[1]


def urnn(p: second.Weights, x: np.ndarray, state: second.Vectors) -> second.Vectors:
    n = second.H // 2
    h = state[0][:n] + 1j * state[0][n:]
    z = (p["W"][:n] + 1j * p["W"][n:]) @ x + unitary(p, n) @ h
    modulus = np.sqrt(np.abs(z) ** 2 + 1e-10)
    h = z * np.maximum(0, modulus + p["b"][:, 0]) / modulus
    return [np.concatenate([h.real, h.imag])]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("name", "step"), [("exprnn", exprnn), ("scornn", scornn), ("urnn", urnn)])
def test_states_are_those_of_the_written_out_equations(name: str, step: second.Step, seed: int):
    second.assert_equations(cells.create(name), step, seed=10 * seed)


def prepared(name: str, width: int, scale: float = 1.0, **options: object) -> torch.Tensor:
    cell = cells.create(name, options)
    return cell.prepare(Params(make_params(cell, 2, width, R=3, scale=scale))).U


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", ["exprnn", "scornn", "urnn"])
def test_the_recurrent_matrix_is_orthogonal_whatever_the_weights(name: str, width: int):
    U = prepared(name, width)
    eye = torch.eye(width, dtype=U.dtype).expand_as(U)
    torch.testing.assert_close(U @ U.mT, eye, rtol=0, atol=1e-12)


def test_d_gives_the_transform_eigenvalues_it_cannot_reach_alone():
    signs = prepared("scornn", 4, scale=0.0, negative=0.25)[0].diagonal()
    assert signs.tolist() == [-1, 1, 1, 1]


def first_matrix(name: str, width: int, **options: object) -> torch.Tensor:
    cell = cells.create(name, options)
    network = Network(cell, 2, width, 1)
    weights = network.layout.views(network.pack([0], torch.zeros(1, dtype=torch.float64)))
    return cell.prepare(Params(weights)).U[0]


@pytest.mark.parametrize("start", ["henaff", "cayley"])
def test_exprnn_starts_with_the_rotations_of_the_start_it_is_given(start: str):
    U = first_matrix("exprnn", 7, start=start)
    weights = Network(cells.create("exprnn", {"start": start}), 2, 7, 1).init(0)
    s = second.skew(weights["A"][:, None], 7)[[0, 2, 4], [1, 3, 5]]
    low, high = (-np.pi, np.pi) if start == "henaff" else (-1, 0)
    assert ((low <= s) & (s <= high)).all()
    for j, angle in enumerate(s):
        block = [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
        np.testing.assert_allclose(U[2 * j : 2 * j + 2, 2 * j : 2 * j + 2], block, atol=1e-12)
    assert U[6, 6] == pytest.approx(1)


def test_scornn_starts_with_rotations_by_up_to_a_right_angle():
    U = first_matrix("scornn", 200, negative=0.0)
    t = torch.linalg.eigvals(U).angle().abs().sort().values[::2].numpy()
    assert t.max() <= np.pi / 2
    assert abs(t.mean() - np.pi / 4) < 4 * np.pi / 2 / np.sqrt(12 * 100)


def test_the_unitary_network_keeps_the_norm_of_a_state_without_inputs():
    cell = cells.create("urnn")
    params = make_params(cell, 2, 32, R=2, scale=1.0)
    params["b"].zero_()
    start = randn(5, 2, 32, 3)
    inputs = torch.zeros(500, 2, 2, 3, dtype=torch.float64)
    hidden, _ = engine.unroll(cell, Params(params), inputs, (start,), [499])
    torch.testing.assert_close(hidden[0].norm(dim=1), start.norm(dim=1), rtol=1e-9, atol=0)


@pytest.mark.parametrize("name", ["exprnn", "scornn", "urnn"])
def test_the_gradient_stays_finite_where_inputs_and_state_are_zero(name: str):
    cell = cells.create(name)
    network = Network(cell, 2, 8, 1)
    p = network.layout.leaves(network.pack([0, 1], torch.zeros(1)))
    outputs = network.outputs_at(p, torch.zeros(5, 2, 2, 32), [4])
    trained = [v for k, v in p.items() if k not in cell.untrained]
    for g in torch.autograd.grad(outputs.sum(), trained, allow_unused=True):
        assert g is None or torch.isfinite(g).all()


@pytest.mark.parametrize("name", ["exprnn", "scornn", "urnn"])
def test_a_replicate_that_is_not_a_number_raises_nothing_and_harms_no_other(name: str):
    cell = cells.create(name)
    params = make_params(cell, 2, 8, R=3)
    whole = cell.prepare(Params(params)).U
    for value in params.values():
        value[1] = float("nan")
    U = cell.prepare(Params(params)).U
    assert U[1].isnan().any()
    assert torch.equal(U[[0, 2]], whole[[0, 2]])


def test_the_entries_make_a_skew_symmetric_matrix_row_by_row():
    entries = torch.arange(1.0, 7.0).reshape(1, 6, 1)
    expected = [[0, 1, 2, 3], [-1, 0, 4, 5], [-2, -4, 0, 6], [-3, -5, -6, 0]]
    assert skew.matrix(entries, 4)[0].tolist() == expected
    assert skew.count(4) == 6


def test_the_unitary_network_refuses_an_odd_width():
    with pytest.raises(BenchError, match=r"width is 7, but must be even.*6 or 8"):
        Network(cells.create("urnn"), 2, 7, 1).init(0)


@pytest.mark.parametrize(
    ("name", "options"), [("scornn", {"negative": 1.5}), ("exprnn", {"start": "haar"})]
)
def test_an_option_out_of_range_is_refused_by_name_and_value(name: str, options: dict):
    (option, value), *_ = options.items()
    with pytest.raises(BenchError, match=f"option {option}.* {value!r}"):
        cells.create(name, options)
