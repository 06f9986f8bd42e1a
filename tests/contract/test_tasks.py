"""Every registered task keeps every promise, at its shortest length and beyond."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lstm_bench import tasks
from lstm_bench.errors import BenchError
from lstm_bench.tasks import Task
from tests.contract import contracts

TASKS = sorted(tasks.registry())
AT_A_LENGTH: list[Callable[[Task, int], None]] = [
    contracts.depends_on_its_generator_alone,
    contracts.differs_between_seeds,
    contracts.has_the_documented_shapes,
    contracts.asks_where_it_says,
    contracts.pads_with_zeros,
    contracts.memoryless_looks_at_no_input,
    contracts.rewards_the_perfect_answer_alone,
    contracts.scores_what_is_asked_alone,
    contracts.forgets_what_left_its_window,
    contracts.dates_milestones_between_ceiling_and_floor,
    contracts.knows_what_is_relevant_from_its_inputs,
]

SIMULATED: list[Callable[..., None]] = [
    contracts.simulates_its_floor,
    contracts.simulates_its_ceiling,
    contracts.is_beaten_by_no_clock,
    contracts.opens_its_window_from_floor_to_ceiling,
]


def lengths(name: str) -> list[int]:
    """Lengths the task can have, the shortest first."""
    shortest = tasks.registry()[name].shortest
    middle = 2 * shortest + 5
    wanted = [shortest, shortest + 1, middle, *([30] if middle < 20 else [])]
    return [T for T in wanted if contracts.possible(tasks.create(name), T)]


def ends(name: str) -> list[int]:
    """The shortest of them and the longest."""
    found = lengths(name)
    return sorted({found[0], found[-1]})


def test_the_suite_has_its_three_tasks():
    assert {"adding", "copy", "temporal_order"} <= set(TASKS)


@pytest.mark.parametrize("contract", AT_A_LENGTH, ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", TASKS)
def test_a_task_keeps_its_promise(contract: Callable[[Task, int], None], name: str):
    kept_at(lengths(name), contract, name)


@pytest.mark.parametrize("contract", SIMULATED, ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", TASKS)
def test_a_task_keeps_a_promise_on_average(contract: Callable[..., None], name: str):
    kept_at(ends(name), contract, name)


def kept_at(chosen: list[int], contract: Callable[..., None], name: str) -> None:
    """A length at which it is not kept is noted beside what was noticed."""
    for T in chosen:
        try:
            contract(tasks.create(name), T)
        except BaseException as found:
            found.add_note(f"{contract.__name__} of {name!r} at T={T}")
            raise


@pytest.mark.parametrize("name", TASKS)
def test_a_task_refuses_lengths_too_short_for_it(name: str):
    contracts.refuses_lengths_too_short(tasks.create(name))


@pytest.mark.parametrize("name", TASKS)
def test_a_task_describes_itself(name: str):
    contracts.describes_itself(tasks.create(name))


@pytest.mark.parametrize("name", TASKS)
def test_every_preset_of_a_task_builds_and_keeps_the_promises(name: str):
    for options in tasks.registry()[name].presets.values():
        task = tasks.create(name, options)
        contracts.has_the_documented_shapes(task, task.shortest)
        for contract in SIMULATED:
            contract(task, task.shortest, count=1600)
        contracts.scores_what_is_asked_alone(task, task.shortest)
        contracts.forgets_what_left_its_window(task, task.shortest)
        contracts.rewards_the_perfect_answer_alone(task, task.shortest)


def test_an_unknown_task_is_answered_with_the_nearest_name():
    with pytest.raises(BenchError, match="'temporal_order'"):
        tasks.create("temporal_ordr")


@pytest.mark.parametrize("name", TASKS)
def test_the_data_of_a_task_depends_on_task_length_seed_and_purpose(name: str):
    task, T = tasks.create(name), 2 * tasks.registry()[name].shortest + 5
    first = [
        tasks.generator(purpose, task, length, seed=seed, counter=counter).random()
        for purpose in ("train", "validation")
        for length in (T, T + 1)
        for seed in (0, 1)
        for counter in (0, 1)
    ]
    assert len(set(first)) == len(first)
