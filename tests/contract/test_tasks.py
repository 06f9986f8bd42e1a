"""Every registered task keeps every promise, at its shortest length and beyond."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lstm_bench import tasks
from lstm_bench.check import tasks as contracts
from lstm_bench.errors import BenchError

TASKS = sorted(tasks.registry())


def test_the_suite_has_its_three_tasks():
    assert {"adding", "copy", "temporal_order"} <= set(TASKS)


@pytest.mark.parametrize("contract", contracts.AT_A_LENGTH, ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", TASKS)
def test_a_task_keeps_its_promise(contract: Callable[..., None], name: str):
    kept_at(contracts.lengths(tasks.create(name)), contract, name)


@pytest.mark.parametrize("contract", contracts.SIMULATED, ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", TASKS)
def test_a_task_keeps_a_promise_on_average(contract: Callable[..., None], name: str):
    kept_at(contracts.ends(tasks.create(name)), contract, name)


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
        for contract in contracts.SIMULATED:
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
