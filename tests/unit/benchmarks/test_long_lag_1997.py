"""The second writing of experiments 2a and 2b: its update is the suite's, and it learns."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks import long_lag_1997 as again
from lstm_bench.cells.base import Params
from lstm_bench.engine.network import Network
from lstm_bench.published import hs97_long_lag as table


def test_one_update_is_a_step_along_the_gradient_of_the_suite():
    symbols, trials = 7, 3
    rng = np.random.default_rng(1)
    w = again.start(rng, trials, symbols)
    tokens = rng.integers(0, symbols, (trials, 12))
    network = Network.of(table.condition("noisy", symbols - 1, "lstm_1997", table.CELL, 1))
    columns = {
        "W_i": w["w_i"][:, None],
        "W_c": w["w_c"][:, None],
        "V": w["v"][..., None],
        "V_x": w["W"].transpose(0, 2, 1),
    }
    params = Params({k: torch.from_numpy(v.copy()).requires_grad_() for k, v in columns.items()})
    one_hot = torch.eye(symbols, dtype=torch.float64)[torch.from_numpy(tokens)]
    inputs = one_hot[:, :-1].permute(1, 0, 2)[..., None]
    y = network.outputs_at(params, inputs, range(11))
    loss = ((y.mT - one_hot[:, 1:]) ** 2).sum() / 2
    found = torch.autograd.grad(loss, list(params.values()))

    before = {name: value.copy() for name, value in w.items()}
    again.update(w, tokens, np.ones(trials), rate=0.3, at_end=False)
    change = {name: (before[name] - w[name]) / 0.3 for name in w}
    expected = (change["w_i"], change["w_c"], change["v"], change["W"].transpose(0, 2, 1))
    for gradient, wanted in zip(found, expected):
        np.testing.assert_allclose(gradient.numpy().reshape(wanted.shape), wanted, atol=1e-12)


def test_a_cell_that_has_not_joined_does_nothing():
    rng = np.random.default_rng(1)
    w = again.start(rng, 2, 5)
    before = {name: value.copy() for name, value in w.items()}
    again.update(w, again.draw(rng, 2, 4, noisy=True), np.array([1.0, 0.0]), 1.0, at_end=True)
    for name in ("v", "w_i", "w_c"):
        assert np.array_equal(w[name][1], before[name][1])
        assert not np.array_equal(w[name][0], before[name][0])


def test_a_constructed_net_learns_a_lag_of_five():
    times, joining = again.run(5, False, True, False, trials=4, cap=12_000)
    assert (times > joining).all()
    assert (joining > 0).all()
