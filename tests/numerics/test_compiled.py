"""Kernels derived from equations against the plain loop in float64, and their other promises."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from lstm_bench import cells, engine
from lstm_bench.cells.base import Cell, Params
from lstm_bench.engine.chunks import WHOLE, ThroughTime
from lstm_bench.engine.fused import library
from lstm_bench.engine.network import Network
from lstm_bench.engine.network_options import NetworkOptions
from tests.numerics.support import forward_and_gradients, make_params, randn
from tests.numerics.test_fused import ISAS, SHAPES, usable

# complex numbers run on the scan, and a window of ten inputs, a piece each, on the loop
CELLS = sorted(set(cells.registry()) - {"lru", "feedforward_window"})
SOME = ["elman", "gru", "lstm_layernorm", "lstm_projected", "mut1", "slstm", "urnn"]
SINGLE, ROUNDING = 1e-5, 5e-7


@pytest.fixture(autouse=True)
def kernel() -> None:
    if not library.available():
        pytest.skip("no kernel can be made here")


def case(cell: Cell, R: int, T: int, B: int, D: int, H: int, shared: bool = False, k: int = 2):
    allowed = cell.widths(D)
    width = allowed[max(0, -(-(H - allowed.start) // allowed.step))]
    params = make_params(cell, D, width, k, R=R, scale=0.5 / max(H, 4) ** 0.5)
    inputs = randn(1, T, 1 if shared else R, D, B)
    like = torch.zeros(1, dtype=torch.float64)
    state = cell.initial_state(R, width, B, like, D)
    start = tuple(part + 0.5 * randn(2 + i, *part.shape) for i, part in enumerate(state))
    return cell, params, inputs, start


def run(given, steps, backend: str = "compiled") -> dict[str, Tensor]:
    return forward_and_gradients(*given, steps, backend, torch.float32)


def off(found: Tensor, exact: Tensor) -> float:
    return float((found.double() - exact).norm())


def as_exact_as_float32_can(given, steps) -> None:
    """Within 1e-5, or as near as the plain loop in float32 (what torch prepares has its error)."""
    exact, found = forward_and_gradients(*given, steps, "loop"), run(given, steps)
    assert set(exact) <= set(found)
    assert not any(found[name].any() for name in set(found) - set(exact))
    largest = max(float(g.norm()) for g in exact.values())
    allowed = {k: SINGLE * float(g.norm()) + ROUNDING * max(1.0, largest) for k, g in exact.items()}
    if any(off(found[k], g) > allowed[k] for k, g in exact.items()):
        single = run(given, steps, "loop")
        allowed = {k: max(a, 4 * off(single[k], exact[k])) for k, a in allowed.items()}
    for name, value in exact.items():
        assert off(found[name], value) <= allowed[name], f"{name} is off: {allowed[name]:.1e}"


@pytest.mark.parametrize("name", CELLS)
def test_outputs_and_all_gradients_are_those_of_the_float64_loop(name: str):
    for place in range(2):
        shape = SHAPES[(7 * CELLS.index(name) + 17 * place) % len(SHAPES)]
        T = shape[1]
        as_exact_as_float32_can(case(cells.create(name), *shape), [T - 1])
        as_exact_as_float32_can(case(cells.create(name), *shape, shared=True), range(0, T, 2))


@pytest.mark.parametrize("isa", ISAS[1:])
@pytest.mark.parametrize("name", ["gru", "slstm"])
def test_other_instruction_sets_give_the_same(name: str, isa: str, monkeypatch: pytest.MonkeyPatch):
    if not usable(isa):
        pytest.skip(f"no {isa} kernel can be made or run here")
    monkeypatch.setenv(library.ISA, isa)
    for shape in ((2, 5, 33, 2, 32), (3, 2, 20, 7, 17)):
        as_exact_as_float32_can(case(cells.create(name), *shape), range(shape[1]))


def gradients(network: Network, backend: str, how: ThroughTime) -> dict[str, Tensor]:
    dtype = torch.float32 if backend == "compiled" else torch.float64
    leaves = network.layout.leaves(network.pack(range(2), torch.zeros(1, dtype=dtype)))
    y = network.outputs_at(
        leaves, randn(1, 9, 2, 3, 32).to(dtype), (2, 8), None, backend, None, how
    )
    found = torch.autograd.grad(y.square().sum(), list(leaves.values()), allow_unused=True)
    return {name: g for name, g in zip(leaves, found) if g is not None}


@pytest.mark.parametrize("how", [WHOLE, ThroughTime(4), ThroughTime(recompute=True)], ids=str)
@pytest.mark.parametrize("name", SOME)
def test_layers_directions_and_cuts_are_those_of_the_loop(name: str, how: ThroughTime):
    both = how.truncate is None
    options = NetworkOptions(layers=2, bidirectional=both)
    network = Network(cells.create(name), 3, 8, 2, options)
    exact = gradients(network, "loop", how)
    found = gradients(network, "compiled", how)
    largest = max(float(g.norm()) for g in exact.values())
    for key, value in exact.items():
        assert off(found[key], value) < 3 * SINGLE * float(value.norm()) + 1e-6 * largest, key


@pytest.mark.parametrize("name", SOME)
def test_bits_depend_on_neither_threads_nor_the_place_in_a_batch(name: str):
    cell, params, inputs, state = case(cells.create(name), 3, 5, 65, 3, 33)
    one = run((cell, params, inputs, state), [1, 4])
    torch.set_num_threads(2)
    try:
        two = run((cell, params, inputs, state), [1, 4])
    finally:
        torch.set_num_threads(1)
    assert all(torch.equal(one[key], two[key]) for key in one)
    p = Params({k: v.float() for k, v in params.items()})
    with torch.no_grad():
        for rows in (slice(0, 1), slice(5, 8), slice(30, 65)):
            start = tuple(part[..., rows].float() for part in state)
            given = cell, p, inputs[..., rows].float(), start, [1, 4], "compiled"
            assert torch.equal(engine.unroll(*given)[0], one["hidden"][..., rows])
