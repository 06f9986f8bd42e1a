"""Ladders of lengths: their rungs from the config, and their entries in the plan."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from math import inf, log
from typing import Any

from lstm_bench.errors import BenchError
from lstm_bench.spec import digest, slug
from lstm_bench.store.planned import PlannedLadder
from lstm_bench.sweep import Choice, Sweep

MOST = 60  # steps from the first rung to the last
Lengths = Iterable[int] | Mapping[str, Any]  # a list, or a ladder


def lengths_of(own: Lengths, every: Lengths, task: str) -> tuple[tuple[int, ...], int | None]:
    """The lengths of a task, and the midpoints of their ladder: None where they are a list.

    own     of its entry: a list, or a ladder, which takes what it does not say from `every`
    every   of the sweep. Where they are a list and the entry says `from` or `to` alone, it takes
            those of the list that lie so, or else what it says
    """
    if not isinstance(own, Mapping):
        return tuple(own), None
    whole = {**every, **own} if isinstance(every, Mapping) else own
    if isinstance(every, Mapping) or ("from" in own and "to" in own):
        return rungs(whole, f"task {task!r}: lengths"), whole.get("midpoints", 0)
    low, high = own.get("from", 1), own.get("to", inf)
    within = tuple(T for T in every if low <= T <= high)
    return within or tuple(own[key] for key in ("from", "to") if key in own), None


def require_windows(lengths: Lengths, task: str) -> None:
    """Raise BenchError for a ladder of a task whose T is the window read from a file."""
    if isinstance(lengths, Mapping):
        raise BenchError(
            f"task {task!r}: lengths: {dict(lengths)!r} is not allowed; T is the window that is "
            "read from the file and no difficulty, so it must be a list: lengths: [32]."
        )


def rungs(ladder: Mapping[str, Any], where: str) -> tuple[int, ...]:
    """10, 20, 40 ... 640, 1024 of {from: 10, to: 1024, factor: 2}: `to` is the last.

    Raises BenchError for a ladder that cannot be climbed.
    """
    for key in ("from", "to"):
        if key not in ladder:
            raise BenchError(f"{where}: {dict(ladder)!r} has no key {key!r}; a ladder needs it.")
    first, last, factor = ladder["from"], ladder["to"], ladder.get("factor", 2)
    if first > last:
        raise BenchError(
            f"{where}: from {first} to {last} is not allowed; `to` must be at least `from`."
        )
    if log(last / first) > MOST * log(factor):
        raise BenchError(
            f"{where}: factor {factor} is not allowed; from {first} to {last} it takes more than "
            f"{MOST} steps."
        )
    found: dict[int, None] = {}
    T = float(first)
    while round(T) < last:
        found[round(T)] = None
        T *= factor
    return (*found, last)


def pair_name(sweep: Sweep, task: Choice, cell: Choice) -> str:
    """Of a ladder or a search. No length, rate or seed is in it: with more of them it goes on."""
    one = sweep.condition(task, task.lengths[0], cell, learning_rate=0.0)
    what = [task.key, cell.key, one.width, dict(cell.network), one.training]
    return f"{task.name}-{slug(cell.name)}-w{one.width}-{digest(what)}"


def ladders(sweep: Sweep, needed: Collection[str]) -> Iterator[tuple[str, PlannedLadder]]:
    """The ladders of a sweep that have a condition, by its id, that is needed; each by its name."""
    for task in (each for each in sweep.tasks if each.climbs):
        for cell in sweep.cells:
            conditions = [sweep.condition(task, T, cell) for T in task.lengths]
            if not {each.id for each in conditions} & set(needed):
                continue
            between = [sweep.condition(task, T, cell) for T in task.between]
            between = [each for each in between if each.id in needed]
            yield (
                pair_name(sweep, task, cell),
                PlannedLadder(
                    task.shown,
                    cell.shown,
                    task.lengths,
                    tuple(each.id for each in [*conditions, *between]),
                    tuple(block.name for block in sweep.blocks()),
                    task.midpoints if between else 0,
                ),
            )
