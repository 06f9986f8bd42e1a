"""Jobs that decide by what they find what they train next: seed block after seed block.

Each block is written as it ends, so that a job that was stopped goes on where it stood: what is
finished is read, not trained again. What it trains depends on what it found, and on nothing else.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import Any

from lstm_bench.jobs import devices, supervision
from lstm_bench.jobs.job import give_up, train
from lstm_bench.registry import load_plugins
from lstm_bench.spec import Condition, SeedBlock
from lstm_bench.store.paths import Results

Rows = list[dict[str, Any]]  # of replicates, as stored
Train = Callable[[Condition, SeedBlock], Rows]
Procedure = Callable[[argparse.Namespace, Train], Callable[[], None]]


class Unfinished(Exception):
    """A seed block is not trained yet: the one that a job stands at."""

    def __init__(self, condition: Condition, block: SeedBlock) -> None:
        super().__init__(condition.id, block.name)
        self.condition, self.block = condition, block


def main(
    module: str,
    parse: Callable[[list[str]], argparse.Namespace],
    run: Procedure,
    longest: Callable[[argparse.Namespace], int],
) -> int:
    """Have a child do it; a seed block that kills it at the last attempt is given up.

    parse     gives the arguments
    run       does the work by a function that trains a block; returns what writes its record
    longest   its largest T: the device is that of the longest training
    """
    arguments = sys.argv[1:]
    args = parse(arguments)
    held = supervision.lease(devices.device_for(args.device, longest(args)), args.memory_mib)

    def work(given: list[str]) -> int:
        return work_on(parse(given), run)

    while (code := supervision.supervise(module, work, arguments, held)) < 0:
        if not supervision.died(-code, args):
            return 1
        load_plugins(args.plugin)
        try:
            run(args, _read)
        except Unfinished as unfinished:
            give_up(unfinished.condition, unfinished.block, -code)
        else:
            return 1  # between two blocks: nothing is lost
    return code


def work_on(args: argparse.Namespace, run: Procedure) -> int:
    """Do it in this process, which is a child's; returns its exit code."""

    def do(interrupted: supervision.Asked) -> None:
        def trained(condition: Condition, block: SeedBlock) -> Rows:
            train(args, condition, block, interrupted)
            return _rows(condition, block)

        run(args, trained)()

    return supervision.exit_code(do, args.plugin)


def _rows(condition: Condition, block: SeedBlock) -> Rows:
    from lstm_bench.store.tables import read_table

    rows: Rows = read_table(Results().block(condition, block) / "replicates.parquet").to_pylist()
    return [row for row in rows if row["status"] != "error"]


def _read(condition: Condition, block: SeedBlock) -> Rows:
    from lstm_bench.training.run import code_identity, is_finished

    if not is_finished(Results().block(condition, block), condition, code_identity(condition)):
        raise Unfinished(condition, block)
    return _rows(condition, block)
