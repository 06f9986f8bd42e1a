"""Layers, directions and readouts, against torch.nn and by hand, in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from lstm_bench import cells
from lstm_bench.cells.base import Params
from lstm_bench.engine.network import Network
from lstm_bench.engine.network_options import NetworkOptions
from tests.numerics.support import EXACT, leaves, randn, relative_error

D, H, K, T, B = 3, 5, 2, 7, 32
EVERY = tuple(range(T))


def network(cell: str = "lstm", **options) -> Network:
    return Network(cells.create(cell), D, H, K, NetworkOptions(**options))


def params_of(net: Network, R: int = 2) -> dict[str, Tensor]:
    flat = 0.4 * randn(0, R, net.layout.size)
    return {name: view.clone() for name, view in net.layout.views(flat).items()}


def outputs(net: Network, params: dict[str, Tensor], x: Tensor, steps=EVERY, **more) -> Tensor:
    """(S, R, K, B)."""
    y = net.outputs_at(Params(params), x, steps, **more)
    return y.unflatten(2, (len(steps), -1)).permute(2, 0, 1, 3)


def torchs(kind: str, net: Network, params: dict[str, Tensor], r: int) -> torch.nn.Module:
    """torch.nn.LSTM or GRU with the weights of replicate r."""
    order = {"LSTM": "ifco", "GRU": "rzn"}[kind]
    module = getattr(torch.nn, kind)(
        D, H, net.options.layers, bidirectional=net.options.bidirectional, dtype=torch.float64
    )
    for part in net.parts:
        suffix = f"_l{part.layer - 1}" + ("_reverse" if part.backward else "")
        own = {k: v[r] for k, v in params.items()}
        for ours, theirs in (("W", "weight_ih"), ("U", "weight_hh"), ("b", "bias_ih")):
            stacked = torch.cat([own[f"{part.prefix}{ours}_{gate}"] for gate in order])
            getattr(module, theirs + suffix).data = stacked.reshape(
                getattr(module, theirs + suffix).shape
            ).detach()
        other = getattr(module, "bias_hh" + suffix)
        other.data = torch.zeros_like(other)
        if kind == "GRU":  # the one bias of ours inside the reset product
            other.data[2 * H :] = own[f"{part.prefix}b_u"].flatten().detach()
    return module


@pytest.mark.parametrize("backend", ["loop", "auto"])
@pytest.mark.parametrize(("cell", "kind"), [("lstm", "LSTM"), ("gru", "GRU")])
@pytest.mark.parametrize(
    ("layers", "bidirectional"), [(1, False), (2, False), (1, True), (2, True), (3, True)]
)
def test_stacked_and_bidirectional_networks_are_torchs(
    cell: str, kind: str, layers: int, bidirectional: bool, backend: str
):
    net = network(cell, layers=layers, bidirectional=bidirectional)
    params, x = leaves(params_of(net)), randn(1, T, 2, D, B).requires_grad_()
    steps = (0, 3, 6)
    y = outputs(net, params, x, steps, backend=backend)
    weight = randn(2, *y.shape)
    found = torch.autograd.grad((y * weight).sum(), [x, *params.values()])
    for r in range(2):
        module = torchs(kind, net, params, r)
        own = x[:, r].detach().clone().requires_grad_()
        hidden = module(own.permute(0, 2, 1))[0][list(steps)]  # (S, B, seen)
        expected = hidden @ params["V"][r].mT + params["b_y"][r].mT
        assert relative_error(y[:, r].mT, expected) < EXACT
        (expected.mT * weight[:, r]).sum().backward()
        assert relative_error(found[0][:, r], own.grad) < EXACT
        for name, gradient in zip(params, found[1:]):
            if "W_" in name:
                part = next(p for p in net.parts if name.startswith(f"{p.prefix}W_"))
                suffix = f"_l{part.layer - 1}" + ("_reverse" if part.backward else "")
                order = {"LSTM": "ifco", "GRU": "rzn"}[kind]
                rows = getattr(module, "weight_ih" + suffix).grad.split(H)
                assert relative_error(gradient[r], rows[order.index(name[-1])]) < EXACT


def test_the_backward_cell_of_a_layer_reads_the_mirror_image():
    net = network("elman", bidirectional=True)
    params, x = params_of(net, R=1), randn(1, T, 1, D, B)
    y = outputs(net, params, x)
    read = {"": x, "backward.": x.flip(0)}
    halves = {}
    for prefix, sequence in read.items():
        W, U, b = (params[prefix + n][0].numpy() for n in ("W", "U", "b"))
        h, kept = np.zeros((H, B)), []
        for t in range(T):
            h = np.tanh(W @ sequence[t, 0].numpy() + U @ h + b)
            kept.append(h)
        halves[prefix] = kept if not prefix else kept[::-1]
    V, b_y = params["V"][0].numpy(), params["b_y"][0].numpy()
    for t in range(T):
        seen = np.concatenate([halves[""][t], halves["backward."][t]])
        np.testing.assert_allclose(y[t, 0].numpy(), V @ seen + b_y, rtol=0, atol=1e-12)


@pytest.mark.parametrize("readout_bias", [True, False])
@pytest.mark.parametrize("direct", [True, False])
@pytest.mark.parametrize("readout", ["linear", "logistic"])
@pytest.mark.parametrize("shared", [True, False], ids=["shared inputs", "own inputs"])
def test_the_readout_is_its_equation(readout: str, direct: bool, readout_bias: bool, shared: bool):
    net = network("elman", readout=readout, direct=direct, readout_bias=readout_bias)
    params, x = params_of(net), randn(1, T, 1 if shared else 2, D, B)
    assert ("V_x" in params, "b_y" in params) == (direct, readout_bias)
    y = outputs(net, params, x, (1, 5))
    for r in range(2):
        p = {name: value[r].numpy() for name, value in params.items()}
        own = x[:, 0 if shared else r].numpy()
        h = np.zeros((H, B))
        for t in range(6):
            h = np.tanh(p["W"] @ own[t] + p["U"] @ h + p["b"])
            if t in (1, 5):
                expected = p["V"] @ h
                expected = expected + p["V_x"] @ own[t] if direct else expected
                expected = expected + p["b_y"] if readout_bias else expected
                expected = 1 / (1 + np.exp(-expected)) if readout == "logistic" else expected
                found = y[(1, 5).index(t), r].numpy()
                np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


def test_a_stack_sees_no_future_and_a_bidirectional_network_does():
    for bidirectional in (False, True):
        net = network(layers=2, bidirectional=bidirectional)
        params, x = params_of(net), randn(1, T, 2, D, B)
        changed = x.clone()
        changed[4] += 1
        before, after = outputs(net, params, x), outputs(net, params, changed)
        assert torch.equal(before[:4], after[:4]) != bidirectional
        assert not torch.equal(before[4:], after[4:])


def test_the_state_of_a_stack_is_that_of_its_cells_one_after_another():
    net = network(layers=2)
    params, x = params_of(net), randn(1, T, 2, D, B)
    zeros = net.initial_state(2, B, x)
    assert len(zeros) == 4
    other = (*zeros[:2], torch.ones_like(zeros[2]), zeros[3])
    same = outputs(net, params, x, state=zeros)
    assert torch.equal(same, outputs(net, params, x))
    assert not torch.equal(same, outputs(net, params, x, state=other))
