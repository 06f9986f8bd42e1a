"""The compiled kernel against the plain loop in float64, and its promises beside exactness."""

from __future__ import annotations

import os
import threading

import pytest
import torch

from lstm_bench import engine
from lstm_bench.cells.base import Params
from lstm_bench.engine.fused import library
from tests.numerics.support import (
    cell_named,
    forward_and_gradients,
    make_params,
    randn,
)

CELLS = ["lstm", "gru", "elman", "irnn", "jordan"]
ISAS = ["avx512", "avx2", "portable"]
SHAPES = [  # R, T, B, D, H: odd ones, and those that fill tiles and vectors exactly
    *[(1, T, B, D, H) for H in (1, 5, 17) for B in (1, 3, 20) for T, D in ((1, 7), (7, 1))],
    *[(3, 2, B, D, H) for H in (33, 100) for B in (1, 3, 20) for D in (1, 7)],
    *[(1, 129, 3, 130, 33), (3, 129, 20, 1, 5), (2, 3, 65, 130, 16)],
    *[(2, 5, 33, 2, 32), (1, 6, 48, 3, 64), (1, 4, 128, 2, 128)],
]
SINGLE, ROUNDING = 1e-5, 5e-7


def usable(isa: str) -> bool:
    wide = torch.backends.cpu.get_cpu_capability()
    able = {"avx512": wide == "AVX512", "avx2": wide in ("AVX512", "AVX2"), "portable": True}[isa]
    try:
        return able and bool(library.load_for(isa))
    except library.Unavailable:
        return False


