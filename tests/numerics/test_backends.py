"""Backpropagation through time written out, against autograd over the plain loop."""

from __future__ import annotations

import pytest
import torch

from lstm_bench import cells, engine
from lstm_bench.cells.base import Params
from lstm_bench.cells.elman import Elman
from lstm_bench.engine import bptt
from lstm_bench.engine.fused import library
from lstm_bench.errors import BenchError
from tests.numerics.support import (
    BACKENDS,
    EXACT,
    any_cells_backend,
    assert_agree,
    cell_named,
    forward_and_gradients,
    make_params,
    randn,
)

CELLS = [
    name for name in sorted(cells.registry()) if bptt.supports(cell_named(name), torch.zeros(0))
]
B = 32
SHAPES = [  # R, T, D, H
    (1, 1, 1, 1),
    (3, 2, 7, 5),
    (1, 7, 1, 17),
    (3, 7, 7, 33),
    (1, 40, 7, 5),
    (3, 40, 1, 17),
    (2, 5, 3, 70),
]
SINGLE = 1e-5  # the engine's own promise for a float32 backend


def case(name: str, R: int, T: int, D: int, H: int, shared: bool = False, scale: float = 0.3):
    cell = cell_named(name)
    params = make_params(cell, D, H, R=R, scale=scale)
    inputs = randn(1, T, 1 if shared else R, D, B)
    state = tuple(0.5 * randn(2 + i, R, H, B) for i in range(len(cell.state)))
    return cell, params, inputs, state


def step_sets(T: int) -> list[tuple[int, ...]]:
    return sorted({(T - 1,), tuple(range(0, T, 3)), tuple(range(T))})


@pytest.mark.parametrize("shared", [False, True], ids=["own inputs", "shared inputs"])
@pytest.mark.parametrize(("R", "T", "D", "H"), SHAPES)
@pytest.mark.parametrize("name", CELLS)
def test_float64_agrees_with_the_loop_in_outputs_and_all_gradients(
    name: str, R: int, T: int, D: int, H: int, shared: bool
):
    cell, *given = case(name, R, T, D, H, shared)
    for steps in step_sets(T):
        loop, written = (forward_and_gradients(cell, *given, steps, b) for b in BACKENDS)
        assert_agree(written, loop, EXACT)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("R", "T", "D", "H"), SHAPES)
@pytest.mark.parametrize("name", CELLS)
def test_float32_is_within_a_hundred_thousandth_of_the_float64_loop(
    name: str, R: int, T: int, D: int, H: int, backend: str
):
    cell, *given = case(name, R, T, D, H, scale=0.5 / H**0.5)
    steps = range(T)
    exact = forward_and_gradients(cell, *given, steps, "loop")
    single = forward_and_gradients(cell, *given, steps, backend, torch.float32)
    assert_agree(single, exact, SINGLE)


@pytest.mark.parametrize("name", CELLS)
def test_a_final_state_alone_carries_its_gradient(name: str):
    cell, params, inputs, state = case(name, 2, 5, 3, 6)
    found = []
    for backend in BACKENDS:
        x = inputs.clone().requires_grad_()
        _, last = engine.unroll(cell, Params(params), x, state, [4], backend)
        found.append(torch.autograd.grad(sum(part.sin().sum() for part in last), x))
    torch.testing.assert_close(found[0], found[1], rtol=EXACT, atol=EXACT)


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("name", CELLS)
def test_a_pass_without_gradients_gives_the_very_same_numbers(name: str, backend: str):
    cell, params, inputs, state = case(name, 2, 9, 3, 6)
    steps, p = [0, 4, 8], Params({k: v.clone().requires_grad_() for k, v in params.items()})
    hidden, last = engine.unroll(cell, p, inputs, state, steps, backend)
    given = [part.clone() for part in state]
    with torch.no_grad():
        streamed, streamed_last = engine.unroll(cell, p, inputs, state, steps, backend)
    assert hidden.requires_grad
    assert not streamed.requires_grad
    assert torch.equal(streamed, hidden)
    assert all(torch.equal(a, b) for a, b in zip(streamed_last, last))
    assert all(torch.equal(a, b) for a, b in zip(state, given)), "the initial state was overwritten"


@pytest.mark.parametrize(
    ("H", "k", "columns"), [(64, 1, 64), (65, 1, 1), (90, 44, 44), (90, 45, 90)]
)
def test_a_wide_jordan_network_is_not_multiplied_out(H: int, k: int, columns: int):
    cell = cell_named("jordan")
    U, _, _ = bptt.plain_weights(cell, Params(make_params(cell, 3, H, k)))
    assert U.shape == (1, H, columns)


@pytest.mark.parametrize("name", CELLS)
def test_the_same_graph_can_be_differentiated_twice(name: str):
    cell, params, inputs, state = case(name, 2, 5, 3, 6)
    x = inputs.clone().requires_grad_()
    hidden, _ = engine.unroll(cell, Params(params), x, state, [2, 4], "bptt")
    once = torch.autograd.grad(hidden.square().sum(), x, retain_graph=True)[0].clone()
    assert torch.equal(torch.autograd.grad(hidden.square().sum(), x)[0], once)


@pytest.mark.parametrize("name", ["elman", "irnn", "jordan", "lstm", "gru"])
def test_the_five_cells_run_on_the_kernel_and_in_float64_on_the_written_out_backend(name: str):
    assert engine.backend_for(cell_named(name)) == "fused" if library.available() else "bptt"
    assert engine.backend_for(cell_named(name), like=torch.zeros(0).double()) == "bptt"


def test_a_backend_that_cannot_run_this_says_what_can():
    with pytest.raises(BenchError, match=r"'fused' cannot run cell 'lstm'.*bptt, loop"):
        engine.backend_for(cell_named("lstm"), "fused", torch.zeros(0).double())


def test_a_gradient_off_by_a_ten_thousandth_would_be_noticed():
    cell, *given = case("lstm", 1, 7, 3, 5)
    exact = forward_and_gradients(cell, *given, [6], "loop")
    off = {**exact, "dU_f": exact["dU_f"] * (1 + 1e-4)}
    with pytest.raises(AssertionError, match="dU_f is off"):
        assert_agree(off, exact, SINGLE)


def test_a_subclass_with_equations_of_its_own_has_a_kernel_of_its_own():
    class Louder(Elman):
        pass

    assert engine.backend_for(Louder()) == any_cells_backend()
    assert engine.backend_for(Louder(), like=torch.zeros(0).double()) == "loop"


def test_an_option_with_equations_of_its_own_falls_back_to_the_loop():
    double = torch.zeros(0, dtype=torch.float64)
    before = cells.create("gru", {"reset": "before"})
    after = cells.create("gru", {"recurrent_init": "orthogonal"})
    assert engine.backend_for(before, like=double) == "loop"
    assert engine.backend_for(after, like=double) == "bptt"


def test_an_unknown_backend_is_answered_with_the_known_ones():
    with pytest.raises(BenchError, match=r"'bptt'"):
        engine.backend_for(cell_named("lstm"), "bptp")
