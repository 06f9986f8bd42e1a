"""Tokens looked up are one-hot vectors times the embedding, for every cell, and so its gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from lstm_bench import cells
from lstm_bench.cells import Params
from lstm_bench.engine.network import Network
from lstm_bench.engine.network_options import NetworkOptions
from lstm_bench.errors import BenchError
from tests.numerics.support import any_cells_backend

VOCABULARY, SIZE, WIDTH, T, B = 11, 4, 8, 6, 32
STEPS = (2, 5)


def network(cell: str, vocabulary: int = VOCABULARY, **options: object) -> Network:
    made = NetworkOptions(embedding=SIZE, **options)  # type: ignore[arg-type]
    own = {"truncated": True} if cell == "lstm_1997" else {}
    return Network(cells.create(cell, own), SIZE, WIDTH, 5, made, vocabulary)


def tokens(R: int) -> Tensor:
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.integers(0, VOCABULARY - 1, (T, 3, B)))[:, :R]


def gradients(net: Network, params: Params, inputs: Tensor, backend: str) -> list[Tensor]:
    """The outputs, and the gradient of a sum of them by every weight."""
    outputs = net.outputs_at(params, inputs, STEPS, backend=backend)
    known = [value for value in params.values() if value.requires_grad]
    total = (outputs * torch.linspace(-1, 1, outputs.shape[-1])).sum()
    return [outputs.detach(), *torch.autograd.grad(total, known, allow_unused=True)]


def leaves(net: Network, R: int) -> Params:
    return net.layout.leaves(net.pack(range(R), torch.zeros(1)))


@pytest.mark.parametrize("cell", sorted(cells.registry()))
def test_a_token_is_the_product_of_the_embedding_with_a_one_hot_vector(cell: str):
    net, dense = network(cell), network(cell, vocabulary=0)
    params = leaves(net, 2)
    found = gradients(net, params, tokens(2), "auto")
    by_product = leaves(net, 2)
    units = one_hot(tokens(2), VOCABULARY).float()
    x = torch.einsum("trbv,rvd->trdb", units, by_product["embedding"])
    expected = gradients(dense, by_product, x, "auto")
    names = ["outputs", *params]
    for name, one, other in zip(names, found, expected, strict=True):
        if one is not None:
            assert torch.allclose(one, other, rtol=1e-4, atol=1e-5), name
    of_rows = dict(zip(names, found))["embedding"]
    assert of_rows.abs().sum(2)[:, :-1].gt(0).all()
    assert not of_rows[:, -1].any()  # the last token is never read


@pytest.mark.parametrize(
    ("cell", "backend"),
    [("lstm", "compiled"), ("lstm", "cudnn"), ("lru", "scan"), ("lstm_1997", "truncated")],
)
def test_every_backend_gives_the_gradient_of_the_embedding(cell: str, backend: str):
    net, R = network(cell), 1 if backend == "cudnn" else 2
    if backend in ("compiled", "truncated") and any_cells_backend() != "compiled":
        pytest.skip("no kernel can be made here")
    loop, own = (gradients(net, leaves(net, R), tokens(R), each) for each in ("loop", backend))
    assert all(torch.allclose(a, b, rtol=1e-4, atol=1e-5) for a, b in zip(loop, own))


@pytest.mark.parametrize("options", [{"layers": 2}, {"bidirectional": True}, {"direct": True}])
def test_networks_of_every_form_read_tokens(options: dict[str, object]):
    net = network("gru", **options)
    params = leaves(net, 2)
    assert net.parameters == sum(value[0].numel() for value in params.values())
    assert torch.isfinite(gradients(net, params, tokens(2), "auto")[0]).all()


def test_the_numbers_of_a_replicate_do_not_depend_on_its_company():
    net = network("lstm")
    alone, together = (gradients(net, leaves(net, R), tokens(R), "auto") for R in (1, 3))
    assert all(torch.equal(a, b[:1]) for a, b in zip(alone, together))


def test_replicates_may_read_the_same_tokens():
    net, params = network("gru"), leaves(network("gru"), 2)
    shared, repeated = tokens(1), tokens(1).repeat(1, 2, 1)
    one, other = (net.outputs_at(params, each, STEPS) for each in (shared, repeated))
    assert torch.equal(one, other)


def test_an_embedding_has_at_least_one_number():
    with pytest.raises(BenchError, match="option embedding is 0, but must be at least 1"):
        NetworkOptions(embedding=0)
