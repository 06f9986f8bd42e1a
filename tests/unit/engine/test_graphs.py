"""CUDA graphs: what guards a recording, with a recording on the CPU that reuses its memory."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from lstm_bench import engine
from lstm_bench.cells.elman import Elman
from lstm_bench.engine import graphs
from lstm_bench.engine.graphs import Pass, run
from lstm_bench.errors import BenchError


def plain(x: Tensor, w: Tensor) -> tuple[Tensor, ...]:
    return ((x * w).exp(), w + 0)


class Replay(torch.autograd.Function):
    """As a CUDA graph: inputs are copied in, outputs and what backward reads are overwritten."""

    memory: dict[str, Tensor] = {}

    @staticmethod
    def forward(ctx, x: Tensor, w: Tensor) -> tuple[Tensor, ...]:
        held = Replay.memory
        for name, value in zip(("x", "w", "y", "last"), (x, w, *plain(x, w))):
            held.setdefault(name, torch.empty_like(value)).copy_(value)
        return held["y"].detach(), held["last"].detach()

    @staticmethod
    def backward(ctx, dy: Tensor, dlast: Tensor) -> tuple[Tensor, Tensor]:
        held = Replay.memory
        dx, dw = dy * held["y"] * held["w"], dy * held["y"] * held["x"] + dlast
        for name, value in zip(("dx", "dw"), (dx, dw)):
            held.setdefault(name, torch.empty_like(value)).copy_(value)
        return held["dx"].detach(), held["dw"].detach()


@pytest.fixture(autouse=True)
def nothing_recorded():
    graphs._recorded.clear()
    Replay.memory.clear()
    yield
    graphs._recorded.clear()


@pytest.fixture
def recordings() -> list[bool]:
    return []


def call(recordings: list[bool], x: Tensor, w: Tensor, key: str = "one") -> tuple[Tensor, ...]:
    def record(plain: Pass, given: Sequence[Tensor], graded: bool) -> Pass:
        recordings.append(graded)
        return Replay.apply

    graded = torch.is_grad_enabled()
    return run(key, plain, [x, w], graded, record)


def pair(seed: int) -> tuple[Tensor, Tensor]:
    x, w = torch.randn(2, 5, generator=torch.Generator().manual_seed(seed))
    return x.clone(), w.clone().requires_grad_()


def gradient(found: tuple[Tensor, ...], w: Tensor) -> Tensor:
    return torch.autograd.grad(found[0].sum() + found[1].square().sum(), w)[0]


def test_it_is_recorded_once_and_gives_what_the_plain_path_gives(recordings: list[bool]):
    for seed in range(3):
        x, w = pair(seed)
        found = call(recordings, x, w)
        torch.testing.assert_close(found, plain(x, w))
        torch.testing.assert_close(gradient(found, w), gradient(plain(x, w), w))
    assert recordings == [True]


def test_what_is_handed_out_survives_the_next_replay(recordings: list[bool]):
    kept = []
    for seed in range(2):
        x, w = pair(seed)
        found = call(recordings, x, w)
        kept.append((found[0], gradient(found, w), x, w))
    for y, dw, x, w in kept:
        torch.testing.assert_close(y, plain(x, w)[0])
        torch.testing.assert_close(dw, gradient(plain(x, w), w))


def test_a_second_forward_before_the_backward_takes_the_plain_path(recordings: list[bool]):
    pairs = [pair(seed) for seed in range(3)]
    found = [call(recordings, *each) for each in pairs]
    assert graphs._recorded["one"].replays == 1
    for each, (x, w) in zip(found, pairs):
        torch.testing.assert_close(gradient(each, w), gradient(plain(x, w), w))


def test_a_backward_pass_whose_memory_is_gone_is_an_error(recordings: list[bool]):
    x, w = pair(0)
    first = call(recordings, x, w)
    loss = first[0].sum()
    torch.autograd.grad(loss, w, retain_graph=True)
    call(recordings, *pair(1))
    with pytest.raises(RuntimeError, match="LSTM_BENCH_CUDA_GRAPHS=0"):
        torch.autograd.grad(loss, w)


def test_without_gradients_every_pass_is_a_replay_and_a_copy(recordings: list[bool]):
    with torch.no_grad():
        pairs = [pair(seed) for seed in range(3)]
        found = [call(recordings, *each) for each in pairs]
    assert graphs._recorded["one"].replays == 3
    assert recordings == [False]
    for each, (x, w) in zip(found, pairs):
        torch.testing.assert_close(each[0], plain(x, w.detach())[0])


def test_what_cannot_be_recorded_runs_plainly(recordings: list[bool]):
    x, w = pair(0)
    found = run("none", plain, [x, w], True, lambda *_: None)
    torch.testing.assert_close(gradient(found, w), gradient(plain(x, w), w))


def test_only_the_latest_recordings_are_kept(recordings: list[bool]):
    for i in range(graphs.KEPT + 2):
        call(recordings, *pair(i), key=str(i))
    assert list(graphs._recorded) == [str(i) for i in range(2, graphs.KEPT + 2)]


def test_it_is_off_on_a_cpu():
    assert not graphs.supports(Elman(), torch.zeros(1))
    with pytest.raises(BenchError, match="'graphs' cannot run"):
        engine.backend_for(Elman(), "graphs", torch.zeros(1))
