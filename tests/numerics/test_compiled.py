"""Kernels derived from equations against the plain loop in float64, and their other promises."""

from __future__ import annotations

import os
import threading

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

ISAS = ["avx512", "avx2", "portable"]
SHAPES = [  # R, T, B, D, H: odd ones, and those that fill tiles and vectors exactly
    *[(1, T, B, D, H) for H in (1, 5, 17) for B in (1, 3, 20) for T, D in ((1, 7), (7, 1))],
    *[(3, 2, B, D, H) for H in (33, 100) for B in (1, 3, 20) for D in (1, 7)],
    *[(1, 129, 3, 130, 33), (3, 129, 20, 1, 5), (2, 3, 65, 130, 16)],
    *[(2, 5, 33, 2, 32), (1, 6, 48, 3, 64), (1, 4, 128, 2, 128)],
]
# complex numbers run on the scan, and a window of ten inputs, a piece each, on the loop
CELLS = sorted(set(cells.registry()) - {"lru", "feedforward_window"})
SOME = ["elman", "gru", "lstm_layernorm", "lstm_projected", "mut1", "slstm", "urnn"]
SINGLE, ROUNDING = 1e-5, 5e-7


def usable(isa: str) -> bool:
    wide = torch.backends.cpu.get_cpu_capability()
    able = {"avx512": wide == "AVX512", "avx2": wide in ("AVX512", "AVX2"), "portable": True}[isa]
    try:
        return able and bool(library.load_for(isa))
    except library.Unavailable:
        return False


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


@pytest.mark.parametrize("name", [n for n in SOME if n != "urnn"])  # not all of it is trained
def test_a_sequence_in_pieces_with_its_state_carried_is_the_whole(name: str):
    cell, params, inputs, state = case(cells.create(name), 2, 10, 6, 3, 9)
    p = Params({k: v.float().requires_grad_() for k, v in params.items()})
    x, start = inputs.float(), tuple(part.float() for part in state)
    whole, last = engine.unroll(cell, p, x, start, range(10), "compiled")
    first, middle = engine.unroll(cell, p, x[:4], start, range(4), "compiled")
    second, end = engine.unroll(cell, p, x[4:], middle, range(6), "compiled")
    assert torch.equal(torch.cat([first, second]), whole)
    assert all(torch.equal(a, b) for a, b in zip(last, end))
    weights = [p[k] for k in cell.shapes(3, state[0].shape[1], 2)]
    gradients = [
        torch.autograd.grad(h.square().sum(), weights) for h in (whole, torch.cat([first, second]))
    ]
    for one, other in zip(*gradients):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_several_forward_passes_may_come_before_a_backward_pass():
    cell, params, inputs, state = case(cells.create("lstm"), 2, 8, 5, 3, 9)
    p = Params({k: v.float().requires_grad_() for k, v in params.items()})
    start = tuple(part.float() for part in state)

    def forward(scale: float) -> torch.Tensor:
        return engine.unroll(cell, p, scale * inputs.float(), start, [7], "compiled")[0].sum()

    def gradient(loss: torch.Tensor) -> torch.Tensor:
        return torch.autograd.grad(loss, p.U_f)[0]

    alone = [gradient(forward(scale)) for scale in (1.0, 2.0)]
    losses = [forward(scale) for scale in (1.0, 2.0)]
    assert torch.equal(gradient(losses[1]), alone[1])
    assert torch.equal(gradient(losses[0]), alone[0])


def test_a_replicate_that_is_not_finite_leaves_the_others_their_bits():
    given = case(cells.create("lstm"), 3, 5, 4, 2, 9)
    sound = run(given, [4])
    given[1]["W_i"][1, 0, 0] = float("nan")
    broken = run(given, [4])
    assert broken["hidden"][:, 1].isnan().any()
    assert broken["dU_f"][1].isnan().any()
    for key in ("hidden", "dU_f", "dW_c"):
        axis = 1 if key == "hidden" else 0
        rest = torch.tensor([0, 2])
        assert torch.equal(
            broken[key].index_select(axis, rest), sound[key].index_select(axis, rest)
        )


@pytest.mark.parametrize("name", ["lstm", "gru", "elman", "slstm"])
def test_activations_far_out_saturate(name: str):
    cell, params, inputs, state = case(cells.create(name), 1, 3, 4, 2, 9)
    given = cell, {k: 300 * v for k, v in params.items()}, 50 * inputs, state
    exact = forward_and_gradients(*given, [2], "loop")
    torch.testing.assert_close(
        run(given, [2])["hidden"].double(), exact["hidden"], rtol=0, atol=1e-5
    )


def test_threads_of_python_do_not_disturb_each_other():
    cases = [case(cells.create("lstm"), 2, 20, 8, 3, 16 + i) for i in range(4)]
    expected = [run(given, [19]) for given in cases]
    wrong: list[int] = []

    def work(i: int) -> None:
        for _ in range(10):
            found = run(cases[i], [19])
            if not all(torch.equal(found[k], expected[i][k]) for k in found):
                wrong.append(i)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not wrong


def test_a_forked_child_computes_the_same_on_two_threads():
    given = case(cells.create("lstm"), 4, 9, 8, 3, 17)
    torch.set_num_threads(2)
    try:
        before = run(given, [8])
        child = os.fork()
        if child == 0:
            same = all(torch.equal(a, b) for a, b in zip(run(given, [8]).values(), before.values()))
            os._exit(0 if same else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        torch.set_num_threads(1)


def test_denormals_are_flushed_in_the_kernel_and_the_caller_keeps_its_setting():
    torch.set_flush_denormal(False)
    try:
        cell, params, inputs, _ = case(cells.create("lstm"), 1, 1, 2, 1, 4)
        p = Params({k: 0 * v.float() for k, v in params.items()})
        tiny = torch.full((1, 4, 2), 1e-38)
        _, (_, c) = engine.unroll(cell, p, inputs.float(), (tiny, tiny), [0], "compiled")
        assert (c == 0).all(), "c = c/2 is a denormal"
        assert (tiny * 0.5 != 0).all(), "the caller's own arithmetic is flushed"
    finally:
        torch.set_flush_denormal(True)
