"""The peers compute the cell they are timed as."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from lstm_bench.probes.speed import TOLERANCE, _weights
from lstm_bench.speed import peers
from lstm_bench.speed.cases import Case, relative_errors
from lstm_bench.speed.contenders import Backend, Contender, reference

with_jax = pytest.mark.skipif(not importlib.util.find_spec("jax"), reason="jax is not installed")


@pytest.mark.parametrize("cell", peers.CELLS)
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda: peers.TorchNN(tuned=False), id="torch.nn"),
        pytest.param(peers.JaxScan, id="jax", marks=with_jax),
        pytest.param(lambda: Backend("loop"), id="loop"),
    ],
)
def test_outputs_and_gradients_of_a_peer_are_those_of_the_float64_loop(cell: str, make):
    case = Case(cell, width=5, T=7, replicates=2, batch=3, inputs=2)
    rng = np.random.default_rng(0)  # no bias at zero: each has to be in its place
    weights = {k: v + 0.3 * rng.random(v.shape).astype("f") for k, v in _weights(case).items()}
    contender: Contender = make()
    contender.open(case, weights)
    contender.call()
    exact = reference(case, weights)
    assert {f"d{k}" for k in weights} - {"dV", "db_y"} == set(exact) - {"hidden"}
    errors = relative_errors(contender.results(), exact)
    assert max(errors.values()) < TOLERANCE, errors


def test_a_cell_without_a_peer_has_none():
    assert peers.available("jordan", "cpu") == []
    assert "torch.nn tuned" in peers.available("lstm", "cpu")
    assert "jax" not in peers.available("lstm", "cuda")
