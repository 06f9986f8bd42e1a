"""Which backend runs what, and what the plain loop promises in float32."""

from __future__ import annotations

import pytest
import torch

from lstm_bench import cells, engine
from lstm_bench.cells.base import Params
from lstm_bench.cells.elman import Elman
from lstm_bench.errors import BenchError
from tests.numerics.support import (
    any_cells_backend,
    assert_agree,
    cell_named,
    forward_and_gradients,
    make_params,
    randn,
)

B = 32
SINGLE = 1e-5  # the engine's own promise for a float32 backend
DOUBLE = torch.zeros(0, dtype=torch.float64)


def case(name: str, R: int, T: int, D: int, H: int, scale: float = 0.3):
    cell = cell_named(name)
    params = make_params(cell, D, H, R=R, scale=scale)
    inputs = randn(1, T, R, D, B)
    state = tuple(0.5 * randn(2 + i, R, H, B) for i in range(len(cell.state)))
    return cell, params, inputs, state


@pytest.mark.parametrize("name", ["elman", "gru", "irnn", "jordan", "lstm"])
def test_the_loop_in_float32_is_within_a_hundred_thousandth_of_the_loop_in_float64(name: str):
    for R, T, D, H in ((1, 7, 1, 17), (3, 40, 7, 5), (2, 5, 3, 70)):
        cell, *given = case(name, R, T, D, H, scale=0.5 / H**0.5)
        exact = forward_and_gradients(cell, *given, range(T), "loop")
        single = forward_and_gradients(cell, *given, range(T), "loop", torch.float32)
        assert_agree(single, exact, SINGLE)


@pytest.mark.parametrize("name", ["jordan", "lstm", "slstm"])
@pytest.mark.parametrize("backend", ["loop", "compiled"])
def test_a_pass_without_gradients_gives_the_very_same_numbers(name: str, backend: str):
    cell, params, inputs, state = case(name, 2, 9, 3, 6)
    if backend == "compiled" and any_cells_backend() != backend:
        pytest.skip("no kernel can be made here")
    p = Params({k: v.float().requires_grad_() for k, v in params.items()})
    steps, x, start = [0, 4, 8], inputs.float(), tuple(part.float() for part in state)
    hidden, last = engine.unroll(cell, p, x, start, steps, backend)
    given = [part.clone() for part in start]
    with torch.no_grad():
        streamed, streamed_last = engine.unroll(cell, p, x, start, steps, backend)
    assert hidden.requires_grad
    assert not streamed.requires_grad
    assert torch.equal(streamed, hidden)
    assert all(torch.equal(a, b) for a, b in zip(streamed_last, last))
    assert all(torch.equal(a, b) for a, b in zip(start, given)), "the initial state was overwritten"


def test_every_cell_that_can_is_compiled_in_float32_and_looped_in_float64():
    own = [name for name, cls in cells.registry().items() if cls.__module__.startswith("lstm_b")]
    found = {name: engine.backend_for(cell_named(name)) for name in own}
    others = {name: backend for name, backend in found.items() if backend != any_cells_backend()}
    assert set(others) <= {"feedforward_window", "lru", "mingru", "minlstm"}
    assert engine.backend_for(cell_named("lstm"), like=DOUBLE) == "loop"


def test_a_backend_that_cannot_run_this_says_what_can():
    with pytest.raises(BenchError, match=r"'compiled' cannot run cell 'lstm'.*: loop"):
        engine.backend_for(cell_named("lstm"), "compiled", DOUBLE)


def test_a_gradient_off_by_a_ten_thousandth_would_be_noticed():
    cell, *given = case("lstm", 1, 7, 3, 5)
    exact = forward_and_gradients(cell, *given, [6], "loop")
    off = {**exact, "dU_f": exact["dU_f"] * (1 + 1e-4)}
    with pytest.raises(AssertionError, match="dU_f is off"):
        assert_agree(off, exact, SINGLE)


def test_a_subclass_with_equations_of_its_own_has_a_kernel_of_its_own():
    class Louder(Elman):
        def step(self, p, x, state):
            return (2 * super().step(p, x, state)[0],)

    _, params, inputs, state = case("elman", 2, 3, 2, 5)
    given = Louder(), params, inputs, state, [2]
    found = forward_and_gradients(*given, any_cells_backend(), torch.float32)
    assert_agree(found, forward_and_gradients(*given, "loop"), SINGLE)


def test_an_unknown_backend_is_answered_with_the_known_ones():
    with pytest.raises(BenchError, match=r"'compiled'"):
        engine.backend_for(cell_named("lstm"), "compild")
