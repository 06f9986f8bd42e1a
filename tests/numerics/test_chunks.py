"""Truncated backpropagation against a second writing of it, and recomputation against the whole."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from lstm_bench import cells, engine
from lstm_bench.engine.chunks import WHOLE, ThroughTime, cuts
from lstm_bench.engine.network import Network
from lstm_bench.engine.network_options import NetworkOptions
from lstm_bench.errors import BenchError
from lstm_bench.spec import Condition, Training
from tests.numerics.support import relative_error

T, R, D, B, H, K = 11, 2, 3, 32, 6, 2


def gradients(
    network: Network,
    steps: tuple[int, ...],
    how: ThroughTime = WHOLE,
    backend: str = "loop",
    length: int = T,
) -> dict[str, Tensor]:
    dtype = torch.float32 if backend == "compiled" else torch.float64
    like = torch.zeros(1, dtype=dtype)
    generator = torch.Generator().manual_seed(3)
    inputs = torch.randn(length, R, D, B, generator=generator, dtype=torch.float64).to(dtype)
    leaves = network.layout.leaves(network.pack(range(R), like))
    y = network.outputs_at(leaves, inputs, steps, backend=backend, through=how)
    weights = torch.randn(y.shape, generator=generator, dtype=torch.float64).to(dtype)
    found = torch.autograd.grad((y * y * weights).sum(), list(leaves.values()), allow_unused=True)
    return {name: g for name, g in zip(leaves, found) if g is not None}


def of(cell: str, **options: int) -> Network:
    return Network(cells.create(cell), D, H, K, NetworkOptions(**options))


def written_again(steps: tuple[int, ...], k: int, carry: bool) -> dict[str, Tensor]:
    """An LSTM's truncated gradient: the state is detached, or zero, at t = T - k, T - 2k, ..."""
    network = of("lstm")
    generator = torch.Generator().manual_seed(3)
    inputs = torch.randn(T, R, D, B, generator=generator, dtype=torch.float64)
    p = network.layout.leaves(network.pack(range(R), torch.zeros(1, dtype=torch.float64)))
    h = c = torch.zeros(R, H, B, dtype=torch.float64)
    kept = []
    for t in range(T):
        if (T - t) % k == 0:
            h, c = (h.detach(), c.detach()) if carry else (h * 0, c * 0)
        f, i, o = (
            torch.sigmoid(p[f"W_{g}"] @ inputs[t] + p[f"U_{g}"] @ h + p[f"b_{g}"]) for g in "fio"
        )
        c = f * c + i * torch.tanh(p.W_c @ inputs[t] + p.U_c @ h + p.b_c)
        h = o * torch.tanh(c)
        if t in steps:
            kept.append(p.V @ h + p.b_y)
    y = torch.cat(kept, dim=2)
    weights = torch.randn(y.shape, generator=generator, dtype=torch.float64)
    found = torch.autograd.grad((y * y * weights).sum(), list(p.values()), allow_unused=True)
    return {name: g for name, g in zip(p, found) if g is not None}


def difference(found: dict[str, Tensor], expected: dict[str, Tensor]) -> float:
    """The largest relative error of a tensor; one whose gradient is 0 (an sLSTM's b_i) has none."""
    assert found.keys() == expected.keys()
    largest = max(g.norm() for g in expected.values())
    real = [name for name, g in expected.items() if g.norm() > 1e-9 * largest]
    return max(relative_error(found[name], expected[name]) for name in real)


@pytest.mark.parametrize("carry", [True, False])
@pytest.mark.parametrize("k", [1, 4, 5])
@pytest.mark.parametrize("steps", [(T - 1,), (0, 4, 9), tuple(range(T))])
def test_the_truncated_gradient_is_the_one_written_again(
    steps: tuple[int, ...], k: int, carry: bool
) -> None:
    how = ThroughTime(truncate=k, carry=carry)
    assert difference(gradients(of("lstm"), steps, how), written_again(steps, k, carry)) < 1e-12


