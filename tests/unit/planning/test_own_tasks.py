"""Experiments with tasks of their own: what is planned, and what is refused at once."""

from __future__ import annotations

from typing import Any

import pytest

from lstm_bench.errors import BenchError
from lstm_bench.planning.plan import resolve
from tests.workflow.test_bad_input import SCHEMA
from tests.workflow.workspace import TINY


def plan(**changes: Any) -> dict[str, Any]:
    return resolve({**TINY, **changes}, SCHEMA)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"tasks": ["flipflop"]}, "'flip_flop'"),
        ({"lengths": [2]}, "T=2 is too short"),
        ({"cells": ["gru"]}, "extrapolation.cells: cell 'gru' is unknown"),
        ({"factors": [1]}, "extrapolation.factors.0: 1 is not allowed"),
        ({"factor": [2]}, "'factor'"),
    ],
)
def test_bad_input_in_a_section_ends_in_one_sentence(section: dict[str, Any], said: str) -> None:
    with pytest.raises(BenchError, match=said):
        plan(experiments=["extrapolation"], extrapolation=section)


def test_a_section_that_is_not_asked_for_plans_nothing() -> None:
    quiet = plan(experiments=["horizon"], extrapolation={"tasks": ["anbn"]})
    assert not any(name.startswith("anbn") for name in quiet.conditions)


def test_lengths_are_asked_of_the_tasks_that_something_trains() -> None:
    own = {"tasks": ["adding"], "lengths": [5], "variants": ["lstm_nig"], "rates": [0.01]}
    made = plan(experiments=["ablation"], lengths=[5], ablation=own)
    members = made.experiments["ablation"].members
    assert {made.conditions[m.condition].spec.T for m in members} == {5}
    for also in (["ablation", "horizon"], ["catalogue"]):
        with pytest.raises(BenchError, match="T=5 is too short for task 'temporal_order'"):
            plan(experiments=also, lengths=[5], ablation=own)
    with pytest.raises(BenchError, match="T=5 is too short for task 'temporal_order'"):
        resolve({**TINY, "experiments": ["ablation"], "lengths": [5]}, SCHEMA, (), True)


def test_equal_parameters_are_those_of_the_largest_cell_at_the_equal_width() -> None:
    both = {"tasks": ["temporal_order"], "comparisons": ["equal parameters", "equal width"]}
    made = plan(experiments=["overfitting"], overfitting={**both, "sizes": [16], "updates": 10})
    sizes: dict[str, dict[str, int]] = {"equal width": {}, "equal parameters": {}}
    for member in made.experiments["overfitting"].members:
        size = made.conditions[member.condition].parameters
        sizes[member.factors["comparison"]][member.cell] = size
    width, parameters = sizes["equal width"], sizes["equal parameters"]
    assert width["lstm"] == parameters["lstm"]
    assert width["elman"] < 0.5 * width["lstm"]
    assert abs(parameters["elman"] / width["lstm"] - 1) < 0.1


@pytest.mark.parametrize(
    ("name", "section", "said"),
    [
        ("ablation", {"variants": ["lstm_nff"]}, "ablation.variants: cell 'lstm_nff' is unknown"),
        ("ablation", {"variants": ["lstm_peephole"]}, "it is the baseline"),
        ("fairness", {"reference": "gru"}, "fairness.reference: cell 'gru' is unknown"),
        ("fairness", {"pace": {"elman": 1}}, "'lstm' is missing; give every cell one"),
        ("sensitivity", {"width": [8, 8]}, "the first must be smaller"),
        ("sensitivity", {"trials": 1}, "sensitivity.trials: 1 is not allowed"),
    ],
)
def test_bad_input_of_the_studies_ends_in_one_sentence(
    name: str, section: dict[str, Any], said: str
) -> None:
    with pytest.raises(BenchError, match=said):
        plan(experiments=[name], **{name: section})


def test_what_cannot_be_matched_or_searched_is_refused() -> None:
    with pytest.raises(BenchError, match=r"fairness: width: .* must be a whole number"):
        plan(experiments=["fairness"], cells=["elman"], width={"match": "state", "budget": 9})
    with pytest.raises(BenchError, match="'jordan' is not allowed; it has no init_scale"):
        plan(experiments=["sensitivity"], cells=["jordan"], sensitivity={"cells": ["jordan"]})
