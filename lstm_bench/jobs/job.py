"""`python -m lstm_bench.jobs.job`: what the workflow runs for one seed block.

A child trains: forked by the sweep's fork server, which has torch, or by this process before torch
is imported. The parent waits, passes signals on, and knows what a death means: another attempt
resumes from the checkpoint, and after the last one every replicate gets a row that says it was
killed.

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

from lstm_bench.errors import BenchError, tell
from lstm_bench.jobs import devices, forkserver
from lstm_bench.registry import load_plugins
from lstm_bench.spec import Condition, SeedBlock
from lstm_bench.store.paths import Results

PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
RESUMABLE = 75  # EX_TEMPFAIL
_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def main() -> int:
    """Have a child do the work, and supervise it."""
    arguments = sys.argv[1:]
    args, condition, _ = _parse(arguments)  # bad arguments end here
    lease = _lease(devices.device_for(args.device, condition.T), args.memory_mib)
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # until both sides can answer them
    held = lease.descriptors if lease else ()
    child = forkserver.request("lstm_bench.jobs.job", arguments, held)
    if child is None:
        parent, pid = os.getpid(), os.fork()
        if pid == 0:
            _die_with(parent)
            os._exit(work(arguments))
        child = forkserver.Child(pid)
    return _supervise(child, arguments)


def _lease(device: str, memory_mib: int) -> devices.Lease | None:
    """A GPU's slots, where it trains on one: held until this process and its child are gone."""
    _handle(lambda *_: os._exit(RESUMABLE))  # while it waits, nothing is lost
    try:
        lease = devices.lease(device, memory_mib)
    except BenchError as error:
        sys.exit(str(error))
    if lease:
        os.environ["CUDA_VISIBLE_DEVICES"] = lease.device.name  # the child's torch sees no other
        print(f"trains on device {lease.device.name}", file=sys.stderr)
    return lease


def _parse(arguments: list[str]) -> tuple[argparse.Namespace, Condition, SeedBlock]:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--condition", required=True, help="the condition as JSON")
    parser.add_argument("--block", required=True, help="seeds-FIRST-LAST")
    parser.add_argument("--device", default=os.environ.get("LSTM_BENCH_DEVICE", "auto"))
    parser.add_argument(
        "--timeout", type=float, default=os.environ.get("LSTM_BENCH_TIMEOUT") or None
    )
    parser.add_argument("--memory-mib", type=int, default=0, help="estimated, to share a GPU")
    parser.add_argument("--attempt", type=int, default=1)
    parser.add_argument("--attempts", type=int, default=1)
    parser.add_argument("--plugin", action="append", default=_plugins())
    args = parser.parse_args(arguments)
    return args, Condition.from_json(json.loads(args.condition)), SeedBlock.parse(args.block)


def _plugins() -> list[str]:
    return [path for path in os.environ.get("LSTM_BENCH_PLUGINS", "").split(os.pathsep) if path]


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(RESUMABLE)


def warm() -> None:
    """What every training imports: torch, above all."""
    import pandas  # noqa: F401 (pyarrow asks for it at its first table: a quarter of a second)

    import lstm_bench.training.run  # noqa: F401


def work(arguments: list[str]) -> int:
    """Train the block in this process, which is a child's; returns its exit code."""
    args, condition, block = _parse(arguments)
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
                device=devices.device_for(args.device, condition.T),
                timeout=args.timeout,
                interrupted=lambda: bool(stop),
            )
        except Interrupted:
            print("interrupted; the next attempt resumes", file=sys.stderr)
            return RESUMABLE
        return 0
    except BenchError as error:
        tell(error)
        return 1
    finally:
        with contextlib.suppress(OSError):  # of a full disk
            sys.stdout.flush()
            sys.stderr.flush()


def _handle(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in PASSED_ON:
        # nohup has a terminal that closes ignored
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def _answer(handler: Callable[[int, FrameType | None], None]) -> None:
    _handle(handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)


def _supervise(child: forkserver.Child, arguments: list[str]) -> int:
    args, condition, block = _parse(arguments)

    def forward(number: int, _: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, number)

    _answer(forward)
    code = child.wait()
    if code >= 0:
        return code
    name = signal.Signals(-code).name
    if args.attempt < args.attempts:
        print(f"the training was killed by {name}; the next attempt resumes", file=sys.stderr)
        return 1
    print(f"the training was killed by {name} at its last attempt", file=sys.stderr)
    load_plugins(args.plugin)
    from lstm_bench.training.outcome import now, write_failure
    from lstm_bench.training.run import code_identity, is_finished

    folder, identity = Results().block(condition, block), code_identity(condition)
    if not is_finished(folder, condition, identity):  # a death after the last file costs nothing
        write_failure(folder, condition, block, f"killed ({name})", identity, now())
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(
        code
    )  # a job that has read a table holds Arrow's threads, which may abort its teardown
