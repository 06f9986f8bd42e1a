"""Real servers on loopback, killed for real: MLflow's, PostgreSQL's, and a line between them."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

BIN = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
PASSWORD = "pa55-w0rd_never.shown"


def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return held.getsockname()[1]


def killed(process: subprocess.Popen[bytes]) -> None:
    """SIGKILL to a process and everything it started; each has a session of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(20)


class Postgres:
    """Debian's PostgreSQL with a user, a password and a database, in a folder of its own."""

    def __init__(self) -> None:
        if not BIN or os.geteuid() != 0 or shutil.which("setpriv") is None:
            pytest.skip("needs Debian's PostgreSQL, and root to start it as the user postgres")
        # not below pytest's own folder, which no other user may enter
        self.folder, self.port = Path(tempfile.mkdtemp(prefix="lstm_bench-pg-")), free_port()
        shutil.chown(self.folder, "postgres", "postgres")
        secret = self.folder / "password"
        secret.write_text(PASSWORD)
        shutil.chown(secret, "postgres", "postgres")
        subprocess.run(
            [
                *(*self._as_postgres("initdb"), "-D", str(self.data), "-U", "ada", "-E", "UTF8"),
                *("--auth=scram-sha-256", f"--pwfile={secret}", "--no-sync", "--locale=C"),
            ],
            check=True,
            capture_output=True,
        )
        self.start()
        environment = {**os.environ, "PGPASSWORD": PASSWORD}
        where = ["-h", "127.0.0.1", "-p", str(self.port), "-U", "ada"]
        subprocess.run([BIN[-1] / "createdb", *where, "mlflow"], check=True, env=environment)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def uri(self) -> str:
        return f"postgresql://ada:{PASSWORD}@127.0.0.1:{self.port}/mlflow"

    def _as_postgres(self, program: str) -> list[str]:
        user = ["--reuid=postgres", "--regid=postgres", "--clear-groups"]
        return ["setpriv", *user, str(BIN[-1] / program)]

    def start(self) -> None:
        options = ["-D", str(self.data), "-p", str(self.port), "-c", "listen_addresses=127.0.0.1"]
        options += ["-c", f"unix_socket_directories={self.folder}"]
        # a killed process loses nothing that was handed to the system: no need to wait for disks
        options += ["-c", "fsync=off"]
        ready = [str(BIN[-1] / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        deadline = time.monotonic() + 60
        with (self.folder / "log").open("ab") as log:
            while True:
                self.process = subprocess.Popen(
                    [*self._as_postgres("postgres"), *options],
                    stdout=log,
                    stderr=log,
                    cwd=self.folder,
                    start_new_session=True,
                )
                while self.process.poll() is None:
                    if subprocess.run(ready).returncode == 0:
                        return
                    time.sleep(0.1)
                # what a killed one had started may still be ending
                assert time.monotonic() < deadline, (self.folder / "log").read_text()
                time.sleep(0.5)

    def kill(self) -> None:
        """SIGKILL to the postmaster; what it started sees that it has gone."""
        self.process.kill()
        self.process.wait(20)

    def end(self) -> None:
        killed(self.process)
        shutil.rmtree(self.folder, ignore_errors=True)


class MlflowServer:
    """`mlflow server` as docs/tracking-server.md starts it, on a port of its own."""

    def __init__(self, folder: Path, store: str, port: int | None = None) -> None:
        self.folder, self.store, self.port = folder, store, port or free_port()
        self.start()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts"

    @property
    def log(self) -> Path:
        return self.folder / "mlflow-server.log"

    def start(self) -> None:
        command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"]
        command += ["--port", str(self.port), "--workers", "1"]
        command += ["--artifacts-destination", str(self.artifacts)]
        environment = {
            **os.environ,
            "MLFLOW_BACKEND_STORE_URI": self.store,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env=environment, start_new_session=True
            )
        deadline = time.monotonic() + 180
        while True:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            with contextlib.suppress(OSError):
                urllib.request.urlopen(f"{self.uri}/health", timeout=1).close()
                return
            time.sleep(0.1)

    def kill(self) -> None:
        killed(self.process)

    def command_lines(self) -> str:
        """What `ps` shows of the server's processes to everybody on the machine."""
        shown = subprocess.run(
            ["ps", "-o", "args", "-g", str(self.process.pid)], capture_output=True, text=True
        )
        assert "mlflow" in shown.stdout
        return shown.stdout


class Line:
    """A TCP line to a server, with faults: slow answers, lost answers, silence.

    delay   seconds every answer waits
    lose    answers to requests that hold this text are lost after the server has acted, once each
    silent  nothing is passed on, and nothing closed
    """

    def __init__(self, port: int) -> None:
        self.target, self.delay, self.silent = port, 0.0, False
        self.lose: list[bytes] = []
        self.lost = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client, self._reach() as server:
            losing = False
            while True:
                ready, _, _ = select.select([client, server], [], [], 120)
                if self.silent or not ready:
                    time.sleep(0.1)
                    continue
                for source in ready:
                    data = source.recv(65536)
                    if not data:
                        return
                    if source is client:
                        losing = losing or any(each in data for each in self.lose)
                        server.sendall(data)
                    elif losing:
                        self.lose.pop()
                        self.lost += 1
                        return
                    else:
                        time.sleep(self.delay)
                        client.sendall(data)

    def _reach(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.target))

    def close(self) -> None:
        self.listener.close()


@contextlib.contextmanager
def ended(*started: MlflowServer | Postgres | Line) -> Iterator[None]:
    """Nothing is left running, whatever happens."""
    try:
        yield
    finally:
        for each in started:
            if isinstance(each, MlflowServer):
                each.kill()
            elif isinstance(each, Postgres):
                each.end()
            else:
                each.close()
