"""`python -m lstm_bench.training.job`: what the workflow runs for one seed block.

The process forks before torch is imported. The child trains; the parent waits, passes signals on,
and knows what a death means: another attempt resumes from the checkpoint, and after the last one
every replicate gets a row that says it was killed.

Exit codes: 0 the files are written, 1 bad input or a death that another attempt may mend,
75 interrupted, to be resumed.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from lstm_bench.errors import BenchError
from lstm_bench.registry import load_plugins
from lstm_bench.spec import Condition, SeedBlock
from lstm_bench.store.paths import Results

PASSED_ON = (signal.SIGTERM, signal.SIGINT)
RESUMABLE = 75  # EX_TEMPFAIL
_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def main() -> int:
    """Parse, fork, supervise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--condition", required=True, help="the condition as JSON")
    parser.add_argument("--block", required=True, help="seeds-FIRST-LAST")
    parser.add_argument("--device", default=os.environ.get("LSTM_BENCH_DEVICE", "auto"))
    parser.add_argument(
        "--timeout", type=float, default=os.environ.get("LSTM_BENCH_TIMEOUT") or None
    )
    parser.add_argument("--attempt", type=int, default=1)
    parser.add_argument("--attempts", type=int, default=1)
    parser.add_argument("--plugin", action="append", default=_plugins())
    args = parser.parse_args()
    condition = Condition.from_json(json.loads(args.condition))
    block = SeedBlock.parse(args.block)
    parent = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # until both sides can answer them
    child = os.fork()
    if child == 0:
        os._exit(_child(parent, args, condition, block))
    return _supervise(child, args, condition, block)


def _plugins() -> list[str]:
    return [path for path in os.environ.get("LSTM_BENCH_PLUGINS", "").split(os.pathsep) if path]


def _child(parent: int, args: argparse.Namespace, condition: Condition, block: SeedBlock) -> int:
    if sys.platform == "linux":  # die with the parent, and so with the job
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            return RESUMABLE
    stop: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        stop.append(number)

    _answer(note)
    try:
        load_plugins(args.plugin)
        from lstm_bench.training.run import Interrupted, train_block

        try:
            train_block(
                condition,
                block,
                Results(),
                device=args.device,
                timeout=args.timeout,
                interrupted=lambda: bool(stop),
            )
        except Interrupted:
            print("interrupted; the next attempt resumes", file=sys.stderr)
            return RESUMABLE
        return 0
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _answer(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in PASSED_ON:
        signal.signal(number, handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)


def _supervise(child: int, args: argparse.Namespace, condition: Condition, block: SeedBlock) -> int:
    def forward(number: int, _: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    _answer(forward)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return code
    name = signal.Signals(-code).name
    if args.attempt < args.attempts:
        print(f"the training was killed by {name}; the next attempt resumes", file=sys.stderr)
        return 1
    print(f"the training was killed by {name} at its last attempt", file=sys.stderr)
    load_plugins(args.plugin)
    from lstm_bench.training.outcome import now, write_failure
    from lstm_bench.training.run import code_identity

    folder = Results().block(condition, block)
    write_failure(folder, condition, block, f"killed ({name})", code_identity(condition), now())
    return 0


if __name__ == "__main__":
    sys.exit(main())
