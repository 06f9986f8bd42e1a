"""The LSTM of 1997: its equations, its truncated gradient and its published numbers of weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from lstm_bench import cells, engine
from lstm_bench.cells.base import Params
from tests.numerics.support import make_params, randn
from tests.numerics.written_again import ULPS, Weights, assert_written_again, logistic

EXPERIMENT_2A: dict[str, Any] = {
    "output_gate": False,
    "biases": "none",
    "recurrence": "none",
    "input_squash": "logistic",
    "output_squash": "identity",
    "direct": True,
}


def blocks_of(size: int):
    """The equations of sec. 4 for blocks of `size` cells, one cell after another."""

    def step(p: Weights, x: np.ndarray, state: list[np.ndarray]) -> list[np.ndarray]:
        y, s, gates = state
        hidden = np.concatenate([y, gates])
        n = len(s) // size
        new_y, new_s, new_gates = np.empty(len(s)), np.empty(len(s)), np.empty(2 * n)
        for j in range(n):
            i, o = (
                logistic(p[f"W_{g}"][j] @ x + p[f"U_{g}"][j] @ hidden + p[f"b_{g}"][j])
                for g in "io"
            )
            new_gates[j], new_gates[n + j] = i, o
            for v in range(j * size, (j + 1) * size):
                net = p["W_c"][v] @ x + p["U_c"][v] @ hidden + p["b_c"][v]
                new_s[v] = s[v] + i * (4 / (1 + np.exp(-net)) - 2)
                new_y[v] = o * (2 / (1 + np.exp(-new_s[v])) - 1)
        return [new_y, new_s, new_gates]

    return step


def experiment_2a(p: Weights, x: np.ndarray, state: list[np.ndarray]) -> list[np.ndarray]:
    gate = logistic(p["W_i"] @ x)
    s = state[1] + gate * logistic(p["W_c"] @ x)
    return [np.concatenate([x, s]), s, gate]


@pytest.mark.parametrize("truncated", [False, True])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_cells_of_a_block_share_its_gates(size: int, truncated: bool):
    options = {"cells_per_block": size, "truncated": truncated}
    assert_written_again("lstm_1997", blocks_of(size), H=6, options=options)


def test_the_net_of_experiment_2a_has_an_input_gate_and_weights_from_the_input_to_the_output():
    assert_written_again("lstm_1997", experiment_2a, H=4, options=EXPERIMENT_2A)


def test_without_recurrent_gates_the_cells_alone_are_fed_back():
    cell = cells.create("lstm_1997", {"recurrence": "cells"})
    params, inputs = make_params(cell, 3, 4), randn(1, 2, 1, 3, 2)
    y, s, gates = (randn(2 + k, 1, rows, 2) for k, rows in enumerate((4, 4, 8)))
    first = engine.unroll(cell, Params(params), inputs, (y, s, gates), [0, 1], "loop")[0]
    again = engine.unroll(cell, Params(params), inputs, (y, s, -gates), [0, 1], "loop")[0]
    other = engine.unroll(cell, Params(params), inputs, (-y, s, gates), [0, 1], "loop")[0]
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def truncated_gradient(
    p: Weights, inputs: np.ndarray, errors: np.ndarray, size: int
) -> dict[str, np.ndarray]:
    """Forward in time, as in appendix A.1: ds/dw is added up beside every cell.

    inputs (T, d), errors (T, h) the derivative of the loss by each cell's output.
    """
    h = errors.shape[1]
    n = h // size
    block = np.arange(h) // size
    y, s, gates = np.zeros(h), np.zeros(h), np.zeros(2 * n)
    sources = inputs.shape[1] + h + 2 * n + 1
    ds = {"i": np.zeros((h, sources)), "c": np.zeros((h, sources))}
    found = {"i": np.zeros((n, sources)), "o": np.zeros((n, sources)), "c": np.zeros((h, sources))}
    full = {g: np.hstack([p[f"W_{g}"], p[f"U_{g}"], p[f"b_{g}"][:, None]]) for g in "ioc"}
    for x, error in zip(inputs, errors):
        m = np.concatenate([x, y, gates, [1.0]])
        i, o, a = logistic(full["i"] @ m), logistic(full["o"] @ m), logistic(full["c"] @ m)
        g = 4 * a - 2
        s = s + i[block] * g
        squashed = logistic(s)
        ds["i"] += np.outer(g * (i * (1 - i))[block], m)
        ds["c"] += np.outer(i[block] * 4 * a * (1 - a), m)
        into_s = error * o[block] * 2 * squashed * (1 - squashed)
        found["c"] += into_s[:, None] * ds["c"]
        for v in range(h):
            found["i"][block[v]] += into_s[v] * ds["i"][v]
            slope = o[block[v]] * (1 - o[block[v]])
            found["o"][block[v]] += error[v] * (2 * squashed[v] - 1) * slope * m
        y, gates = o[block] * (2 * squashed - 1), np.concatenate([i, o])
    return found


def by_autograd(truncated: bool) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Gradients of blocks of two, and those of the appendix."""
    d, h, T = 3, 6, 9
    cell = cells.create("lstm_1997", {"cells_per_block": 2, "truncated": truncated})
    params = {k: v.requires_grad_() for k, v in make_params(cell, d, h, scale=0.8).items()}
    inputs, errors = randn(1, T, 1, d, 1), randn(2, T, 1, h, 1)
    start = cell.initial_state(1, h, 1, inputs, d)
    hidden, _ = engine.unroll(cell, Params(params), inputs, start, range(T), "loop")
    (hidden * errors).sum().backward()
    gradients = {
        g: torch.cat([params[f"{k}_{g}"].grad[0] for k in "WUb"], dim=1).numpy() for g in "ioc"
    }
    vectors = ("b_i", "b_o", "b_c")
    p = {k: v[0].detach().numpy() for k, v in params.items()}
    p = {k: v[:, 0] if k in vectors else v for k, v in p.items()}
    written = truncated_gradient(p, inputs[:, 0, :, 0].numpy(), errors[:, 0, :, 0].numpy(), 2)
    return gradients, written


