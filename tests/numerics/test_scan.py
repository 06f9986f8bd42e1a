"""The scan over all steps against the plain loop: outputs, final states and every gradient."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from lstm_bench import cells, engine
from lstm_bench.cells import initialise
from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.cells.linear import LinearCell, over_time
from lstm_bench.engine import scan
from lstm_bench.engine.scan import by_halves, in_turn, linear_scan
from tests.numerics.support import (
    any_cells_backend,
    assert_agree,
    forward_and_gradients,
    make_params,
    randn,
    relative_error,
)

LIKE = torch.zeros(0)
LINEAR = [name for name in sorted(cells.registry()) if scan.supports(cells.create(name), LIKE)]
EXACT = 1e-12
SINGLE = 1e-5
SHAPES = [(1, 1, 1, 1), (3, 2, 7, 5), (1, 7, 1, 17), (3, 40, 7, 33), (2, 129, 2, 4)]  # R, T, D, H
WAYS = [in_turn, by_halves]


@dataclass(frozen=True)
class Decay(LinearCell):
    """The smallest linear cell a user could write."""

    def init(self, rng, inputs, width, outputs) -> dict[str, np.ndarray]:
        return {"W": initialise.glorot(rng, width, inputs), "k": initialise.zeros(width)}

    def recurrence(self, p: Params, inputs: Tensor) -> tuple[Tensor, Tensor]:
        return torch.sigmoid(p.k).unsqueeze(0), over_time(p.W, inputs)


def case(cell: Cell, R: int, T: int, D: int, H: int, shared: bool = False, scale: float = 0.3):
    inputs = randn(1, T, 1 if shared else R, D, 32)
    state = tuple(0.5 * randn(2 + i, R, H, 32) for i in range(len(cell.state)))
    return make_params(cell, D, H, R=R, scale=scale), inputs, state


def step_sets(T: int) -> list[tuple[int, ...]]:
    return sorted({(T - 1,), (0,), tuple(range(0, T, 3)), tuple(range(T))})


def cell_of(name: str) -> Cell:
    return Decay() if name == "a user's" else cells.create(name)


@pytest.mark.parametrize("way", WAYS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("shared", [False, True], ids=["own inputs", "shared inputs"])
@pytest.mark.parametrize(("R", "T", "D", "H"), SHAPES)
@pytest.mark.parametrize("name", [*LINEAR, "a user's"])
def test_float64_agrees_with_the_loop_in_outputs_and_all_gradients(
    name: str, R: int, T: int, D: int, H: int, shared: bool, way, monkeypatch
):
    monkeypatch.setattr(scan, "fastest", lambda device: way)
    cell = cell_of(name)
    given = case(cell, R, T, D, H, shared)
    for steps in step_sets(T):
        found, loop = (forward_and_gradients(cell, *given, steps, b) for b in ("scan", "loop"))
        assert_agree(found, loop, EXACT)


@pytest.mark.parametrize("backend", ["scan", "loop"])
@pytest.mark.parametrize(("R", "T", "D", "H"), SHAPES)
@pytest.mark.parametrize("name", LINEAR)
def test_float32_is_within_a_hundred_thousandth_of_the_float64_loop(
    name: str, R: int, T: int, D: int, H: int, backend: str
):
    cell = cell_of(name)
    given = case(cell, R, T, D, H, scale=0.5 / H**0.5)
    exact = forward_and_gradients(cell, *given, range(T), "loop")
    single = forward_and_gradients(cell, *given, range(T), backend, torch.float32)
    assert_agree(single, exact, SINGLE)


def test_the_linear_cells_run_by_scan_and_the_others_do_not():
    assert set(LINEAR) == {"lru", "mingru", "minlstm"}
    double = torch.zeros(0).double()
    assert {engine.backend_for(cells.create(name), like=double) for name in LINEAR} == {"scan"}
    assert engine.backend_for(Decay(), like=double) == "scan"
    assert engine.backend_for(cells.create("lru")) == "scan"
    assert engine.backend_for(cells.create("mingru")) in ("compiled", "scan")  # 7 times as fast
    assert engine.backend_for(cells.create("indrnn"), like=double) == "loop"


def test_a_linear_cell_with_a_step_of_its_own_is_no_linear_cell():
    class Louder(Decay):
        def step(self, p: Params, x: Tensor, state: State) -> State:
            return (2 * super().step(p, x, state)[0],)

    assert engine.backend_for(Louder()) == any_cells_backend()


@pytest.mark.parametrize("name", LINEAR)
def test_a_pass_without_gradients_gives_the_very_same_numbers(name: str):
    cell = cell_of(name)
    params, inputs, state = case(cell, 2, 9, 3, 6)
    p = Params({k: v.requires_grad_() for k, v in params.items()})
    given = [part.clone() for part in state]
    hidden, last = engine.unroll(cell, p, inputs, state, [0, 4], "scan")
    with torch.no_grad():
        bare, bare_last = engine.unroll(cell, p, inputs, state, [0, 4], "scan")
    assert hidden.requires_grad
    assert torch.equal(bare, hidden)
    assert all(torch.equal(a, b) for a, b in zip(bare_last, last))
    assert all(torch.equal(a, b) for a, b in zip(state, given)), "the first state was overwritten"


@pytest.mark.parametrize("name", LINEAR)
def test_a_sequence_in_two_parts_is_the_sequence(name: str):
    cell = cell_of(name)
    params, inputs, state = case(cell, 2, 20, 3, 6)
    p = Params(params)
    whole, last = engine.unroll(cell, p, inputs, state, range(20), "scan")
    first, between = engine.unroll(cell, p, inputs[:7], state, range(7), "scan")
    rest, end = engine.unroll(cell, p, inputs[7:], between, range(13), "scan")
    assert relative_error(torch.cat([first, rest]), whole) < EXACT
    assert all(relative_error(a, b) < EXACT for a, b in zip(end, last))


@pytest.mark.parametrize("way", WAYS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("kind", [torch.float64, torch.complex128], ids=["real", "complex"])
@pytest.mark.parametrize("T", [1, 2, 9, 17])
def test_the_scan_has_the_gradient_of_its_equation(T: int, kind: torch.dtype, way):
    generator = torch.Generator().manual_seed(T)
    shapes = [(T, 2, 3, 2), (T, 2, 3, 2), (2, 3, 2)]
    given = [torch.randn(s, generator=generator, dtype=kind).requires_grad_() for s in shapes]
    assert torch.autograd.gradcheck(lambda a, b, s: linear_scan(a, b, s, way), given)
    constant = [torch.randn(1, 2, 3, 1, generator=generator, dtype=kind).requires_grad_()]
    assert torch.autograd.gradcheck(lambda a, b, s: linear_scan(a, b, s, way), constant + given[1:])


@pytest.mark.parametrize("way", WAYS, ids=lambda f: f.__name__)
@pytest.mark.parametrize("factor", [0.0, 1e-30, 1e-3, 1.0])
def test_float32_stays_exact_where_products_of_the_factors_vanish(factor: float, way):
    """Dividing by cumulative products would give 0 / 0 from the second step on."""
    a = torch.full((1000, 1, 4, 32), factor)
    a[::7] = 1
    b, start = torch.randn(a.shape), torch.randn(a.shape[1:])
    exact = linear_scan(a.double(), b.double(), start.double(), in_turn)
    assert relative_error(linear_scan(a, b, start, way), exact) < 1e-5


def test_a_wrong_gradient_would_be_noticed():
    cell = cells.create("mingru")
    given = case(cell, 1, 7, 3, 5)
    exact = forward_and_gradients(cell, *given, [6], "loop")
    off = {**exact, "dW_z": exact["dW_z"] * (1 + 1e-11)}
    with pytest.raises(AssertionError, match="dW_z is off"):
        assert_agree(off, exact, EXACT)
