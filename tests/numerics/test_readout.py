"""The readout of all steps has the bits of one product a replicate, and so have its gradients."""

from __future__ import annotations

from itertools import product as grid

import pytest
import torch

from lstm_bench.engine.parameters import product
from lstm_bench.engine.readout import columns, read_out

SHAPES = list(grid((1, 2, 7, 40), (1, 2, 3), (1, 5, 16, 33, 100), (32, 64), (1, 2, 5, 27)))


def both(S: int, R: int, h: int, B: int, k: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(S + 7 * R + 11 * h + 13 * B + 17 * k)
    V = torch.randn(R, k, h, generator=rng, requires_grad=True)
    hidden = torch.randn(S, R, h, B, generator=rng, requires_grad=True)
    return V, hidden, torch.randn(R, k, S * B, generator=rng)


@pytest.mark.parametrize(("S", "R", "h", "B", "k"), SHAPES)
def test_outputs_and_gradients_are_those_of_one_product(
    S: int, R: int, h: int, B: int, k: int
) -> None:
    V, hidden, dy = both(S, R, h, B, k)
    plain, found = product(V, columns(hidden)), read_out(V, hidden)
    assert torch.equal(found, plain)
    expected = torch.autograd.grad(plain, (V, hidden), dy)
    for ours, theirs in zip(torch.autograd.grad(found, (V, hidden), dy), expected):
        assert torch.equal(ours, theirs)


@pytest.mark.parametrize(("h", "k"), [(32, 10), (33, 7), (5, 2)])
def test_a_replicate_has_the_same_outputs_and_gradients_in_any_company(h: int, k: int) -> None:
    V, hidden, dy = both(9, 4, h, 32, k)
    together = torch.autograd.grad(read_out(V, hidden), (V, hidden), dy)
    for r in range(4):
        own = V[r : r + 1], hidden[:, r : r + 1]
        y = read_out(*own)
        assert torch.equal(y, read_out(V, hidden)[r : r + 1])
        dV, dh = torch.autograd.grad(y, own, dy[r : r + 1])
        assert torch.equal(dV, together[0][r : r + 1])
        assert torch.equal(dh, together[1][:, r : r + 1])
