"""A job's two processes: a child that works, and its parent, which waits and passes signals on.

The child is forked by the sweep's fork server, which has imported what it needs, or by this process
before it has. Exit codes: 0 the files are written, 1 bad input or a death that another attempt may
mend, 75 interrupted, to be resumed.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from lstm_bench.errors import BenchError, tell
from lstm_bench.jobs import devices, forkserver
from lstm_bench.registry import load_plugins

Asked = Callable[[], bool]  # whether it was asked to stop
PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
RESUMABLE = 75  # EX_TEMPFAIL
_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def parser(description: str | None) -> argparse.ArgumentParser:
    """With the options that every training job has."""
    found = argparse.ArgumentParser(description=description)
    found.add_argument("--device", default=os.environ.get("LSTM_BENCH_DEVICE", "auto"))
    found.add_argument(
        "--timeout", type=float, default=os.environ.get("LSTM_BENCH_TIMEOUT") or None
    )
    found.add_argument("--memory-mib", type=int, default=0, help="estimated, to share a GPU")
    found.add_argument("--attempt", type=int, default=1)
    found.add_argument("--attempts", type=int, default=1)
    plugins = os.environ.get("LSTM_BENCH_PLUGINS", "").split(os.pathsep)
    found.add_argument("--plugin", action="append", default=[path for path in plugins if path])
    return found


def lease(device: str, memory_mib: int) -> Sequence[int]:
    """A GPU's slots, where it trains on one; the files that hold them until its child is gone."""
    _handle(lambda *_: os._exit(RESUMABLE))  # while it waits, nothing is lost
    try:
        leased = devices.lease(device, memory_mib)
    except BenchError as error:
        sys.exit(str(error))
    if not leased:
        return ()
    os.environ["CUDA_VISIBLE_DEVICES"] = leased.device.name  # the child's torch sees no other
    print(f"trains on device {leased.device.name}", file=sys.stderr)
    return leased.descriptors


def supervise(
    module: str, work: Callable[[list[str]], int], arguments: list[str], held: Sequence[int]
) -> int:
    """Have a child do the work; its exit code, or minus the number of the signal that ended it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)  # until both sides can answer them
    child = forkserver.request(module, arguments, held)
    if child is None:
        parent, pid = os.getpid(), os.fork()
        if pid == 0:
            _die_with(parent)
            os._exit(work(arguments))
        child = forkserver.Child(pid)

    def forward(number: int, _: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, number)

    _answer(forward)
    return child.wait()


@contextlib.contextmanager
def working(plugins: Sequence[str]) -> Iterator[Asked]:
    """In the child: plugins are loaded, signals are noted; gives whether one has come."""
    stop: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        stop.append(number)

    _answer(note)
    try:
        load_plugins(plugins)
        yield lambda: bool(stop)
    finally:
        with contextlib.suppress(OSError):  # of a full disk
            sys.stdout.flush()
            sys.stderr.flush()


def exit_code(train: Callable[[Asked], None], plugins: Sequence[str]) -> int:
    """In the child: train, and say in one sentence what stopped it; returns its exit code."""
    try:
        with working(plugins) as interrupted:
            from lstm_bench.training.run import Interrupted

            try:
                train(interrupted)
            except Interrupted:
                print("interrupted; the next attempt resumes", file=sys.stderr)
                return RESUMABLE
        return 0
    except BenchError as error:
        tell(error)
        return 1


def died(number: int, args: argparse.Namespace) -> bool:
    """Tell how the child died; whether this was the last attempt."""
    name, last = signal.Signals(number).name, args.attempt >= args.attempts
    then = " at its last attempt" if last else "; the next attempt resumes"
    print(f"the training was killed by {name}{then}", file=sys.stderr)
    return last


def leave(code: int) -> None:
    """End without a teardown: Arrow's threads, there once a table was read, may abort it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _die_with(parent: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(RESUMABLE)


def _handle(handler: Callable[[int, FrameType | None], None]) -> None:
    for number in PASSED_ON:
        # nohup has a terminal that closes ignored
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, handler)


def _answer(handler: Callable[[int, FrameType | None], None]) -> None:
    _handle(handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
