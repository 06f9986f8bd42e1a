"""What a climb left behind: which seed blocks it tried, and what it found there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from lstm_bench.errors import DamagedFile
from lstm_bench.stats.ladder import Rung, bracket, not_monotone
from lstm_bench.store.adaptive import Pair, tried
from lstm_bench.store.checksums import write_checked_json
from lstm_bench.store.paths import Results
from lstm_bench.store.planned import PlannedLadder
from lstm_bench.store.plans import Plan


def write_climb(
    results: Results,
    name: str,
    ladder: PlannedLadder,
    rungs: Sequence[Rung],
    trained: Iterable[Pair],
) -> None:
    """Write the record of a finished climb: for people, and for what is concluded from it."""
    record = {
        "task": ladder.task,
        "cell": ladder.cell,
        "T_star": bracket(rungs).shown,
        "not_monotone": not_monotone(rungs),
        "rungs": [{"T": r.T, "solved": r.solved, "n": r.n, "tried": r.tried} for r in rungs],
        "tried": [list(pair) for pair in trained],
        "asked": ladder.asked,
    }
    write_checked_json(results.ladder(name), record)


def rungs_not_tried(plan: Plan, skipped: Collection[Pair]) -> set[Pair]:
    """Of the seed blocks `not_tried`, those to tell of: not of a midpoint that nothing came to."""
    return {(id, block) for id, block in skipped if not _passed_by(plan, id, block, skipped)}


def _passed_by(plan: Plan, id: str, block: str, skipped: Collection[Pair]) -> bool:
    ladder = plan.ladders[plan.ladder_of[id, block]]
    return ladder.between(id) and all((id, each) in skipped for each in ladder.blocks)


def not_tried(plan: Plan, results: Results, pairs: Iterable[Pair]) -> set[Pair]:
    """Those of these seed blocks that their ladders ended without; none of an unfinished climb."""
    asked = set(pairs)
    found = set[Pair]()
    for name in dict.fromkeys(plan.ladder_of[pair] for pair in asked if pair in plan.ladder_of):
        try:
            trained = tried(results.ladder(name))
        except DamagedFile:
            continue
        found |= asked & set(plan.ladders[name].runs) - trained
    return found
