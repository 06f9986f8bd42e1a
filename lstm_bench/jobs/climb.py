"""`python -m lstm_bench.jobs.climb`: one ladder, a task and a cell from its shortest length on.

Each seed block is written as it ends, so that a climb that was stopped goes on where it stood, and
one of more rungs or seeds trains only those. What a climb tries depends on what it found alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from lstm_bench.jobs import devices, supervision
from lstm_bench.jobs.job import give_up, warm
from lstm_bench.registry import load_plugins
from lstm_bench.spec import Condition, SeedBlock
from lstm_bench.stats.ladder import climb
from lstm_bench.store.paths import Results
from lstm_bench.store.planned import PlannedLadder
from lstm_bench.typed import from_json

__all__ = ["main", "warm", "work"]


class Unfinished(Exception):
    """The seed block that a climb stands at: (condition, block)."""


def main() -> int:
    """Have a child climb; a seed block that kills it at the last attempt is given up."""
    arguments = sys.argv[1:]
    args, _, conditions = _parse(arguments)
    longest = max(conditions, key=lambda each: each.T)
    held = supervision.lease(devices.device_for(args.device, longest.T), args.memory_mib)
    while (code := supervision.supervise("lstm_bench.jobs.climb", work, arguments, held)) < 0:
        if not supervision.died(-code, args):
            return 1
        load_plugins(args.plugin)
        stands_at = _stands_at(arguments)
        if stands_at is None:
            return 1  # between two blocks: nothing of it is lost
        give_up(*stands_at, -code)
    return code


def _parse(
    arguments: list[str],
) -> tuple[argparse.Namespace, PlannedLadder, Sequence[Condition]]:
    parser = supervision.parser(__doc__)
    parser.add_argument("--name", required=True, help="of the ladder")
    parser.add_argument("--ladder", required=True, help="as the plan has it, JSON")
    parser.add_argument("--conditions", required=True, help="one a length, JSON")
    args = parser.parse_args(arguments)
    conditions = [Condition.from_json(each) for each in json.loads(args.conditions)]
    return args, from_json(PlannedLadder, json.loads(args.ladder)), conditions


def work(arguments: list[str]) -> int:
    """Climb in this process, which is a child's; returns its exit code."""
    args, ladder, conditions = _parse(arguments)
    return supervision.exit_code(
        lambda interrupted: _climb(args, ladder, conditions, interrupted), args.plugin
    )


def _climb(
    args: argparse.Namespace,
    ladder: PlannedLadder,
    conditions: Sequence[Condition],
    interrupted: supervision.Asked,
) -> None:
    from lstm_bench.store.ladders import write_climb
    from lstm_bench.training.run import train_block

    results, of, tried = Results(), {each.T: each for each in conditions}, []

    def try_block(T: int, block: SeedBlock) -> tuple[int, int]:
        device = devices.device_for(args.device, T)
        train_block(
            of[T], block, results, device=device, timeout=args.timeout, interrupted=interrupted
        )
        tried.append((of[T].id, block.name))
        return _outcome(results, of[T], block)

    rungs = climb(ladder.lengths, [SeedBlock.parse(name) for name in ladder.blocks], try_block)
    write_climb(results, args.name, ladder, rungs, tried)


def _outcome(results: Results, condition: Condition, block: SeedBlock) -> tuple[int, int]:
    """Of a finished block: how many solved, and how many were judged."""
    from lstm_bench.store.tables import read_table

    table = read_table(results.block(condition, block) / "replicates.parquet")
    ended = table.column("status").to_pylist()
    return ended.count("solved"), len(ended) - ended.count("error")


def _stands_at(arguments: list[str]) -> tuple[Condition, SeedBlock] | None:
    """The seed block whose training was under way."""
    from lstm_bench.training.run import code_identity, is_finished

    _, ladder, conditions = _parse(arguments)
    results, of = Results(), {each.T: each for each in conditions}

    def look(T: int, block: SeedBlock) -> tuple[int, int]:
        if not is_finished(results.block(of[T], block), of[T], code_identity(of[T])):
            raise Unfinished(of[T], block)
        return _outcome(results, of[T], block)

    try:
        climb(ladder.lengths, [SeedBlock.parse(name) for name in ladder.blocks], look)
    except Unfinished as unfinished:
        condition, block = unfinished.args
        return condition, block
    return None


if __name__ == "__main__":
    supervision.leave(main())
