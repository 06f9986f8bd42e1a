"""`python -m lstm_bench.jobs.climb`: one ladder, a task and a cell from its shortest length on.

A climb of more rungs or seeds than before trains only those that are new.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable

from lstm_bench.jobs import adaptive, supervision
from lstm_bench.jobs.job import warm
from lstm_bench.spec import Condition, SeedBlock
from lstm_bench.stats.ladder import climb
from lstm_bench.store.paths import Results
from lstm_bench.store.planned import PlannedLadder
from lstm_bench.typed import from_json

__all__ = ["main", "warm", "work"]


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = supervision.parser(__doc__)
    parser.add_argument("--name", required=True, help="of the ladder")
    parser.add_argument("--ladder", required=True, help="as the plan has it, JSON")
    parser.add_argument("--conditions", required=True, help="one a length, JSON")
    return parser.parse_args(arguments)


def _climb(args: argparse.Namespace, train: adaptive.Train) -> Callable[[], None]:
    from lstm_bench.store.ladders import write_climb

    ladder, of = from_json(PlannedLadder, json.loads(args.ladder)), _conditions(args)
    tried: list[tuple[str, str]] = []

    def try_block(T: int, block: SeedBlock) -> tuple[int, int]:
        rows = train(of[T], block)
        tried.append((of[T].id, block.name))
        return sum(row["status"] == "solved" for row in rows), len(rows)

    blocks = [SeedBlock.parse(name) for name in ladder.blocks]
    rungs = climb(ladder.lengths, blocks, try_block, ladder.midpoints)
    return lambda: write_climb(Results(), args.name, ladder, rungs, tried)


def _conditions(args: argparse.Namespace) -> dict[int, Condition]:
    conditions = map(Condition.from_json, json.loads(args.conditions))
    return {condition.T: condition for condition in conditions}


def work(arguments: list[str]) -> int:
    """Climb in this process, which is a child's; returns its exit code."""
    return adaptive.work_on(_parse(arguments), _climb)


def main() -> int:
    """Have a child climb, and supervise it."""
    longest = lambda args: max(_conditions(args))  # noqa: E731
    return adaptive.main("lstm_bench.jobs.climb", _parse, _climb, longest)


if __name__ == "__main__":
    supervision.leave(main())
