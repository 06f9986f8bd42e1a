"""MLflow's own UI on this machine, kept up to date with what finishes while it is open."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import webbrowser
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from lstm_bench.errors import BenchError
from lstm_bench.store.paths import EXPERIMENT, EXPERIMENT_FILES, Results
from lstm_bench.store.plans import Plan
from lstm_bench.tracking import client, views
from lstm_bench.tracking.address import tracking_uri
from lstm_bench.tracking.credentials import scrubbed
from lstm_bench.tracking.importer import ImportCounts, track
from lstm_bench.tracking.known import plan_of

LOOK_EVERY = 3.0  # seconds between looks at what has finished
START_WITHIN = 120.0  # seconds
END_WITHIN = 3.0  # uvicorn takes a moment, the process above it looks every few seconds


def serve(
    root: Path = Path(),
    host: str = "127.0.0.1",
    port: int = 5000,
    open_browser: bool = False,
    chosen: Plan | None = None,
) -> None:
    """Import what is finished, show it, and go on importing until Ctrl-C or SIGTERM.

    `chosen` is the plan to speak of; without it that last run, whichever it is by then.

    With a server in MLFLOW_TRACKING_URI none is started: its address is printed instead. Raises
    BenchError when nothing was planned here, when the port is taken, and when MLflow ends by
    itself.
    """
    results = Results(root)
    plan = chosen or plan_of(results)
    served = tracking_uri(results).startswith("http")
    if not served:
        require_free(host, port)
    print("importing what is finished ...", flush=True)
    with contextlib.suppress(KeyboardInterrupt), _ended_by_signals():
        tally = _track(plan, results)
        link = views.LANDING.link(tally.experiment_id)
        if served:
            _announce(f"{tally.where.rstrip('/')}/{link}", open_browser)
            _watch(results, None, chosen)
        else:
            with _server(results, host, port) as process:
                _announce(f"{_address(host, port)}/{link}", open_browser)
                _watch(results, process, chosen)


def require_free(host: str, port: int) -> None:
    """Raise BenchError when the port cannot be had."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise BenchError(
                f"port {port} of {host} cannot be used ({error.strerror}); choose another with "
                "--port, or close what holds it."
            ) from error


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _track(plan: Plan, results: Results) -> ImportCounts:
    tally = track(plan, results)
    print(tally, flush=True)
    return tally


def _announce(url: str, open_browser: bool) -> None:
    print(f"\n  {url}\n\nCtrl-C ends it.", flush=True)
    if open_browser:
        webbrowser.open(url)


def _stamps(results: Results) -> set[tuple[str, int]]:
    """What would change when there is something to import."""
    found = [*results.plans(), *(block / "replicates.parquet" for block in results.blocks())]
    found += [path for n in EXPERIMENT_FILES for path in results.matching(f"{EXPERIMENT}/{n}")]
    stamps = set()
    for path in found:
        with contextlib.suppress(FileNotFoundError):
            stamps.add((str(path), path.stat().st_mtime_ns))
    return stamps


def _watch(results: Results, process: subprocess.Popen[bytes] | None, chosen: Plan | None) -> None:
    """Import whenever something has finished; a file caught half way is read the next time."""
    before, last_look = _stamps(results), time.monotonic()
    while True:
        time.sleep(0.2)
        if process is not None and process.poll() is not None:
            raise BenchError(f"MLflow ended by itself: {_last_line(results)}")
        if time.monotonic() - last_look < LOOK_EVERY:
            continue
        last_look, now = time.monotonic(), _stamps(results)
        if now != before:
            try:
                _track(chosen or plan_of(results), results)
                before = now
            except BenchError as error:
                print(error, file=sys.stderr, flush=True)


@contextlib.contextmanager
def _server(results: Results, host: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """MLflow's server, answering; ended with everything it started."""
    client.prepare_environment()
    command = [sys.executable, "-m", "mlflow", "server", "--host", host, "--port", str(port)]
    command += ["--workers", "1"]
    # by environment: everybody on a machine can read a command line
    environment = {**os.environ, "MLFLOW_BACKEND_STORE_URI": tracking_uri(results)}
    log = _log(results)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env=environment,
        )
    try:
        _await(process, f"{_address(host, port)}/health", results)
        yield process
    finally:
        _end(process)


def _await(process: subprocess.Popen[bytes], address: str, results: Results) -> None:
    straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # it is ours
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise BenchError(f"MLflow's server did not start: {_last_line(results)}")
        with contextlib.suppress(OSError):
            straight.open(address, timeout=1).close()
            return
        time.sleep(0.2)
    raise BenchError(f"MLflow's server did not start in {START_WITHIN:g} s; see {_log(results)}.")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Its whole session: uvicorn's worker is a process of its own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(END_WITHIN)


@contextlib.contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM ends what is open, as Ctrl-C does; so does SIGINT to a shell's background job."""

    def interrupt(_: int, __: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {each: signal.signal(each, interrupt) for each in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _log(results: Results) -> Path:
    return results.logs / "mlflow-server.log"


def _last_line(results: Results) -> str:
    lines = _log(results).read_text(errors="replace", encoding="utf-8").strip().splitlines()
    last = scrubbed(lines[-1], tracking_uri(results)) if lines else "no message"
    return f"{last} ({_log(results)})"
