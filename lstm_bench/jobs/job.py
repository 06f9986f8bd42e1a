"""`python -m lstm_bench.jobs.job`: what the workflow runs for one seed block.

The parent knows what a child's death means: another attempt resumes from the checkpoint, and after
the last one every replicate gets a row that says it was killed.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from functools import partial

from lstm_bench.jobs import devices, supervision
from lstm_bench.registry import load_plugins
from lstm_bench.spec import Condition, SeedBlock
from lstm_bench.store.paths import Results


def main() -> int:
    """Have a child do the work, and supervise it."""
    arguments = sys.argv[1:]
    args, condition, block = _parse(arguments)  # bad arguments end here
    held = supervision.lease(devices.device_for(args.device, condition.T), args.memory_mib)
    code = supervision.supervise("lstm_bench.jobs.job", work, arguments, held)
    if code >= 0:
        return code
    if not supervision.died(-code, args):
        return 1
    load_plugins(args.plugin)
    give_up(condition, block, -code)
    return 0


def give_up(condition: Condition, block: SeedBlock, number: int) -> None:
    """Every replicate of a block that a signal killed gets its row."""
    from lstm_bench.training.outcome import now, write_failure
    from lstm_bench.training.run import code_identity, is_finished

    folder, identity = Results().block(condition, block), code_identity(condition)
    if not is_finished(folder, condition, identity):  # a death after the last file costs nothing
        reason = f"killed ({signal.Signals(number).name})"
        write_failure(folder, condition, block, reason, identity, now())


def _parse(arguments: list[str]) -> tuple[argparse.Namespace, Condition, SeedBlock]:
    parser = supervision.parser(__doc__)
    parser.add_argument("--condition", required=True, help="the condition as JSON")
    parser.add_argument("--block", required=True, help="seeds-FIRST-LAST")
    args = parser.parse_args(arguments)
    return args, Condition.from_json(json.loads(args.condition)), SeedBlock.parse(args.block)


def warm() -> None:
    """What every training imports: torch, above all."""
    import pandas  # noqa: F401 (pyarrow asks for it at its first table: a quarter of a second)

    import lstm_bench.training.run  # noqa: F401


def work(arguments: list[str]) -> int:
    """Train the block in this process, which is a child's; returns its exit code."""
    args, condition, block = _parse(arguments)

    return supervision.exit_code(partial(train, args, condition, block), args.plugin)


def train(
    args: argparse.Namespace, condition: Condition, block: SeedBlock, interrupted: supervision.Asked
) -> None:
    """One seed block, on the device and in the time that the job was given."""
    from lstm_bench.training.run import train_block

    train_block(
        condition,
        block,
        Results(),
        device=devices.device_for(args.device, condition.T),
        timeout=args.timeout,
        interrupted=interrupted,
    )


if __name__ == "__main__":
    supervision.leave(main())
