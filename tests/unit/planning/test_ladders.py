"""Ladders of lengths: from the config to the plan, and what cannot be climbed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lstm_bench.errors import BenchError
from lstm_bench.planning import packing
from lstm_bench.planning.device_request import ladder_mib
from lstm_bench.planning.forecast import forecast
from lstm_bench.planning.ladders import rungs
from lstm_bench.planning.plan import resolve
from lstm_bench.store.paths import LADDER, Results
from lstm_bench.store.plans import Plan
from tests.workflow.test_bad_input import SCHEMA
from tests.workflow.workspace import TINY

TO_80 = {"from": 10, "to": 80, "factor": 2}


def plan(**changes: Any) -> Plan:
    base = {**TINY, "lengths": TO_80, "replicates": 4, "experiments": ["horizon"]}
    return resolve({**base, **changes}, SCHEMA)


@pytest.mark.parametrize(
    ("ladder", "expected"),
    [
        ({"from": 10, "to": 1024, "factor": 2}, (10, 20, 40, 80, 160, 320, 640, 1024)),
        ({"from": 10, "to": 160, "factor": 2}, (10, 20, 40, 80, 160)),
        ({"from": 10, "to": 40}, (10, 20, 40)),
        ({"from": 10, "to": 30, "factor": 1.5}, (10, 15, 22, 30)),
        ({"from": 1, "to": 5, "factor": 1.2}, (1, 2, 3, 4, 5)),
        ({"from": 7, "to": 7, "factor": 2}, (7,)),
    ],
)
def test_rungs_rise_by_the_factor_and_end_at_the_last(ladder, expected):
    assert rungs(ladder, "lengths") == expected


@pytest.mark.parametrize(
    ("lengths", "said"),
    [
        ({"from": 10, "to": 80, "factor": 1}, ["lengths.factor: 1", "more than 1"]),
        ({"from": 10, "to": 80, "factor": 0.5}, ["lengths.factor: 0.5", "more than 1"]),
        ({"from": 40, "to": 20}, ["from 40 to 20", "at least"]),
        ({"from": 10}, ["'to'"]),
        ({"to": 80}, ["'from'"]),
        ({"from": 10, "to": 80, "step": 3}, ["step"]),
        ({"from": 5, "to": 80}, ["T=5", "temporal_order", "T >= 10"]),
        ({"from": 1, "to": 10**6, "factor": 1 + 1e-9}, ["factor 1.000000001", "60"]),
    ],
)
@pytest.mark.parametrize("of_the_task", [False, True])
def test_a_ladder_that_cannot_be_climbed_is_one_sentence(lengths, said, of_the_task: bool):
    changes: dict[str, Any] = {"lengths": lengths}
    if of_the_task:
        changes["tasks"] = [{"task": "temporal_order", "lengths": lengths}]
        changes["lengths"] = TO_80 if {*lengths} >= {"from", "to"} else lengths
    with pytest.raises(BenchError) as refused:
        plan(**changes)
    assert all(word in str(refused.value) for word in said), str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_task_may_end_its_ladder_elsewhere_or_have_lengths_of_its_own():
    tasks = [
        {"task": "adding", "lengths": {"to": 20}},
        {"task": "temporal_order", "lengths": {"from": 20}},
        {"task": "copy", "lengths": [10, 30]},
    ]
    found = plan(tasks=tasks, cells=["lstm"])
    assert [task.lengths for task in found.sweep.tasks] == [(10, 20), (20, 40, 80), (10, 30)]
    assert [task.climbs for task in found.sweep.tasks] == [True, True, False]
    assert {ladder.task for ladder in found.ladders.values()} == {"adding", "temporal_order"}


def test_a_part_of_a_ladder_chooses_among_plain_lengths():
    """So that {from: 20} of a task stays true where a later config file lists lengths."""
    tasks = [{"task": "temporal_order", "lengths": {"from": 20}}, "adding"]
    found = plan(tasks=tasks, lengths=[50, 10, 20], cells=["lstm"])
    assert [task.lengths for task in found.sweep.tasks] == [(50, 20), (50, 10, 20)]
    assert not found.ladders
    assert plan(tasks=tasks, lengths=[10]).sweep.tasks[0].lengths == (20,)


def test_a_ladder_is_a_task_and_a_cell_and_holds_every_block_of_its_rungs():
    found = plan()
    assert len(found.ladders) == 2
    for ladder in found.ladders.values():
        assert ladder.lengths == (10, 20, 40, 80)
        assert [found.conditions[id].spec.T for id in ladder.conditions] == [10, 20, 40, 80]
        assert ladder.blocks == ("seeds-000-001", "seeds-002-003")
    blocks = found.blocks(["horizon"])
    assert set(found.ladder_of) == set(blocks)
    assert len(blocks) == 2 * 4 * 2
    assert found.finished_files(["horizon"]) == [
        LADDER.format(ladder=name) for name in found.ladders
    ]


def test_midpoints_are_planned_for_the_horizon_alone_and_change_no_name():
    found = plan(lengths={**TO_80, "midpoints": 1}, experiments=["horizon", "training_time"])
    assert set(found.ladders) == set(plan().ladders)
    for ladder in found.ladders.values():
        assert (ladder.lengths, ladder.midpoints) == ((10, 20, 40, 80), 1)
        lengths = [found.conditions[id].spec.T for id in ladder.conditions]
        assert lengths == [10, 20, 40, 80, 14, 28, 56]
        assert [ladder.between(id) for id in ladder.conditions] == [False] * 4 + [True] * 3
    tasks = {m.condition for m in found.experiments["training_time"].members}
    assert {found.conditions[id].spec.T for id in tasks} == {10, 20, 40, 80}
    alone = plan(lengths={**TO_80, "midpoints": 2}, experiments=["training_time"])
    assert {each.midpoints for each in alone.ladders.values()} == {0}
    assert len(found.blocks(["horizon"])) == 2 * 7 * 2


@pytest.mark.parametrize(
    "grown",
    [{"replicates": 8}, {"lengths": {**TO_80, "to": 160}}, {"cells": ["elman", "lstm", "gru"]}],
)
def test_more_rungs_seeds_or_cells_leave_the_names_of_the_ladders(grown):
    assert set(plan().ladders) <= set(plan(**grown).ladders)


@pytest.mark.parametrize("other", [{"width": 9}, {"training": {**TINY["training"], "updates": 70}}])
def test_another_training_is_another_ladder(other):
    assert not set(plan().ladders) & set(plan(**other).ladders)


def test_what_trains_other_lengths_has_jobs_of_its_own():
    found = plan(
        experiments=["horizon", "overfitting"], overfitting={"sizes": [16], "lengths": [10]}
    )
    own = set(found.blocks(["overfitting"])) - set(found.ladder_of)
    assert own
    files = found.finished_files(found.asked)
    assert sum("ladders" in file for file in files) == 2
    assert sum("replicates" in file for file in files) == len(own)


def test_a_chrono_start_of_T_is_that_of_each_length():
    cells = [{"cell": "lstm", "chrono": "T"}, {"cell": "gru", "chrono": "T", "label": "gru (T)"}]
    found = plan(cells=cells)
    by_cell = {}
    for entry in found.conditions.values():
        spec = entry.spec
        if spec.id in {id for id, _ in found.blocks(["horizon"])}:
            by_cell.setdefault(spec.cell, {})[spec.T] = spec.cell_options["chrono"]
    assert by_cell == {cell: {T: T for T in (10, 20, 40, 80)} for cell in ("lstm", "gru")}
    assert len(found.ladders) == 2
    assert {ladder.cell for ladder in found.ladders.values()} == {"lstm(chrono=T)", "gru (T)"}


def test_another_word_than_T_is_one_sentence():
    with pytest.raises(BenchError, match="chrono is 'U'"):
        plan(cells=[{"cell": "lstm", "chrono": "U"}])


def test_a_ladder_is_one_job_of_the_estimate(tmp_path: Path):
    found = plan().write(Results(tmp_path).plan("aaaa"))
    horizon, whole = forecast(found, Results(tmp_path), lambda condition, replicates: 0.01)["rows"]
    assert horizon["jobs"] == 2 + 2  # two ladders; tables and a figure
    assert whole["jobs"] == horizon["jobs"] + 3
    assert whole["conditions"] == 8


def test_a_climb_is_sized_by_its_top():
    found = plan(cells=["lstm"])
    ((name, ladder),) = found.ladders.items()
    top = found.conditions[ladder.conditions[-1]]
    blocks = ladder.blocks
    assert packing.ladder_mem_mb(found, name, 1) == packing.mem_mb(top, blocks[0], 1)
    assert packing.ladder_mem_mb(found, name, 2) == 2 * packing.ladder_mem_mb(found, name, 1)
    each = [packing.minutes(found.conditions[id], block, 1) for id, block in ladder.runs]
    assert packing.LEAST <= packing.ladder_minutes(found, name, 1) <= sum(each)
    assert ladder_mib(found, name) > 0
