"""Every registered cell keeps every promise, and refuses options it does not have."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields

import pytest
import torch

from lstm_bench import cells
from lstm_bench.cells import Cell, Params
from lstm_bench.check import cells as contracts
from lstm_bench.check.cells.sampling import random_inputs, random_params, random_state
from lstm_bench.check.promises import Broken
from lstm_bench.engine.describe import gate_names
from lstm_bench.errors import BenchError

CELLS = sorted(cells.registry())
SIGMOIDS = {
    "lstm": "fio",
    "lstm_1997": "io",
    "lstm_peephole": "fio",
    "lstm_nig": "fo",
    "lstm_nfg": "io",
    "lstm_nog": "if",
    "lstm_niaf": "ifo",
    "lstm_noaf": "ifo",
    "lstm_np": "ifo",
    "lstm_cifg": "ifo",
    "lstm_fgr": "ifo",
    "lstm_layernorm": "fio",
    "lstm_projected": "ifo",
    "gru": "rz",
    "mgu": "f",
    "ugrnn": "g",
    "mut1": "zr",
    "gated_leaky": "g",
    "antisymmetric_gated": "z",
    "mingru": "z",
    "minlstm": "fi",
    "slstm": "o",
}
ABOVE_1 = math.nextafter(1, 2)  # of the stabilised exponential gates the larger one is 1
BOUNDS = {  # where not (-1, 1)
    "lstm_1997": {"g": 2.0},
    "lstm_niaf": {"z": math.inf},
    "slstm": {"i": ABOVE_1, "f": ABOVE_1},
}
# Equations that only an option reaches. Widths of 5 must fit.
VARIANTS: list[tuple[str, dict[str, object]]] = [
    ("gru", {"reset": "before"}),
    ("lstm_projected", {"cells": 3}),
    ("lstm_projected", {"cells": 1, "peepholes": False}),
    ("lstm_1997", {"cells_per_block": 5}),
    ("lstm_1997", {"recurrence": "cells", "biases": "gates"}),
    ("lstm_1997", {"recurrence": "none", "biases": "none", "output_gate": False}),
    ("lstm_1997", {"input_squash": "logistic", "output_squash": "identity", "direct": True}),
    ("lstm_1997", {"direct": True, "cells_per_block": 2}),
    ("mingru", {"candidate": "positive"}),
    ("minlstm", {"candidate": "positive"}),
    ("lru", {"output": "linear"}),
    ("slstm", {"forget": "exp"}),
    ("exprnn", {"start": "cayley"}),
    ("feedforward_window", {"window": 1}),
    ("random_reservoir", {"leak": 0.3}),
]
CONTRACTS: list[Callable[[Cell], None]] = [*contracts.CONTRACTS, contracts.describes_itself]
AT_ANY_WIDTH = [*contracts.AT_ANY_WIDTH, contracts.describes_itself]
OPTIONS = {name: {f.name: f.default for f in fields(c)} for name, c in cells.registry().items()}
WITH_OPTIONS = [name for name, options in OPTIONS.items() if options]
WITHOUT_OPTIONS = [name for name, options in OPTIONS.items() if not options]


def test_the_suite_has_its_five_cells():
    assert {"elman", "jordan", "irnn", "lstm", "gru"} <= set(CELLS)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", CELLS)
def test_a_cell_keeps_its_promise(contract: Callable[[Cell], None], name: str):
    contract(cells.create(name))


@pytest.mark.parametrize("contract", AT_ANY_WIDTH, ids=lambda c: c.__name__)
@pytest.mark.parametrize(("name", "options"), VARIANTS, ids=str)
def test_a_cell_with_other_equations_by_option_keeps_its_promise(
    contract: Callable[[Cell], None], name: str, options: dict
):
    if contract is contracts.carries_its_state and options == {"window": 1}:
        with pytest.raises(Broken, match="does not carry its state"):
            contract(cells.create(name, options))
    else:
        contract(cells.create(name, options))


GATED = [name for name in CELLS if cells.create(name).roles]


@pytest.mark.parametrize("name", GATED)
def test_roles_are_of_gates_that_the_cell_has(name: str):
    cell = cells.create(name)
    assert cell.roles.keys() <= {"write", "keep", "show"}
    assert {gate.removeprefix("1 - ") for gate in cell.roles.values()} <= set(gate_names(cell))


KEPT_BY_BIAS = [name for name in GATED if {"write", "keep"} <= cells.create(name).roles.keys()]


@pytest.mark.parametrize("name", sorted({*KEPT_BY_BIAS} - {"lstm_layernorm", "slstm"}))
def test_with_the_gate_that_keeps_open_and_the_one_that_writes_shut_the_memory_stays(name: str):
    """Their pre-activations are 20 and -20: weights of 0 and a bias; others have no plain bias."""
    cell = cells.create(name)
    params = {key: 0 * value for key, value in random_params(cell).items()}
    for role, sign in (("keep", 1), ("write", -1)):
        gate = cell.roles[role]
        if f"b_{gate[-1]}" in params:  # one that is coupled to the other has none
            params[f"b_{gate[-1]}"] += 20 * sign * (-1 if gate.startswith("1 - ") else 1)
    memory = cell.state.index("c") if "c" in cell.state else 0
    state = random_state(cell)
    after = state
    for x in random_inputs():
        after = cell.step(cell.prepare(Params(params)), x, after)
    assert torch.allclose(after[memory], state[memory], atol=1e-6)


def test_a_truncated_gradient_is_not_that_of_the_equations():
    with pytest.raises(Broken, match="where finite differences give"):
        contracts.has_the_gradient_of_its_equations(cells.create("lstm_1997", {"truncated": True}))


@pytest.mark.parametrize("name", CELLS)
def test_the_gates_of_a_cell_are_bounded_and_its_sigmoids_positive(name: str):
    contracts.has_bounded_gates(cells.create(name), SIGMOIDS.get(name, ""), BOUNDS.get(name))


def test_an_unknown_cell_is_answered_with_the_nearest_name():
    with pytest.raises(BenchError, match="did you mean 'lstm'"):
        cells.create("lstmm")


@pytest.mark.parametrize("name", WITH_OPTIONS)
def test_a_misspelt_option_is_answered_with_the_nearest_one(name: str):
    for option, default in OPTIONS[name].items():
        told = refused(name, {option[:-1]: default})
        assert f"did you mean {option!r}" in told
        assert name in told


@pytest.mark.parametrize("name", WITH_OPTIONS)
def test_an_option_of_the_wrong_type_is_refused_by_name_and_value(name: str):
    for option, default in OPTIONS[name].items():
        for wrong in ("one", True, None, [1.0]):
            if isinstance(wrong, bool) and isinstance(default, bool):
                continue
            told = refused(name, {option: wrong})
            assert option in told
            assert repr(wrong) in told


def refused(name: str, options: dict[str, object]) -> str:
    """The sentence that refuses these options."""
    try:
        cells.create(name, options)
    except BenchError as refusal:
        return str(refusal)
    pytest.fail(f"cell {name!r} takes the options {options}")


@pytest.mark.parametrize("name", WITHOUT_OPTIONS)
def test_a_cell_without_options_says_so(name: str):
    with pytest.raises(BenchError, match="has no options"):
        cells.create(name, {"bias": 1.0})