def test_the_truncated_gradient_is_that_of_the_appendix():
    gradients, written = by_autograd(truncated=True)
    for unit in "ioc":
        np.testing.assert_allclose(gradients[unit], written[unit], rtol=0, atol=ULPS)


def test_the_full_gradient_is_another():
    gradients, written = by_autograd(truncated=False)
    for unit in "ioc":
        assert np.abs(gradients[unit] - written[unit]).max() > 0.01


@pytest.mark.parametrize(
    ("experiment", "inputs", "blocks", "size", "outputs", "options", "biased", "weights"),
    [
        ("1", 7, 4, 1, 7, {"biases": "gates"}, False, 264),
        ("1", 7, 3, 2, 7, {"biases": "gates"}, False, 276),
        ("2a", 101, 1, 1, 101, EXPERIMENT_2A, False, 10504),
        ("2c", 54, 2, 1, 2, {"biases": "none"}, False, 364),
        ("2c", 104, 2, 1, 2, {"biases": "none"}, False, 664),
        ("3", 1, 3, 1, 1, {}, False, 102),
        ("4", 2, 2, 2, 1, {}, True, 93),
        ("6a", 8, 2, 2, 4, {}, True, 156),
        ("6b", 8, 3, 2, 8, {}, True, 308),
    ],
)
def test_the_number_of_weights_is_the_published_one(
    experiment: str,
    inputs: int,
    blocks: int,
    size: int,
    outputs: int,
    options: dict[str, Any],
    biased: bool,
    weights: int,
):
    """Cell and readout; `biased` where the paper's output units have a bias, as ours always do."""
    cell = cells.create("lstm_1997", {"cells_per_block": size, **options})
    width = blocks * size + (inputs if options.get("direct") else 0)
    readout = outputs * (width + biased)
    assert cell.parameters(inputs, width, outputs) + readout == weights