@pytest.mark.parametrize("cell", ["elman", "jordan", "lstm", "lstm_1997"])
def test_every_kernel_cuts_where_the_loop_does(cell: str) -> None:
    network = of(cell)
    if not engine.BACKENDS["compiled"].supports(network.cell, torch.zeros(1)):
        pytest.skip("no kernel can be made here")
    for steps in [(T - 1,), (0, 4, 9)]:
        for how in [
            ThroughTime(4),
            ThroughTime(4, carry=False),
            ThroughTime(recompute=True),
        ]:
            expected = gradients(network, steps, how)
            assert difference(gradients(network, steps, how, "compiled"), expected) < 1e-5


@pytest.mark.parametrize("cell", sorted(cells.registry()))
def test_recomputed_gradients_are_those_of_the_whole(cell: str) -> None:
    network = Network(cells.create(cell), D, cells.create(cell).widths(D)[7], K)
    backend = engine.backend_for(network.cell, "auto", torch.zeros(1, dtype=torch.float64))
    for steps in [(T - 1,), (0, 4, 9)]:
        whole = gradients(network, steps, WHOLE, backend)
        again = gradients(network, steps, ThroughTime(recompute=True), backend)
        assert difference(again, whole) < 1e-11


@pytest.mark.parametrize("how", [ThroughTime(4), ThroughTime(recompute=True)])
def test_a_cut_longer_than_the_sequence_and_deep_networks(how: ThroughTime) -> None:
    network = of("lstm", layers=2)
    whole = gradients(network, (2, T - 1))
    found = gradients(network, (2, T - 1), replace(how, truncate=how.truncate and 2 * T))
    assert difference(found, whole) < 1e-12
    both = of("gru", layers=2, bidirectional=True)
    recomputed = gradients(both, (2, T - 1), ThroughTime(recompute=True))
    assert difference(recomputed, gradients(both, (2, T - 1))) < 1e-12


def test_cuts_are_counted_from_the_end() -> None:
    assert cuts(10, ThroughTime(4)) == [(0, 2), (2, 6), (6, 10)]
    assert cuts(10, ThroughTime(recompute=True)) == [(0, 4), (4, 8), (8, 10)]
    assert cuts(3, ThroughTime(7)) == [(0, 3)]
    assert cuts(1, ThroughTime(recompute=True)) == [(0, 1)]


def held(length: int, how: ThroughTime, backend: str) -> int:
    """Bytes a forward pass keeps for its gradient: what is allocated and not yet freed after it."""
    network = of("lstm")
    leaves = network.layout.leaves(network.pack(range(R), torch.zeros(1)))
    inputs = torch.zeros(length, R, D, B)
    with torch.profiler.profile(profile_memory=True) as profiler:
        y = network.outputs_at(leaves, inputs, (length - 1,), backend=backend, through=how)
    del y
    events = profiler.profiler.kineto_results.events()
    return sum(event.nbytes() for event in events if event.name() == "[memory]")


@pytest.mark.parametrize("backend", ["loop", "compiled"])
def test_recomputation_keeps_memory_as_the_root_of_T(backend: str) -> None:
    if not engine.BACKENDS[backend].supports(cells.create("lstm"), torch.zeros(1)):
        pytest.skip(f"{backend} is not available here")
    short, long = (held(n, ThroughTime(recompute=True), backend) for n in (100, 900))
    whole = held(900, WHOLE, backend)
    assert long < whole / 10
    assert long < 1.5 * math.sqrt(900 / 100) * short


def test_what_cannot_be_combined_is_refused() -> None:
    with pytest.raises(BenchError, match="truncate: 0 is not allowed"):
        ThroughTime(truncate=0)
    with pytest.raises(BenchError, match="carry: False is not allowed without truncate"):
        ThroughTime(carry=False)
    with pytest.raises(BenchError, match="recompute: True is not allowed with truncate"):
        ThroughTime(truncate=3, recompute=True)
    training = Training(truncate=4)
    condition = Condition("adding", 10, "lstm", training=training, network={"bidirectional": True})
    with pytest.raises(BenchError, match="truncate: 4 is not allowed in a bidirectional"):
        Network.of(condition)
