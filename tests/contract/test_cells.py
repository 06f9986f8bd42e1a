"""Every registered cell keeps every promise, and refuses options it does not have."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

import pytest

from lstm_bench import cells
from lstm_bench.cells import Cell
from lstm_bench.errors import BenchError
from tests.contract import cell_contracts as contracts

CELLS = sorted(cells.registry())
SIGMOIDS = {"lstm": "fio", "gru": "rz"}
CONTRACTS: list[Callable[[Cell], None]] = [
    contracts.initialises_from_its_generator_alone,
    contracts.has_the_shapes_it_states,
    contracts.steps_to_a_state_of_the_same_shape,
    contracts.sees_no_future,
    contracts.keeps_sequences_apart,
    contracts.keeps_replicates_apart,
    contracts.has_the_gradient_of_its_equations,
    contracts.stays_finite_at_its_initialisation,
    contracts.describes_itself,
]
OPTIONS = [(name, f.name, f.default) for name, c in cells.registry().items() for f in fields(c)]
WITHOUT_OPTIONS = [name for name, cls in cells.registry().items() if not fields(cls)]


def test_the_suite_has_its_five_cells():
    assert {"elman", "jordan", "irnn", "lstm", "gru"} <= set(CELLS)


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", CELLS)
def test_a_cell_keeps_its_promise(contract: Callable[[Cell], None], name: str):
    contract(cells.create(name))


@pytest.mark.parametrize("name", CELLS)
def test_the_gates_of_a_cell_are_bounded_and_its_sigmoids_positive(name: str):
    contracts.has_bounded_gates(cells.create(name), SIGMOIDS.get(name, ""))


def test_an_unknown_cell_is_answered_with_the_nearest_name():
    with pytest.raises(BenchError, match="did you mean 'lstm'"):
        cells.create("lstmm")


@pytest.mark.parametrize(("name", "option", "default"), OPTIONS)
def test_a_misspelt_option_is_answered_with_the_nearest_one(name: str, option: str, default):
    with pytest.raises(BenchError) as refusal:
        cells.create(name, {option[:-1]: default})
    assert f"did you mean {option!r}" in str(refusal.value)
    assert name in str(refusal.value)


@pytest.mark.parametrize("wrong", ["1", True, None, [1.0]], ids=repr)
@pytest.mark.parametrize(("name", "option", "default"), OPTIONS)
def test_an_option_of_the_wrong_type_is_refused_by_name_and_value(
    name: str, option: str, default, wrong
):
    with pytest.raises(BenchError) as refusal:
        cells.create(name, {option: wrong})
    assert option in str(refusal.value)
    assert repr(wrong) in str(refusal.value)


@pytest.mark.parametrize("name", WITHOUT_OPTIONS)
def test_a_cell_without_options_says_so(name: str):
    with pytest.raises(BenchError, match="has no options"):
        cells.create(name, {"bias": 1.0})
