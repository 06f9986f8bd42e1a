"""What a kernel can be derived from, and what is left to the loop in a sentence."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import run

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import silu, softplus

from lstm_bench import cells, engine
from lstm_bench.cells.base import Cell, State
from lstm_bench.engine import compiled
from lstm_bench.engine.compiled.__main__ import form_of
from lstm_bench.engine.compiled.form import Sizes
from lstm_bench.engine.describe import path
from lstm_bench.engine.fused import library
from lstm_bench.engine.network import Network
from lstm_bench.engine.network_options import NetworkOptions
from lstm_bench.errors import BenchError
from tests.numerics.support import any_cells_backend
from tests.numerics.test_compiled import as_exact_as_float32_can, case


def cell_of(step: Callable[..., State], parts: tuple[str, ...] = ("h",), **more: object) -> Cell:
    """A cell of one matrix U, W, a gate's U_g and vectors b, s and v, with this step."""

    @dataclass(frozen=True)
    class Written(Cell):
        # without a name: it is in no registry
        state = parts

        def init(self, rng, inputs, width, outputs):
            shapes = {"U": (width, width), "W": (width, inputs), "U_g": (width, width)}
            shapes |= {"b": (width,), "v": (width,), "s": (1,)}
            return {k: rng.normal(0, 0.3, shape) for k, shape in shapes.items()}

    Written.step = staticmethod(step) if not more else step  # type: ignore[method-assign]
    Written.__abstractmethods__ = frozenset()
    return Written()


def plain(p, x: Tensor, h: Tensor) -> Tensor:
    return p.W @ x + p.U @ h + p.b


def scaled(p, x, state):
    (h,) = state
    return (torch.tanh(p.s * plain(p, x, h) / (1 + h.abs().mean(dim=1, keepdim=True))),)


def attention(p, x, state):
    h, m = state
    share = torch.exp(-(p.v * h).sum(dim=1, keepdim=True).square())
    m = share * m + (1 - share) * torch.tanh(plain(p, x, h))
    return silu(p.U_g @ m) + 0.1 * h, m


def turned(p, x, state):
    (h,) = state
    U = p.U - p.U.mT - 0.1 * torch.eye(h.shape[1])
    return (h + 0.2 * torch.tanh(U @ h + p.W @ x + p.b),)


def bounded(p, x, state):
    (h,) = state
    up = torch.maximum(plain(p, x, h), -h) + softplus(p.U_g @ (h * p.v))
    return (torch.where(up > 0.5, 0.5 * torch.sin(up), up / 2),)


def times_a_sum(p, x, state):
    (h,) = state
    return (torch.tanh(plain(p, x, h) * (1 + h.sum(1, keepdim=True) + x.mean(1, keepdim=True))),)


def plus_a_mean(p, x, state):
    (h,) = state
    return (torch.tanh(h + (p.U @ h + p.b).mean(1, keepdim=True)),)


def halves(p, x, state):
    h, c = state
    a, b = (p.U @ torch.cat([h[:, 4:], h[:, :4]], dim=1)).split([4, h.shape[1] - 4], dim=1)
    c = torch.cat([torch.sigmoid(a), torch.tanh(b)], dim=1) * c + p.W @ x
    return torch.tanh(c + p.b), c


def in_rows(p, x, state):
    """Sequences in rows, gates side by side, values changed in place: as torch.nn writes it."""
    h, c = (part.mT for part in state)
    rows = torch.cat([x.mT, h], dim=2)
    a = torch.baddbmm(p.b.mT, rows, torch.cat([p.W, p.U], dim=2).mT)
    gates = torch.cat([a + p.v.mT, h @ p.U_g.mT], dim=2)
    i, g = gates.chunk(2, dim=2)
    i = i.clone().sigmoid_()
    c = (c * i).addcmul_(1 - i, g.tanh())
    return (c.tanh() * i).mT, c.mT


