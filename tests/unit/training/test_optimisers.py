from __future__ import annotations

import pytest
import torch

from lstm_bench.errors import BenchError
from lstm_bench.training import optimisers

UPDATES, R, SIZE = 20, 3, 17
RATE, MOMENTUM = 0.02, 0.7
TWINS = {
    "adam": lambda w: torch.optim.Adam([w], lr=RATE),
    "rmsprop": lambda w: torch.optim.RMSprop([w], lr=RATE, alpha=0.9),
    "sgd": lambda w: torch.optim.SGD([w], lr=RATE, momentum=MOMENTUM),
}
ROUNDING = 64 * torch.finfo(torch.float64).eps


def gradients() -> torch.Tensor:
    """Of every size from 1e-6 to 1e2, so that ε and the bias correction matter."""
    generator = torch.Generator().manual_seed(1)
    scale = 10 ** torch.linspace(-6, 2, SIZE, dtype=torch.float64)
    return scale * torch.randn(UPDATES, R, SIZE, generator=generator, dtype=torch.float64)


def start() -> torch.Tensor:
    return torch.linspace(-1, 1, R * SIZE, dtype=torch.float64).reshape(R, SIZE)


def test_every_optimiser_has_a_twin_in_torch():
    assert optimisers.OPTIMISERS.keys() == TWINS.keys()


@pytest.mark.parametrize("name", TWINS)
def test_every_update_is_that_of_torch_optim(name: str):
    ours, theirs = start(), start()
    mine, twin = optimisers.create(name, ours, RATE, MOMENTUM), TWINS[name](theirs)
    for update, gradient in enumerate(gradients(), start=1):
        theirs.grad = gradient.clone()
        twin.step()
        mine.step(ours, gradient.clone(), update)
        torch.testing.assert_close(ours, theirs, rtol=ROUNDING, atol=ROUNDING)
    assert not torch.allclose(ours, start())


@pytest.mark.parametrize("name", TWINS)
def test_the_learning_rate_scales_the_first_update(name: str):
    moved = []
    for rate in (0.01, 0.02):
        weights = start()
        optimisers.create(name, weights, rate, MOMENTUM).step(weights, gradients()[0], 1)
        moved.append(weights - start())
    torch.testing.assert_close(moved[1], 2 * moved[0], rtol=1e-9, atol=ROUNDING)


@pytest.mark.parametrize("name", TWINS)
def test_dropping_replicates_leaves_the_others_as_they_were(name: str):
    rows = torch.tensor([0, 2])
    whole, part = start(), start()
    all_rows = optimisers.create(name, whole, RATE, MOMENTUM)
    some_rows = optimisers.create(name, part, RATE, MOMENTUM)
    for update, gradient in enumerate(gradients(), start=1):
        if update == 8:
            part = part[rows]
            some_rows.keep(rows)
        kept = gradient if update < 8 else gradient[rows]
        all_rows.step(whole, gradient.clone(), update)
        some_rows.step(part, kept.clone(), update)
    assert torch.equal(part, whole[rows])


def test_an_unknown_optimiser_is_answered_with_the_nearest_name():
    with pytest.raises(BenchError, match="did you mean 'adam'"):
        optimisers.create("adamw", start(), RATE, MOMENTUM)
