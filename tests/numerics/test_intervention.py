"""The gradient whose norm is set: its recursion written out, and where it is the identity."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lstm_bench import cells
from lstm_bench.engine.chunks import ThroughTime
from lstm_bench.engine.network import Network
from lstm_bench.errors import BenchError
from lstm_bench.spec import Condition, Training

T, R, D, B, H, K = 5, 2, 3, 32, 6, 2


def case(cell: str, dtype: torch.dtype = torch.float64) -> tuple[Network, Tensor, Tensor]:
    """A network, inputs (T, R, D, B) and the weight of each output in the loss."""
    generator = torch.Generator().manual_seed(5)
    draw = lambda *shape: torch.randn(*shape, generator=generator, dtype=torch.float64)  # noqa: E731
    network = Network(cells.create(cell), D, H, K)
    return network, draw(T, R, D, B).to(dtype), draw(R, K, B).to(dtype)


def gradients(
    cell: str, decay: float | None, steps: tuple[int, ...] = (T - 1,), backend: str = "loop"
) -> dict[str, Tensor]:
    """Of the suite: the gradient of sum(weight y^2) over the outputs at these steps."""
    network, inputs, weight = case(cell, torch.float64 if backend == "loop" else torch.float32)
    leaves = network.layout.leaves(network.pack(range(R), inputs[:1, 0, 0, 0]))
    how = ThroughTime(decay=decay)
    y = network.outputs_at(leaves, inputs, steps, backend=backend, through=how)
    loss = (y.square() * weight.repeat(1, 1, len(steps))).sum()
    return dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values()))))


def written_out(decay: float, steps: tuple[int, ...]) -> dict[str, Tensor]:
    """Backpropagation through an Elman network's five steps, the norm of each dL/dh_t set."""
    network, inputs, weight = case("elman")
    p = network.layout.leaves(network.pack(range(R), inputs[:1, 0, 0, 0]))
    W, U, b, V, b_y = (p[name].detach() for name in ("W", "U", "b", "V", "b_y"))
    states = [torch.zeros(R, H, B, dtype=torch.float64)]
    for x in inputs:
        states.append(torch.tanh(W @ x + U @ states[-1] + b))
    found = {name: torch.zeros_like(p[name]) for name in p}
    g, reference = torch.zeros(R, H, B, dtype=torch.float64), torch.zeros(R)
    for t in reversed(range(T)):
        h, before = states[t + 1], states[t]
        if t in steps:
            d_y = 2 * weight * (V @ h + b_y)
            found["V"] += d_y @ h.mT
            found["b_y"] += d_y.sum(2, keepdim=True)
            g = g + V.mT @ d_y
        norms = torch.stack([g[r].norm() for r in range(R)])
        if t == max(steps):
            reference = norms
        elif t < max(steps):
            g = g * (reference * decay ** (max(steps) - t) / norms)[:, None, None]
        d_a = g * (1 - h * h)
        found["W"] += d_a @ inputs[t].mT
        found["U"] += d_a @ before.mT
        found["b"] += d_a.sum(2, keepdim=True)
        g = U.mT @ d_a
    return found


@pytest.mark.parametrize("steps", [(T - 1,), (T - 2, T - 1), (2,)])
@pytest.mark.parametrize("decay", [1.0, 0.5, 1.2])
def test_the_gradient_is_the_recursion_written_out(decay: float, steps: tuple[int, ...]):
    found, expected = gradients("elman", decay, steps), written_out(decay, steps)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("steps", [(T - 1,), (T - 2, T - 1), (2,)])
@pytest.mark.parametrize("cell", ["elman", "gru", "irnn"])
def test_the_compiled_kernel_gives_the_gradient_of_the_loop(cell: str, steps: tuple[int, ...]):
    found = gradients(cell, 0.8, steps, backend="compiled")
    expected = gradients(cell, 0.8, steps)
    for name, value in expected.items():
        torch.testing.assert_close(found[name].double(), value, rtol=1e-3, atol=1e-4)


def test_where_it_is_the_identity_it_is_the_slope_of_the_loss():
    """One step has no norm to set: central differences of the loss itself."""
    network, inputs, weight = case("gru")
    inputs = inputs[:1]
    leaves = network.layout.leaves(network.pack(range(R), inputs[:1, 0, 0, 0]))

    def loss() -> Tensor:
        y = network.outputs_at(leaves, inputs, (0,), backend="loop", through=ThroughTime(decay=0.3))
        return (y.square() * weight).sum()

    found = dict(zip(leaves, torch.autograd.grad(loss(), list(leaves.values()))))
    with torch.no_grad():
        for name in ("W_z", "W_n", "b_n", "V"):
            value, step = leaves[name].data, 1e-6
            value[0, 0, 0] += step
            above = loss()
            value[0, 0, 0] -= 2 * step
            below = loss()
            value[0, 0, 0] += step
            assert found[name][0, 0, 0].item() == pytest.approx(
                ((above - below) / (2 * step)).item(), rel=1e-6
            )


def test_the_loss_is_that_of_the_ordinary_pass():
    network, inputs, _ = case("gru")
    params = network.layout.leaves(network.pack(range(R), inputs[:1, 0, 0, 0]))
    one, other = (
        network.outputs_at(params, inputs, (2, 4), backend="loop", through=ThroughTime(decay=decay))
        for decay in (None, 0.9)
    )
    torch.testing.assert_close(one, other, rtol=0, atol=1e-14)


@pytest.mark.parametrize(
    ("cell", "network", "training", "sentence"),
    [
        ("lstm", {}, {}, "not allowed with cell 'lstm', whose state is h, c; it needs a cell"),
        ("elman", {"layers": 2}, {}, "not allowed in a network of more than one layer"),
        ("elman", {}, {"truncate": 3}, "not allowed with truncate or recompute"),
        ("elman", {}, {"recompute": True}, "not allowed with truncate or recompute"),
    ],
)
def test_what_it_cannot_act_on_is_refused(cell: str, network, training, sentence: str):
    condition = Condition(
        "adding", 10, cell, network=network, training=Training(gradient_decay=1, **training)
    )
    with pytest.raises(BenchError, match=sentence):
        Network.of(condition)


def test_no_decay_of_zero_or_less():
    with pytest.raises(BenchError, match="gradient_decay: -1 is not allowed"):
        ThroughTime(decay=-1.0)