@pytest.fixture(params=ISAS)
def isa(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if not usable(request.param):
        pytest.skip(f"no {request.param} kernel can be made or run here")
    monkeypatch.setenv(library.ISA, request.param)
    return request.param


@pytest.fixture
def kernel() -> None:
    if not library.available():
        pytest.skip("no kernel can be made here")


def case(name: str, R: int, T: int, B: int, D: int, H: int, shared: bool = False, k: int = 2):
    cell = cell_named(name)
    params = make_params(cell, D, H, k, R=R, scale=0.5 / max(H, 4) ** 0.5)
    inputs = randn(1, T, 1 if shared else R, D, B)
    state = tuple(0.5 * randn(2 + i, R, H, B) for i in range(len(cell.state)))
    return cell, params, inputs, state


def run(given, steps) -> dict[str, torch.Tensor]:
    """In float32 on the kernel."""
    return forward_and_gradients(*given, steps, "fused", torch.float32)


def as_exact_as_float32_can(given, steps) -> None:
    exact = forward_and_gradients(*given, steps, "loop")
    for name, value in run(given, steps).items():
        off = (value.double() - exact[name]).norm()
        # a lone number may be a difference of numbers of order one, whose rounding is ROUNDING
        assert off <= SINGLE * exact[name].norm() + ROUNDING, f"{name} is off by {off:.1e}"


@pytest.mark.parametrize("name", CELLS)
def test_outputs_and_all_gradients_are_those_of_the_float64_loop(name: str, isa: str):
    for shape in SHAPES:
        T = shape[1]
        as_exact_as_float32_can(case(name, *shape), [T - 1])
        as_exact_as_float32_can(case(name, *shape, shared=True), range(T))


@pytest.mark.parametrize("k", [1, 20, 60])
def test_a_wide_jordan_network_may_feed_back_few_outputs_or_many(k: int, isa: str):
    as_exact_as_float32_can(case("jordan", 2, 6, 35, 3, 90, k=k), range(6))


@pytest.mark.parametrize("name", CELLS)
def test_steps_in_between_may_be_asked_for(name: str, kernel: None):
    as_exact_as_float32_can(case(name, 2, 11, 5, 3, 9), [0, 3, 4, 9])


def some(given, replicates: list[int]) -> dict[str, torch.Tensor]:
    """Hidden states and gradients of these replicates, each with weights of its own in the loss."""
    cell, params, inputs, state = given
    p = {k: v[replicates].float().requires_grad_() for k, v in params.items()}
    x = inputs[:, replicates].float().requires_grad_()
    start = tuple(part[replicates].float().requires_grad_() for part in state)
    hidden, last = engine.unroll(cell, Params(p), x, start, [2, 8], "fused")
    parts = (*hidden, *last)
    loss = sum((part * randn(i, *state[0].shape)[replicates]).sum() for i, part in enumerate(parts))
    fed_back = ["V"] if cell.reads_output else []
    leaves = [p[k] for k in [*cell.shapes(3, 1, 1), *fed_back]] + [x, *start]
    gradients = torch.autograd.grad(loss, leaves)
    found = {f"gradient {i}": g for i, g in enumerate(gradients)}
    found["inputs"] = found.pop(f"gradient {len(leaves) - 1 - len(start)}").transpose(0, 1)
    return {**found, "hidden": hidden.detach().transpose(0, 1)}


@pytest.mark.parametrize(
    ("name", "H"),
    [*((name, H) for name in ("lstm", "gru", "elman", "irnn") for H in (5, 33)), ("jordan", 70)],
)
def test_a_replicates_bits_depend_on_nothing_beside_it(name: str, H: int, isa: str):
    given = case(name, 4, 9, 20, 3, H)
    together = some(given, [0, 1, 2, 3])
    for order in ([2], [3, 2], [1, 2, 3, 0]):
        for key, value in some(given, order).items():
            assert torch.equal(value, together[key][order]), f"{key} of replicates {order}"


@pytest.mark.parametrize(("R", "B"), [(5, 20), (1, 128), (3, 65)])
@pytest.mark.parametrize(("name", "H"), [("lstm", 17), ("gru", 17), ("elman", 17), ("jordan", 70)])
def test_bits_do_not_depend_on_the_number_of_threads(
    name: str, H: int, R: int, B: int, kernel: None
):
    given = case(name, R, 7, B, 3, H)
    one = run(given, [3, 6])
    for count in (2, 3):
        torch.set_num_threads(count)
        try:
            several = run(given, [3, 6])
        finally:
            torch.set_num_threads(1)
        assert all(torch.equal(one[key], several[key]) for key in one)


def test_a_sequence_has_the_same_bits_in_every_batch(kernel: None):
    cell, params, inputs, state = case("lstm", 1, 6, 70, 3, 17)
    p = Params({k: v.float() for k, v in params.items()})

    def hidden(rows: slice) -> torch.Tensor:
        start = tuple(part[..., rows].float() for part in state)
        return engine.unroll(cell, p, inputs[..., rows].float(), start, range(6), "fused")[0]

    whole = hidden(slice(None))
    for rows in (slice(0, 1), slice(5, 8), slice(30, 70)):
        assert torch.equal(hidden(rows), whole[..., rows])


@pytest.mark.parametrize("name", CELLS)
def test_a_sequence_in_pieces_with_its_state_carried_is_the_whole(name: str, kernel: None):
    cell, params, inputs, state = case(name, 2, 10, 6, 3, 9)
    p = Params({k: v.float().requires_grad_() for k, v in params.items()})
    x, start = inputs.float(), tuple(part.float() for part in state)
    whole, last = engine.unroll(cell, p, x, start, range(10), "fused")
    first, middle = engine.unroll(cell, p, x[:4], start, range(4), "fused")
    second, end = engine.unroll(cell, p, x[4:], middle, range(6), "fused")
    assert torch.equal(torch.cat([first, second]), whole)
    assert all(torch.equal(a, b) for a, b in zip(last, end))
    weights = [p[k] for k in cell.shapes(3, 9, 2)]
    gradients = [
        torch.autograd.grad(h.square().sum(), weights) for h in (whole, torch.cat([first, second]))
    ]
    for one, other in zip(*gradients):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_several_forward_passes_may_come_before_a_backward_pass(kernel: None):
    cell, params, inputs, state = case("lstm", 2, 8, 5, 3, 9)
    p = Params({k: v.float().requires_grad_() for k, v in params.items()})
    start = tuple(part.float() for part in state)

    def forward(scale: float) -> torch.Tensor:
        return engine.unroll(cell, p, scale * inputs.float(), start, [7], "fused")[0].sum()

    def gradient(loss: torch.Tensor) -> torch.Tensor:
        return torch.autograd.grad(loss, p.U_f)[0]

    alone = [gradient(forward(scale)) for scale in (1.0, 2.0)]
    losses = [forward(scale) for scale in (1.0, 2.0)]
    assert torch.equal(gradient(losses[1]), alone[1])
    assert torch.equal(gradient(losses[0]), alone[0])


def test_a_replicate_that_is_not_finite_leaves_the_others_their_bits(isa: str):
    given = case("lstm", 3, 5, 4, 2, 9)
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


@pytest.mark.parametrize("name", ["lstm", "gru", "elman"])
def test_activations_far_out_saturate(name: str, isa: str):
    cell, params, inputs, state = case(name, 1, 3, 4, 2, 9)
    given = cell, {k: 300 * v for k, v in params.items()}, 50 * inputs, state
    exact = forward_and_gradients(*given, [2], "loop")
    torch.testing.assert_close(
        run(given, [2])["hidden"].double(), exact["hidden"], rtol=0, atol=1e-5
    )


def test_threads_of_python_do_not_disturb_each_other(kernel: None):
    cases = [case("lstm", 2, 20, 8, 3, 16 + i) for i in range(4)]
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


def test_a_forked_child_computes_the_same_on_two_threads(kernel: None):
    given = case("lstm", 4, 9, 8, 3, 17)
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


def test_denormals_are_flushed_in_the_kernel_and_the_caller_keeps_its_setting(isa: str):
    torch.set_flush_denormal(False)
    try:
        cell, params, inputs, _ = case("lstm", 1, 1, 2, 1, 4)
        p = Params({k: 0 * v.float() for k, v in params.items()})
        tiny = torch.full((1, 4, 2), 1e-38)
        _, (_, c) = engine.unroll(cell, p, inputs.float(), (tiny, tiny), [0], "fused")
        assert (c == 0).all(), "c = c/2 is a denormal"
        assert (tiny * 0.5 != 0).all(), "the caller's own arithmetic is flushed"
    finally:
        torch.set_flush_denormal(True)
