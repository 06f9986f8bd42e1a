"""The parent's side of `worker`: start, ask, give up, start again.

A worker lives through the cases of one cell, so that its first call is that of a fresh process. One
that dies or does not answer in time is an outcome of its case, and is replaced for the next.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any

START_LIMIT = 300.0  # seconds for imports


class Failed(Exception):
    """A contender could not do it: `status` is out_of_memory, timeout, unsupported or error."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason


class Remote:
    """One contender in a process of its own; started when it is first asked."""

    def __init__(self, spec: Mapping[str, object], environment: Mapping[str, str]) -> None:
        self.spec, self.environment = dict(spec), dict(environment)
        self.process: subprocess.Popen[str] | None = None
        self.start_seconds: float | None = None

    def ask(self, limit: float, **request: Any) -> dict[str, Any]:
        """The answer. Raises Failed, also for a process that died or took longer than `limit`."""
        if self.process is None:
            self._start()
        assert self.process is not None
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except OSError:
            pass  # it died: the queue says so
        reply = self._reply(limit)
        if "failed" in reply:
            raise Failed(reply["failed"], reply["reason"])
        return reply

    def _start(self) -> None:
        command = [sys.executable, "-m", "lstm_bench.speed.worker", json.dumps(self.spec)]
        started = time.perf_counter()
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
            env={**os.environ, **self.environment},
        )
        self.replies: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=_listen, args=(self.process, self.replies), daemon=True).start()
        self._reply(START_LIMIT)
        self.start_seconds = time.perf_counter() - started

    def _reply(self, limit: float) -> dict[str, Any]:
        assert self.process is not None
        try:
            line = self.replies.get(timeout=limit)
        except queue.Empty:
            self.close()
            raise Failed("timeout", f"more than {limit:g} s") from None
        if line is None:
            code = self.process.wait()
            self.process = None
            if code == -signal.SIGKILL:  # the kernel's answer to too much memory
                raise Failed("out_of_memory", "killed (SIGKILL)")
            if code == -signal.SIGABRT and self.spec.get("memory") is not None:
                # an allocation refused where C++ catches nothing, as on a thread of its own
                raise Failed("out_of_memory", "aborted (SIGABRT) at its limit of memory")
            raise Failed("error", f"the process ended (exit {code})")
        return json.loads(line)

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def _listen(process: subprocess.Popen[str], replies: queue.Queue[str | None]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        replies.put(line)
    replies.put(None)