@pytest.mark.parametrize(
    ("step", "parts"),
    [
        (scaled, "h"),
        (attention, "hm"),
        (turned, "h"),
        (bounded, "h"),
        (times_a_sum, "h"),
        (plus_a_mean, "h"),
        (halves, "hc"),
        (in_rows, "hc"),
    ],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_a_cell_that_nobody_foresaw_has_a_kernel(step: Callable, parts: str):
    if not library.available():
        pytest.skip("no kernel can be made here")
    cell = cell_of(step, tuple(parts))
    assert engine.backend_for(cell) == "compiled"
    for shape in ((3, 5, 20, 2, 33), (1, 7, 3, 3, 9)):
        as_exact_as_float32_can(case(cell, *shape), range(shape[1]))


def weights_of(net: Network, replicates: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return 0.3 * torch.randn(replicates, net.layout.size, generator=generator)


def without_the_first(p, x, state):
    """Its first input is never read."""
    (h,) = state
    return (torch.tanh(p.W[:, :, 1:] @ x[:, 1:] + p.U @ h + p.b),)


def summed(p, x, state):
    """Two products with the same units."""
    (h,) = state
    return (torch.tanh(plain(p, x, h) + p.U_g @ h),)


@pytest.mark.parametrize("step", [without_the_first, summed])
def test_every_gradient_is_that_of_the_loop_in_a_deep_network(step: Callable):
    if not library.available():
        pytest.skip("no kernel can be made here")
    net = Network(cell_of(step), 3, 6, 2, NetworkOptions(layers=2))
    weights = weights_of(net, 3)
    assert net.backend(weights) == "compiled"
    x = torch.randn(5, 3, 3, 32, generator=torch.Generator().manual_seed(0)).requires_grad_()
    found = {}
    for backend in ("compiled", "loop"):
        leaves = net.layout.leaves(weights)
        rubbish = [torch.full((5, 3, 3, 32), float("nan")) for _ in range(8)]
        del rubbish  # memory that is handed out again holds no zeros
        y = net.outputs_at(leaves, x, range(5), backend=backend)
        wanted = [x, *leaves.values()]
        found[backend] = torch.autograd.grad(y.square().sum(), wanted, allow_unused=True)
    both = [pair for pair in zip(*found.values()) if None not in pair]
    assert len(both) >= 9  # U, W and b of both layers, the readout, the input
    for one, other in both:
        assert torch.allclose(one, other, rtol=1e-3, atol=1e-5)


def low_rank(p, x, state):
    (h,) = state
    rank = min(8, h.shape[1])
    return (torch.tanh(p.U[:, :, :rank] @ (p.U_g[:, :rank] @ h) + p.W @ x),)


def two_inputs(p, x, state):
    (h,) = state
    return (torch.tanh(p.W[:, :, :2] @ x[:, :2] + p.U @ h),)


def last_inputs(p, x, state):
    (h,) = state
    return (torch.tanh(plain(p, x, h) * x[:, -2:].sum(1, keepdim=True)),)


def last_units(p, x, state):
    (h,) = state
    return (torch.tanh(p.W @ x + h + (p.U @ h)[:, -8:].mean(1, keepdim=True)),)


def without_two(p, x, state):
    (h,) = state
    return (torch.tanh(p.U @ h + p.W[:, :, 2:] @ x[:, 2:]),)


def at_most_32(p, x, state):
    (h,) = state
    rank = min(32, h.shape[1])
    return (torch.tanh(p.U[:, :, :rank] @ h[:, :rank] + p.W @ x),)


def in_parts(p, x, state):
    (h,) = state
    k = min(8, h.shape[1])
    first, rest = p.U.split([k, h.shape[1] - k], 2)
    return (torch.tanh(first @ h[:, :k] + rest @ h[:, k:] + p.W @ x),)


@pytest.mark.parametrize(
    ("step", "parts", "fitting", "other"),
    [
        (low_rank, "h", (3, 20), (3, 4)),
        (two_inputs, "h", (3, 20), (1, 20)),
        (last_inputs, "h", (3, 20), (1, 20)),
        (last_units, "h", (3, 20), (3, 4)),
        (without_two, "h", (3, 20), (1, 20)),
        (at_most_32, "h", (3, 20), (3, 64)),
        (in_parts, "h", (3, 20), (3, 4)),
        (halves, "hc", (3, 20), (3, 4)),
    ],
    ids=lambda each: getattr(each, "__name__", str(each)),
)
def test_sizes_at_which_the_recorded_step_does_not_hold_run_on_the_loop(
    step, parts: str, fitting, other, capsys
):
    if not library.available():
        pytest.skip("no kernel can be made here")
    cell = cell_of(step, tuple(parts))
    networks = [Network(cell, *sizes, 2) for sizes in (fitting, other)]
    ready = [weights_of(net, 2) for net in networks]
    assert [n.backend(w) for n, w in zip(networks, ready)] == ["compiled", "loop"]
    assert capsys.readouterr().err.count("no kernel for cell") == 1
    net, weights = networks[1], ready[1]
    x = torch.randn(4, 2, other[0], 32, generator=torch.Generator().manual_seed(0))
    values = [
        net.outputs_at(net.layout.leaves(weights), x, [3], backend=each)
        for each in ("auto", "loop")
    ]
    assert torch.equal(*values)
    with pytest.raises(BenchError, match="compiled"):
        net.outputs_at(net.layout.leaves(weights), x, [3], backend="compiled")


@pytest.mark.parametrize("name", sorted(cells.registry()))
def test_the_kernel_of_each_cell_holds_at_small_and_odd_sizes(name: str):
    cell = cells.create(name)
    if not library.available() or not isinstance(compiled.compiled(cell), compiled.Compiled):
        pytest.skip("it has no kernel here")
    for inputs in (1, 7):
        allowed = cell.widths(inputs)
        for width in {allowed[0], 5, 33}:
            if width in allowed:
                assert compiled.fits(cell, Sizes(inputs, width, 1)), (inputs, width)


def random(p, x, state):
    (h,) = state
    return (torch.tanh(plain(p, x, h)) * torch.rand_like(h).round(),)


def drawn(p, x, state):
    (h,) = state
    return (torch.tanh(plain(p, x, h)) * np.random.default_rng().uniform(),)


CALLS: list[int] = []


def counted(p, x, state):
    (h,) = state
    CALLS.append(1)
    return (torch.tanh(plain(p, x, h)) * float(len(CALLS)),)


def late(p, x, state):
    """The first thousand calls are alike, and no trace tells."""
    (h,) = state
    CALLS.append(1)
    return (torch.tanh(plain(p, x, h)) * (1.0 if len(CALLS) < 9 else 2.0),)


def branches(p, x, state):
    (h,) = state
    return (torch.tanh(plain(p, x, h)) if h.sum() > 0 else h,)


def in_place(p, x, state):
    (h,) = state
    return (h.mul_(0.5).add_(p.W @ x),)


def across(p, x, state):
    (h,) = state
    return (torch.tanh(plain(p, x, h)) - h.mean(dim=2, keepdim=True),)


def sorted_units(p, x, state):
    (h,) = state
    return (torch.sort(plain(p, x, h), dim=1).values,)


def of_the_width(p, x, state):
    (h,) = state
    return (torch.tanh(plain(p, x, h)) / h.shape[1] ** 0.5,)


def wrong_gradient(p, x, state):
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, a):
            return torch.tanh(a)

        @staticmethod
        def backward(ctx, g):
            return 2 * g

    (h,) = state
    return (Twice.apply(plain(p, x, h)),)


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (random, "rand_like"),
        (drawn, "changes with the size or the call"),
        (counted, "changes with the size or the call"),
        (late, "differs from its step"),
        (branches, "asks for a value"),
        (in_place, "mul_ changes what it was given"),
        (across, "mean over replicates or sequences"),
        (sorted_units, "sort"),
        (of_the_width, "changes with the size"),
        (wrong_gradient, "differs from its step in the gradient"),
    ],
    ids=lambda each: getattr(each, "__name__", each),
)
def test_what_cannot_be_compiled_runs_on_the_loop_and_says_what_it_was(step, said: str, capsys):
    if not library.available():
        pytest.skip("no kernel can be made here")
    CALLS.clear()
    cell = cell_of(step)
    assert engine.backend_for(cell) == "loop"
    assert engine.backend_for(cell) == "loop"
    told = [line for line in capsys.readouterr().err.splitlines() if "no kernel for" in line]
    assert len(told) == 1
    assert "cell Written" in told[0]
    assert said in told[0]


