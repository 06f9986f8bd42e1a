"""A process that has imported what jobs need and forks a child for each job of a sweep.

Importing torch costs more than a second of CPU time, and a sweep starts hundreds of trainings. The
first job of a sweep starts the server, and every job asks it for a child, over a Unix socket in a
folder only the user can enter. Everything else stays as it was: the job waits for the child, passes
signals on, and takes it along when it dies.

A job names the module that works for it: its `warm` imports what its children need, once, in the
server; its `work` takes the arguments in the child.

LSTM_BENCH_FORK_SERVER names the socket and the process of the sweep, `PID:PATH`; where it is unset,
as on a cluster's node, every job forks its own child. The server ends with the sweep.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import selectors
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol, cast

from filelock import FileLock, Timeout

VARIABLE = "LSTM_BENCH_FORK_SERVER"
LIMIT = 1 << 20  # bytes of a request
LONGEST = 103  # bytes of a socket's path, on every system
HELD = 32  # files a job may hand over beside its three streams
HAND_OVER = 20.0  # seconds a server may take to answer: to import what a child needs
START = 3.0  # seconds it may take to listen
# NumPy's BLAS reads them at its import, and Snakemake sets them for the job that is first
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "GOTO_NUM_THREADS")


class Worker(Protocol):
    """A module that can be asked for."""

    def warm(self) -> None:
        """Import what `work` needs; done again, it does nothing."""

    def work(self, arguments: list[str]) -> int:
        """Do the job in a child of its own; returns its exit code."""


class Child:
    """A process forked here."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def wait(self) -> int:
        """Its exit code, or minus the number of the signal that ended it."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


class ServedChild(Child):
    """A process forked by the server, which tells how it ended."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection, self.lines = connection, connection.makefile(encoding="utf-8")
        super().__init__(int(self.lines.readline()))

    def wait(self) -> int:
        self.connection.settimeout(None)
        line = self.lines.readline()
        return int(line) if line else -signal.SIGKILL  # the server was killed, and with it the word


def request(module: str, arguments: list[str], held: Sequence[int] = ()) -> Child | None:
    """A child of the sweep's server in which this module works; None where there is no server.

    `held` are files the child keeps open: the locks of a leased device outlive a killed job until
    its child is gone too.
    """
    sweep, _, path = os.environ.get(VARIABLE, "").partition(":")
    if not 0 < len(os.fsencode(path)) <= LONGEST or not _is_private(Path(path).parent):
        return None
    _start(path, sweep)
    try:
        connection = _connect(path)
        place = {"cwd": str(Path.cwd()), "environment": dict(os.environ)}
        asked = json.dumps({"module": module, "arguments": arguments, **place})
        data = asked.encode() + b"\n"
        sent = socket.send_fds(connection, [data], [0, 1, 2, *held])
        connection.sendall(data[sent:])  # a big environment does not go at once
        return ServedChild(connection)
    except (OSError, ValueError):
        return None


def _connect(path: str) -> socket.socket:
    """Raises OSError where nobody listens."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(HAND_OVER)
    until = time.monotonic() + START
    while True:
        try:
            connection.connect(path)
            return connection
        except (FileNotFoundError, ConnectionRefusedError):  # it is about to, unless it is gone
            if time.monotonic() > until or _is_gone(path):
                raise
            time.sleep(0.01)


def _is_gone(path: str) -> bool:
    """Whether a server was started here and is there no more."""
    try:
        return _born(int(Path(path + ".pid").read_text(encoding="utf-8"))) is None
    except (OSError, ValueError):
        return False


def _is_private(folder: Path) -> bool:
    """Whether nobody else can enter this folder, which is made where it is missing.

    A request carries the environment, and its answer a process to signal: neither is for the one
    who was first to make a folder of this name in a temporary folder that all users share.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.lstat()
    except OSError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid() and not found.st_mode & 0o077


