"""Modules of torch.nn by name beside the same equations by hand: outputs, gradients, training."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from lstm_bench import cells
from lstm_bench.cells import Params
from lstm_bench.engine import backend_for, compiled, loop
from lstm_bench.engine.fused.library import available
from lstm_bench.engine.network import Network
from lstm_bench.spec import Condition, SeedBlock, Training
from lstm_bench.training.model import ReplicateBatch
from lstm_bench.training.stateful import stream_of

OWN = "tests/unit/cells/given/own_modules.py"
GATES = "ifco"  # the order of torch.nn
TORCH = {"LSTMCell": "", "LSTM": "_l0", "FrozenBias": "_l0", "FrozenBiasCell": ""}
KERNEL = pytest.mark.skipif(not available(), reason="no compiler here")


def by_equations(weights: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """The weights of `lstm` that are those of torch's LSTM, whose two biases are added."""
    end = TORCH[name]
    kinds = {
        "W": weights[f"weight_ih{end}"],
        "U": weights[f"weight_hh{end}"],
        "b": weights[f"bias_ih{end}"] + weights[f"bias_hh{end}"],
    }
    return {
        f"{kind}_{gate}": part
        for kind, stacked in kinds.items()
        for gate, part in zip(GATES, np.split(stacked, 4))
    } | {key: weights[key] for key in ("V", "b_y")}