def test_an_option_may_be_a_list():
    @dataclass(frozen=True)
    class Listed(Cell):
        rates: list[float] = field(default_factory=lambda: [0.5, 0.25])

        def init(self, rng, inputs, width, outputs):
            return {"W": rng.normal(0, 0.3, (width, inputs))}

        def step(self, p, x, state):
            return (sum(rate * torch.tanh(p.W @ x + state[0]) for rate in self.rates),)

    both = Listed(), Listed([0.5, 0.5])
    assert [engine.backend_for(cell) for cell in both] == [any_cells_backend()] * 2
    assert compiled.derived_from(both[0]) is not compiled.derived_from(both[1])


def test_a_cells_page_says_what_runs_it():
    assert path(cell_of(scaled)) == "a kernel, compiled from the equations of its step"
    assert "rand_like" in path(cell_of(random))


def test_a_recording_draws_no_random_numbers_of_the_process():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    compiled.derived_from(cell_of(random))
    assert torch.equal(torch.rand(2), expected)


def test_a_recording_imports_no_compiler_of_torch():
    code = (
        "import sys; from lstm_bench import cells; from lstm_bench.engine import compiled;"
        "before = set(sys.modules); found = compiled.derived_from(cells.create('lstm_peephole'));"
        "print(type(found).__name__, [m for m in set(sys.modules) - before if 'torch' in m])"
    )
    done = run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split(maxsplit=1) == ["Compiled", "[]\n"]


def test_the_page_shows_the_form_and_the_code_as_they_are():
    made = compiled.derived_from(cells.create("lstm_peephole"))
    assert isinstance(made, compiled.Compiled)
    page = (Path(__file__).parents[3] / "docs" / "engine.md").read_text(encoding="utf-8")
    assert form_of(made.program) in page
    assert made.program.text.strip() in page
