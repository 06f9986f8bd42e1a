"""The compiled truncated gradient, against the plain loop over a cell that detaches."""

from __future__ import annotations

import pytest
import torch

from lstm_bench import cells, engine
from lstm_bench.engine.fused import library
from lstm_bench.engine.parameters import Layout
from tests.numerics.support import (
    any_cells_backend,
    assert_agree,
    forward_and_gradients,
    randn,
)
from tests.numerics.training import assert_same_replicate, condition, trained

D, B = 3, 32
FORMS = [
    {"cells_per_block": 2},
    {"cells_per_block": 1, "biases": "gates"},
    {"cells_per_block": 3, "recurrence": "cells", "biases": "none"},
    {"output_gate": False, "cells_per_block": 2},
    {
        "output_gate": False,
        "input_squash": "logistic",
        "output_squash": "identity",
        "biases": "none",
        "recurrence": "none",
    },
]


def case(form: dict, R: int, T: int, blocks: int, shared: bool = False):
    cell = cells.create("lstm_1997", {"truncated": True, **form})
    H = blocks * form.get("cells_per_block", 1)
    layout = Layout(cell.shapes(D, H, 2))
    params = {k: v.clone() for k, v in layout.views(0.4 * randn(0, R, layout.size)).items()}
    inputs = randn(1, T, 1 if shared else R, D, B)
    like = cell.initial_state(R, H, B, inputs, D)
    return cell, params, inputs, tuple(0.5 * randn(2 + i, *s.shape) for i, s in enumerate(like))


pytestmark = pytest.mark.skipif(not library.available(), reason="no compiler is here")


@pytest.mark.parametrize("shared", [False, True], ids=["own inputs", "shared inputs"])
@pytest.mark.parametrize(("R", "T", "blocks"), [(1, 1, 1), (3, 7, 2), (2, 40, 3)])
@pytest.mark.parametrize("form", FORMS, ids=str)
def test_it_agrees_with_the_float64_loop_in_outputs_and_all_gradients(
    form: dict, R: int, T: int, blocks: int, shared: bool
):
    cell, *given = case(form, R, T, blocks, shared)
    for steps in {(T - 1,), tuple(range(0, T, 3)), tuple(range(T))}:
        exact = forward_and_gradients(cell, *given, steps, "loop")
        found = forward_and_gradients(cell, *given, steps, "truncated", torch.float32)
        assert_agree(found, exact, 1e-5)


def test_only_the_truncated_cell_takes_it():
    assert engine.backend_for(cells.create("lstm_1997", {"truncated": True})) == "truncated"
    for options in ({}, {"truncated": True, "direct": True}):
        assert engine.backend_for(cells.create("lstm_1997", options)) == any_cells_backend()
    exact = torch.zeros(0, dtype=torch.float64)
    cell = cells.create("lstm_1997", {"truncated": True})
    assert engine.backend_for(cell, like=exact) == "loop"


@pytest.mark.parametrize(
    ("width", "form"),
    [(4, {"cells_per_block": 2}), (5, {"biases": "gates"}), (33, {"cells_per_block": 3})],
    ids=str,
)
@pytest.mark.parametrize("batch", [1, 20])
def test_a_seed_gives_the_same_bits_alone_and_among_five(width: int, form: dict, batch: int):
    c = condition("adding", 12, "lstm_1997", width, batch=batch, updates=12, evaluate_every=4)
    c = type(c)(**{**vars(c), "cell_options": {"truncated": True, **form}})
    five = trained(c, 0, 4)
    assert five.backend == "truncated"
    assert_same_replicate(trained(c, 2, 2), five, 2)


@pytest.mark.parametrize("batch", [1, 20])
def test_without_a_compiler_a_seed_has_the_same_bits_in_any_company(
    batch: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(library.ISA, "off")
    c = condition("adding", 12, "lstm_1997", 4, batch=batch, updates=12, evaluate_every=4)
    c = type(c)(**{**vars(c), "cell_options": {"truncated": True, "cells_per_block": 2}})
    assert_same_replicate(trained(c, 2, 2), trained(c, 0, 4), 2)


@pytest.mark.parametrize("isa", ["portable", "avx2"])
def test_every_instruction_set_agrees_with_the_float64_loop(
    isa: str, monkeypatch: pytest.MonkeyPatch
):
    if isa != library.instruction_set() and library.instruction_set() == "portable":
        pytest.skip("this CPU has no wider registers")
    monkeypatch.setenv(library.ISA, isa)
    cell, *given = case(FORMS[0], 3, 40, 2)
    exact = forward_and_gradients(cell, *given, range(40), "loop")
    single = forward_and_gradients(cell, *given, range(40), "truncated", torch.float32)
    assert_agree(single, exact, 1e-5)