def pair(reference: str, inputs: int = 2, width: int = 16) -> tuple[Network, Network, Tensor]:
    """The network of a module, that of `lstm`, and sequences (T, R, d, B)."""
    networks = [Network(cells.create(n), inputs, width, 1) for n in (reference, "lstm")]
    return (*networks, torch.randn(30, 2, inputs, 32, generator=torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("reference", ["torch.nn:LSTMCell", "torch.nn:LSTM"])
def test_a_module_from_the_weights_of_the_equations_gives_their_outputs(reference: str):
    network, lstm, x = pair(reference)
    drawn = [network.init(seed) for seed in (3, 4)]
    name = reference.partition(":")[2]
    p = Params(network.layout.views(network.layout.pack(drawn, torch.zeros(1))))
    same = [by_equations(weights, name) for weights in drawn]
    q = Params(lstm.layout.views(lstm.layout.pack(same, torch.zeros(1))))
    steps = range(len(x))
    assert torch.allclose(
        network.outputs_at(p, x, steps), lstm.outputs_at(q, x, steps, backend="loop"), atol=1e-6
    )


def trained(condition: Condition, weights: list[dict[str, np.ndarray]]) -> Tensor:
    """Losses (20, R) of the first updates from these weights."""
    block = SeedBlock(0, 1)
    model = ReplicateBatch.create(condition, block, torch.device("cpu"))
    model.weights.copy_(model.network.layout.pack(weights, model.weights))
    streams, losses = [stream_of(condition, seed) for seed in block.seeds], []
    for _ in range(20):
        before = model.loss_sum.clone()
        model.step([stream(model.update) for stream in streams])
        losses.append(model.loss_sum - before)
    return torch.stack(losses)


@pytest.mark.parametrize("name", ["FrozenBias", "FrozenBiasCell"])
def test_with_one_bias_frozen_a_module_is_trained_as_the_equations_are(name: str):
    training = Training(updates=20, learning_rate=0.01)
    module = cells.create(f"{OWN}:{name}")
    ours = Condition("adding", 20, module.name, width=16, training=training)
    theirs = Condition("adding", 20, "lstm", width=16, training=training)
    drawn = [Network.of(ours).init(seed) for seed in (0, 1)]
    found = trained(ours, drawn)
    expected = trained(theirs, [by_equations(weights, name) for weights in drawn])
    assert torch.allclose(found, expected, atol=1e-4)
    assert (found[0] - found[-1]).abs().min() > 1e-3, "training moves the loss"


def test_the_second_bias_of_torch_doubles_the_step_of_adam():
    training = Training(updates=20, learning_rate=0.01)
    ours = Condition("adding", 20, "torch.nn:LSTM", width=16, training=training)
    theirs = Condition("adding", 20, "lstm", width=16, training=training)
    drawn = [Network.of(ours).init(seed) for seed in (0, 1)]
    found = trained(ours, drawn)
    expected = trained(theirs, [by_equations(weights, "LSTM") for weights in drawn])
    assert not torch.allclose(found, expected, atol=1e-4)


@KERNEL
@pytest.mark.parametrize(
    ("reference", "options"),
    [
        ("torch.nn:LSTMCell", {}),
        ("torch.nn:GRUCell", {}),
        ("torch.nn:RNNCell", {}),
        ("torch.nn:RNNCell", {"nonlinearity": "relu", "bias": False}),
        (f"{OWN}:Janet", {}),
        (f"{OWN}:Tied", {}),
        (f"{OWN}:FrozenBiasCell", {}),
    ],
    ids=str,
)
@pytest.mark.parametrize(("R", "B", "D", "H"), [(1, 1, 1, 2), (2, 5, 3, 7), (3, 33, 2, 32)])
def test_a_compiled_module_has_the_numbers_of_its_forward_in_float64(
    reference: str, options: dict, R: int, B: int, D: int, H: int
):
    cell = cells.create(reference, options)
    network = Network(cell, D, H, 1)
    assert backend_for(cell, "auto", torch.zeros(1)) == "compiled"
    flat = network.pack(range(R), torch.zeros(1, dtype=torch.float64))
    x = torch.randn(9, R, D, B, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def values(run, like: Tensor) -> dict[str, Tensor]:
        p = network.layout.leaves(flat.to(like))
        inputs = x.to(like).requires_grad_()
        start = tuple(s + 0.1 for s in cell.initial_state(R, H, B, like, D))
        start = tuple(s.requires_grad_() for s in start)
        hidden, last = run.unroll(cell, p, inputs, start, (3, 8))
        leaves = {**p, "x": inputs, **{f"s{i}": s for i, s in enumerate(start)}}
        loss = hidden.square().sum() + sum(part.sum() for part in last)
        grads = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True)
        found = {n: g for n, g in zip(leaves, grads) if g is not None}
        return {**found, "hidden": hidden.detach()}

    exact = values(loop, torch.zeros(1, dtype=torch.float64))
    found = values(compiled, torch.zeros(1))
    assert exact.keys() == found.keys()
    for name, value in exact.items():
        off = (found[name].double() - value).norm()
        assert off <= 2e-5 * value.norm() + 1e-6, f"{name}: {off}"


@pytest.mark.parametrize(
    "reference",
    ["torch.nn:LSTMCell", "torch.nn:LSTM", f"{OWN}:MultiHead", f"{OWN}:LearntStart"],
)
def test_a_replicate_of_a_module_has_the_same_bits_alone_in_two_and_in_eight(reference: str):
    cell = cells.create(reference)
    network, seeds = Network(cell, 2, 8, 1), list(range(8))
    x = torch.randn(6, 8, 2, 32, generator=torch.Generator().manual_seed(2))

    def run(count: int) -> tuple[Tensor, list[Tensor]]:
        rows = max(count, 2)  # a replicate alone is joined by a copy where torch computes
        p = network.layout.leaves(network.pack((seeds[:count] * 2)[:rows], torch.zeros(1)))
        sequences = torch.cat([x[:, :count]] * 2, dim=1)[:, :rows]
        y = network.outputs_at(p, sequences, [5])
        grads = torch.autograd.grad(y.square().sum(), list(p.values()), allow_unused=True)
        return y[0], [g[0] for g in grads if g is not None]

    y, grads = run(8)
    for count in (1, 2):
        other, others = run(count)
        assert torch.equal(other, y)
        assert all(torch.equal(a, b) for a, b in zip(grads, others))
