"""A process that times one contender and does as its parent says, a JSON line at a time.

`python -m lstm_bench.speed.worker SPEC` answers `{"ready": ...}` and then each request by its
`do`: check, open, memory, sample. What fails answers `{"failed": status, "reason": ...}`.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from lstm_bench.errors import BenchError
from lstm_bench.registry import load_plugins
from lstm_bench.speed.cases import Case, relative_errors
from lstm_bench.speed.contenders import Backend, Contender, MatrixProduct
from lstm_bench.speed.peers import JaxScan, TorchNN
from lstm_bench.speed.quiet import take

# the last three: what the dynamic loader and a new thread say when their memory is refused
MEMORY_WORDS = (
    "alloc",
    "not enough memory",
    "out of memory",
    "RESOURCE_EXHAUSTED",
    "failed to map segment",
    "can't start new thread",
    "Resource temporarily unavailable",
    # torch's "[enforce fail at alloc_cpu.cpp...", cut at the 15 characters that a C++ string holds
    # without memory of its own: there was none left for the message either
    "[enforce fail a",
)


def make(name: str, device: str) -> Contender:
    """The contender of this name; a variant of a backend is `compiled avx2`."""
    if name == "sgemm":
        return MatrixProduct(device)
    if name == "jax":
        return JaxScan()
    if name.startswith("torch.nn"):
        return TorchNN(name.endswith("tuned"), device)
    return Backend(name.partition(" ")[0], device)


def settle(spec: Mapping[str, Any]) -> None:
    """Before anything heavy is imported: cores, and how much memory there is to take."""
    if hasattr(os, "sched_setaffinity") and spec["device"] == "cpu":
        allowed = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, allowed[-spec["threads"] :])  # all contenders on the same ones


def limit_memory(allowed: int | None) -> None:
    """From here on this process may take so many bytes more; beyond, an allocation fails."""
    if allowed is None or sys.platform != "linux":
        return
    data = _status("VmData") or 0
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = data + allowed
    if hard == resource.RLIM_INFINITY or wanted < hard:
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, hard))


def _status(key: str) -> int | None:
    """A line of /proc/self/status in bytes."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
            if line.startswith(key + ":"):
                return int(line.split()[1]) * 1024
    return None


def peak_memory(contender: Contender) -> int | None:
    """Bytes a call holds at its peak beyond its weights, inputs and what the last call left.

    On a CPU the peak of the resident set (VmHWM, reset by clear_refs) after freed memory was given
    back; None where the system keeps no such account.
    """
    planned = contender.planned_memory()
    if planned is not None:
        contender.call()
        return planned
    device = getattr(contender, "device", None)
    if device is not None and device.type == "cuda":
        import torch

        torch.cuda.reset_peak_memory_stats()
        held = torch.cuda.memory_allocated()
        contender.call()
        return int(torch.cuda.max_memory_allocated() - held)
    for name in ("hidden", "gradients", "found"):
        contender.__dict__.pop(name, None)
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
    except OSError:
        contender.call()
        return None
    held_before = _status("VmRSS")
    contender.call()
    peak = _status("VmHWM")
    return None if peak is None or held_before is None else max(peak - held_before, 0)


class Worker:
    """One contender and the case it has open."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self.contender = make(spec["contender"], spec["device"])
        if spec["contender"] != "jax":
            import torch

            torch.set_num_threads(spec["threads"])
        limit_memory(spec["memory"])

    def check(self, case: Case, weights: str, exact: str) -> dict[str, Any]:
        """The largest relative error of any tensor against float64; what a first call took."""
        built = self._open(case, weights)
        started = time.perf_counter()
        self.contender.call()
        took = time.perf_counter() - started
        with np.load(exact, allow_pickle=False) as reference:
            errors = relative_errors(self.contender.results(), dict(reference))
        self.contender.close()
        worst = max(errors, key=lambda name: errors[name], default="")
        return {
            "error": errors.get(worst, 0.0),
            "tensor": worst,
            "build_seconds": built,
            "call_seconds": took,
        }

    def open(self, case: Case, weights: str) -> dict[str, Any]:
        """Make the case ready and warm; what a compiler and a call took."""
        built = self._open(case, weights)
        self.contender.call()
        memory = peak_memory(self.contender)
        started = time.perf_counter()
        self.contender.call()
        return {
            "build_seconds": built,
            "call_seconds": time.perf_counter() - started,
            "peak_memory_bytes": memory,
        }

    def sample(self, calls: int) -> dict[str, object]:
        return asdict(take(self.contender.call, calls))

    def _open(self, case: Case, weights: str) -> float:
        self.contender.close()
        with np.load(weights, allow_pickle=False) as stored:
            return self.contender.open(case, dict(stored))


def answer(worker: Worker, request: dict[str, Any]) -> dict[str, Any]:
    """Do what is asked; a failure is an answer too."""
    do = request.pop("do")
    if "case" in request:
        request["case"] = Case(**request["case"])
    try:
        return getattr(worker, do)(**request)
    except Exception as error:
        worker.contender.close()
        if isinstance(error, BenchError):  # a backend for one replicate alone, say
            return {"failed": "unsupported", "reason": str(error)}
        memory = isinstance(error, MemoryError) or any(w in str(error) for w in MEMORY_WORDS)
        status = "out_of_memory" if memory else "error"
        return {"failed": status, "reason": f"{type(error).__name__}: {error}".split("\n")[0][:200]}


def serve(requests: TextIO, answers: TextIO, spec: dict[str, Any]) -> None:
    load_plugins(spec["plugins"])
    settle(spec)
    worker = Worker(spec)
    _say(answers, {"ready": True})
    for line in requests:
        _say(answers, answer(worker, json.loads(line)))


def _say(stream: TextIO, message: dict[str, Any]) -> None:
    stream.write(json.dumps(message) + "\n")
    stream.flush()


if __name__ == "__main__":
    # a library that prints must not speak in the answers' place
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as replies:
        os.dup2(2, 1)
        serve(sys.stdin, replies, json.loads(sys.argv[1]))
