"""Trying the promises of one cell, module or task; each that is not kept is one sentence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from lstm_bench import cells, tasks
from lstm_bench.cells import Cell, SequenceCell
from lstm_bench.cells.modules.building import seeded
from lstm_bench.check import cells as of_cells
from lstm_bench.check import tasks as of_tasks
from lstm_bench.check.promises import Broken, hold
from lstm_bench.engine.runtime import pinned
from lstm_bench.errors import BenchError, unknown
from lstm_bench.references import is_reference

BUILT = "can_be_built_and_called"
EXPLAINED = {
    broken.__name__: {each.__name__ for each in follow}
    for broken, follow in of_cells.EXPLAINS.items()
}
Promise = Callable[[], None]


class Result(NamedTuple):
    """A promise that was tried: its name, what is wrong or nothing, and how long it took."""

    promise: str
    fault: str
    seconds: float

    @property
    def shown(self) -> str:
        return self.promise.replace("_", " ")


def promises_of(
    name: str, options: Mapping[str, Any] | None = None
) -> Iterator[tuple[str, Promise]]:
    """By name, what a cell, a module or a task promises; the first builds it.

    Raises BenchError for a name that neither is.
    """
    known = {**cells.registry(), **tasks.known()}
    if not is_reference(name) and name not in known:
        raise unknown("cell or task", name, known)
    if name in tasks.known():
        task = tasks.create(name, options)
        yield from _of_task(task)
        return
    try:
        cell = cells.create(name, options)
    except BenchError as error:
        if not is_reference(name):
            raise
        yield BUILT, _raising(Broken(str(error)))
        return
    yield BUILT, lambda: None
    for contract in of_cells.CONTRACTS:
        if not (isinstance(cell, SequenceCell) and contract in of_cells.BY_STEP):
            yield contract.__name__, _bound(contract, cell)


def _bound(contract: Callable[[Cell], None], cell: Cell) -> Promise:
    return lambda: contract(cell)


def _of_task(task: tasks.Task) -> Iterator[tuple[str, Promise]]:
    def at_lengths(contract: Callable[..., None], lengths: list[int]) -> Promise:
        def kept() -> None:
            for T in lengths:
                contract(task, T)

        return kept

    at_a_length = of_tasks.OF_FILES if task.measured else of_tasks.AT_A_LENGTH
    for contract in at_a_length:
        yield contract.__name__, at_lengths(contract, of_tasks.lengths(task))
    if task.measured:
        return
    for contract in of_tasks.SIMULATED:
        yield contract.__name__, at_lengths(contract, of_tasks.ends(task))
    yield "refuses_lengths_too_short", lambda: of_tasks.refuses_lengths_too_short(task)


def _raising(error: Exception) -> Promise:
    def broken() -> None:
        raise error

    return broken


def tried(name: str, promise: Promise) -> None:
    """Raise Broken where it is not kept, whatever the code that is tried raises."""
    try:
        with pinned(), seeded(0):
            promise()
    except Broken:
        raise
    except Exception as error:  # of code that is tried: any fault is its own
        text = " ".join(str(error).split())[:200]
        raise Broken(f"it raised {type(error).__name__} where it {name}: {text}") from error


def check(name: str, options: Mapping[str, Any] | None = None) -> Iterator[Result]:
    """Every promise of a cell, a module or a task, as it has been tried. Raises BenchError.

    What one that is broken explains is left out.
    """
    explained: set[str] = set()
    for promise_name, promise in promises_of(name, options):
        if promise_name in explained:
            continue
        started, fault = time.perf_counter(), ""
        try:
            tried(promise_name, promise)
        except Broken as broken:
            fault = str(broken)
            explained |= EXPLAINED.get(promise_name, set())
        yield Result(promise_name, fault, time.perf_counter() - started)


def failures(name: str, options: Mapping[str, Any] | None = None) -> list[Result]:
    """The promises that are not kept."""
    return [result for result in check(name, options) if result.fault]


def promises(name: str, options: Mapping[str, Any] | None = None) -> type:
    """A class of tests, one a promise: `TestMyCell = promises("my_cell.py:MyCell")`."""

    def test_of(promise_name: str, promise: Promise) -> Callable[[Any], None]:
        return lambda self: tried(promise_name, promise)

    tests = {f"test_{each}": test_of(each, kept) for each, kept in promises_of(name, options)}
    hold(tests, f"{name} promises nothing")
    return type("TestPromises", (), {"__doc__": f"What {name} promises.", **tests})