def _start(path: str, sweep: str) -> None:
    """Start the server, unless another job has, or is doing so."""
    try:
        lock = FileLock(path + ".lock", timeout=0)
        with lock:
            if Path(path + ".pid").exists():
                return  # it is there, or has crashed: once is enough
            command = [sys.executable, "-m", "lstm_bench.jobs.forkserver", path, sweep]
            server = subprocess.Popen(
                command,
                env={**os.environ, **dict.fromkeys(THREADS, "1")},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            Path(path + ".pid").write_text(str(server.pid), encoding="utf-8")
    except (OSError, Timeout):
        return


def serve(path: str, sweep: int) -> None:
    """Fork for every request until the sweep's process is gone and no child is left."""
    listening = socket.socket(socket.AF_UNIX)
    with contextlib.suppress(FileNotFoundError):
        Path(path).unlink()
    listening.bind(path)
    listening.listen(128)
    wake, woken = socket.socketpair()
    for end in (wake, woken):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken.fileno())
    selector = selectors.DefaultSelector()
    for source in (listening, wake):
        selector.register(source, selectors.EVENT_READ)
    children: dict[int, socket.socket] = {}
    born = _born(sweep)
    try:
        while children or (_alive(sweep) and _born(sweep) == born):
            ready = [key.fileobj for key, _ in selector.select(timeout=1.0)]
            if wake in ready:
                wake.recv(4096)
            if listening in ready:
                connection, _ = listening.accept()
                _fork(connection, children, (listening, wake, woken))
            _reap(children)
    finally:
        for name in (path, path + ".pid", path + ".lock"):
            Path(name).unlink(missing_ok=True)
        _account("server")


def _fork(
    connection: socket.socket,
    children: dict[int, socket.socket],
    others: tuple[socket.socket, ...],
) -> None:
    connection.settimeout(HAND_OVER)
    descriptors: list[int] = []
    try:
        data, descriptors, _, _ = socket.recv_fds(connection, LIMIT, 3 + HELD)
        while not data.endswith(b"\n"):
            more = connection.recv(LIMIT)
            if not more:
                raise ValueError("the job has gone before it had asked")
            data += more
        asked = json.loads(data)
        worker = warmed(asked["module"])
        pid = os.fork()
    except Exception:  # the job finds its connection closed and does without
        for descriptor in descriptors:
            os.close(descriptor)
        connection.close()
        return
    if pid == 0:
        _become(asked, descriptors, connection, [*others, *children.values()], worker)
    for descriptor in descriptors:
        os.close(descriptor)
    children[pid] = connection
    with contextlib.suppress(OSError):
        connection.sendall(f"{pid}\n".encode())


def _become(
    asked: dict,
    descriptors: list[int],
    connection: socket.socket,
    others: list[socket.socket],
    worker: Worker,
) -> None:
    """In the child: take the job's place, and never return."""
    code = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for other in others:
            other.close()
        for number, descriptor in enumerate(descriptors[:3]):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.environ.clear()
        os.environ.update(asked["environment"])
        os.chdir(asked["cwd"])
        connection.settimeout(None)
        threading.Thread(target=_die_with_the_job, args=(connection,), daemon=True).start()
        code = worker.work(asked["arguments"])
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):  # of a full disk, say
            sys.stdout.flush()
            sys.stderr.flush()
            _account("served", " ".join([asked["module"], *asked["arguments"][:1]]))
        os._exit(code)


def _account(what: str, command: str = "") -> None:
    """This process's CPU time for benchmarks/overhead.py, as bash's `times` would say it.

    Nobody waits for the server, so that no command's own account has it or its children.
    """
    if folder := os.environ.get("LSTM_BENCH_TIMES"):
        spent = os.times()
        lines = [f"{what} {command}", f"0m{spent.user}s 0m{spent.system}s", "0m0s 0m0s"]
        Path(folder, f"{what}-{os.getpid()}").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _die_with_the_job(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.recv(1)  # the job never sends: this returns when it is gone
    os.kill(os.getpid(), signal.SIGKILL)


def _reap(children: dict[int, socket.socket]) -> None:
    while children:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        connection = children.pop(pid)
        with contextlib.suppress(OSError):
            connection.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
        connection.close()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _born(pid: int) -> str | None:
    """When a process started, in ticks since boot: its number may be another's by now.

    None where it is gone, and where there is no /proc.
    """
    try:
        state, *rest = (
            Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        )
    except OSError:
        return None
    return None if state in "ZX" else rest[18]


def warmed(module: str) -> Worker:
    """The module, with all that its children need."""
    worker = cast(Worker, importlib.import_module(module))
    worker.warm()
    return worker


def main() -> None:
    """`python -m lstm_bench.jobs.forkserver PATH PID`."""
    serve(sys.argv[1], int(sys.argv[2]))


if __name__ == "__main__":
    main()
