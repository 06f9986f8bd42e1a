"""What a climb left behind: which seed blocks it tried, and what it found there."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lstm_bench.errors import DamagedFile
from lstm_bench.stats.ladder import Rung, bracket, not_monotone
from lstm_bench.store.checksums import read_checked_json, write_checked_json
from lstm_bench.store.files import damaged
from lstm_bench.store.paths import Results
from lstm_bench.store.planned import PlannedLadder
from lstm_bench.store.plans import Plan

Pair = tuple[str, str]  # a condition's id and a seed block's name


def write_climb(
    results: Results, name: str, ladder: PlannedLadder, rungs: Sequence[Rung], tried: Iterable[Pair]
) -> None:
    """Write the record of a finished climb: for people, and for what is concluded from it."""
    record = {
        "task": ladder.task,
        "cell": ladder.cell,
        "T_star": bracket(rungs).shown,
        "not_monotone": not_monotone(rungs),
        "rungs": [{"T": r.T, "solved": r.solved, "n": r.n, "tried": r.tried} for r in rungs],
        "tried": [list(pair) for pair in tried],
    }
    write_checked_json(results.ladder(name), record)


def tried_of(results: Results, name: str) -> set[Pair]:
    """The seed blocks that a climb trained. Raises DamagedFile where it is not finished."""
    path = results.ladder(name)
    try:
        return {(condition, block) for condition, block in read_checked_json(path)["tried"]}
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, error) from error


def not_tried(plan: Plan, results: Results, pairs: Iterable[Pair]) -> set[Pair]:
    """Those of these seed blocks that their ladders ended without; none of an unfinished climb."""
    asked = set(pairs)
    found = set[Pair]()
    for name in dict.fromkeys(plan.ladder_of[pair] for pair in asked if pair in plan.ladder_of):
        try:
            tried = tried_of(results, name)
        except DamagedFile:
            continue
        found |= asked & set(plan.ladders[name].runs) - tried
    return found


def lost(results: Results, name: str) -> list[str]:
    """What a finished climb trained and is there no more: it is climbed again for that."""
    try:
        tried = tried_of(results, name)
    except DamagedFile:
        return []
    there = ((results.block(*pair) / "replicates.parquet").exists() for pair in sorted(tried))
    return [" ".join(pair) for pair, is_there in zip(sorted(tried), there) if not is_there]
