"""Numbers move only together with a version: otherwise stored results would lie."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from lstm_bench import cells, tasks
from tests.numerics.golden import FILE, PAIRS, SEEDS, measure, of_the_suite

TOLERANCE = 1e-3  # 20 updates in float32 on another processor; a changed equation moves far more
REFRESH = "then run `python -m tests.numerics.golden` to refresh."
GOLDEN: dict[str, dict] = json.loads(FILE.read_text())


def compare(pair: str, stored: Mapping, measured: Mapping) -> None:
    """Fail with the sentence that says what to do."""
    assert stored["identity"] == measured["identity"], (
        f"{pair}: the code is now {measured['identity']!r}, the golden losses are of "
        f"{stored['identity']!r}; if that is meant, {REFRESH}"
    )
    assert measured["losses"] == pytest.approx(stored["losses"], rel=TOLERANCE), (
        f"{pair}: results have changed while the code still calls itself {stored['identity']!r}; "
        "if they are meant to change, raise the version of the task, the cell, lstm_bench.engine "
        f"or lstm_bench.training that changed them, {REFRESH}"
    )


def test_the_golden_file_covers_every_task_and_every_cell():
    assert list(GOLDEN) == [f"{task} {cell}" for task, cell in PAIRS]
    assert all(len(entry["losses"]) == len(SEEDS) for entry in GOLDEN.values())
    assert {task for task, _ in PAIRS} == set(of_the_suite(tasks.registry()))
    assert {cell for _, cell in PAIRS} == set(of_the_suite(cells.registry()))


@pytest.mark.parametrize(("task", "cell"), PAIRS)
def test_trained_numbers_are_those_of_this_version(task: str, cell: str):
    compare(f"{task} {cell}", GOLDEN[f"{task} {cell}"], measure(task, cell))


def test_a_number_that_moves_asks_for_a_version():
    stored = {"identity": "task 1", "losses": [0.5, 0.25]}
    moved = {"identity": "task 1", "losses": [0.5, 0.2506]}
    with pytest.raises(AssertionError, match="raise the version of"):
        compare("a task", stored, moved)
    compare("a task", stored, {"identity": "task 1", "losses": [0.5001, 0.25]})


def test_a_version_that_moves_asks_for_a_refresh():
    with pytest.raises(AssertionError, match=r"python -m tests\.numerics\.golden"):
        compare(
            "a task", {"identity": "task 1", "losses": [1]}, {"identity": "task 2", "losses": [1]}
        )
