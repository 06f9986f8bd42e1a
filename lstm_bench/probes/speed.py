"""How fast every backend and its peers run forward and backward, on a machine left alone.

Each contender first shows that it computes the float64 loop's numbers, then they are timed in turns
(A B A B ...), each in a process of its own on the same cores, samples with a busy neighbour thrown
away (`quiet`). Not enough memory, or too long a wait, is a row like any other.
"""

from __future__ import annotations

import importlib.metadata
import math
import os
import platform
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lstm_bench import cells, engine
from lstm_bench.engine.network import Network
from lstm_bench.engine.runtime import configure, resolve_device
from lstm_bench.environment import ISA
from lstm_bench.registry import code_version
from lstm_bench.speed import peers
from lstm_bench.speed.cases import Case
from lstm_bench.speed.contenders import SGEMM, reference
from lstm_bench.speed.quiet import Sample, cores, is_disturbed
from lstm_bench.speed.workers import Failed, Remote
from lstm_bench.training.machine import about_machine

VERSION = "1"
TOLERANCE = 1e-5  # of each tensor, ||g - g64|| / ||g64||
CHECK_T, CHECK_R = 100, 2  # float64 by autograd over the whole would not fit
ENOUGH = 3  # undisturbed samples, or the row says that the machine was busy
ROUNDS = 3  # times the samples wanted, before a busy machine is given up on
MEMORY_SHARE = 0.7  # of what is available at the start

Row = dict[str, Any]


def measure(settings: Mapping[str, Any]) -> Iterator[Row]:
    """One row a (case, threads, contender): settings as `experiments.speed` gives them."""
    configure()
    device = resolve_device(settings["device"]).type
    machine = _machine(device)
    with tempfile.TemporaryDirectory() as scratch:
        for cell in settings["cells"]:
            for threads in settings["threads"]:
                with _Field(settings, cell, threads, device, Path(scratch)) as field:
                    for shape in settings["shapes"]:
                        for row in field.run(shape):
                            yield {**row, **machine}


class _Field:
    """The contenders for one cell on so many threads, and what became of them so far."""

    def __init__(
        self,
        settings: Mapping[str, Any],
        cell: Mapping[str, Any],
        threads: int,
        device: str,
        scratch: Path,
    ) -> None:
        self.settings, self.cell, self.threads, self.scratch = settings, cell, threads, scratch
        self.memory = settings["memory_limit_bytes"] or _available_memory(device)
        built = cells.create(cell["name"], cell["options"])
        environment = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        if settings["cold_cache"]:  # one for the whole run: the first worker compiles
            environment["LSTM_BENCH_CACHE"] = str(scratch / "kernels")
        self.remotes = {}
        plugins = os.environ.get("LSTM_BENCH_PLUGINS", "")
        every = contenders(built, device, settings["instruction_sets"])
        for name in [n for n in every if n not in settings.get("without", ())]:
            isa = name.partition(" ")[2] if name.startswith("compiled") else ""
            spec = {
                "contender": name,
                "threads": threads,
                "device": device,
                "memory": self.memory if device == "cpu" else None,
                "plugins": [p for p in plugins.split(os.pathsep) if p],
            }
            own = {**environment, **({ISA: isa} if isa else {})}
            self.remotes[name] = Remote(spec, own)
        self.ends: dict[tuple[Any, ...], tuple[int, Failed]] = {}
        self.peaks: dict[tuple[Any, ...], tuple[int, int]] = {}

    def __enter__(self) -> _Field:
        return self

    def __exit__(self, *_: object) -> None:
        for remote in self.remotes.values():
            remote.close()

    def run(self, shape: Mapping[str, Any]) -> Iterator[Row]:
        """All contenders on one case."""
        sizes = {k: shape[k] for k in ("width", "T", "replicates", "batch", "inputs")}
        case = Case(self.cell["name"], options=self.cell["options"], **sizes)
        paths = self._prepare(case)
        rows = {name: self._start(name, case, paths) for name in self.remotes}
        running = {name for name, row in rows.items() if row["status"] == "ok"}
        self._time(rows, running)
        network = _network(case)
        step = network.cell.flops(case.inputs, case.width, network.outputs)
        for name, row in rows.items():
            pass_ = case.floating_point_operations(step)
            yield {
                "cell": self.cell["shown"],
                "contender": name,
                "threads": self.threads,
                **sizes,
                "floating_point_operations": 2 * SGEMM**3 if name == "sgemm" else pass_,
                **row,
                **{k: v for k, v in shape.items() if k not in sizes},
            }

    def _prepare(self, case: Case) -> tuple[Case, str, str, str]:
        """Weights on disk, of the case and of the shorter one for which float64 is computed."""
        short = case.at_most(CHECK_T, CHECK_R)
        weights, few, exact = (str(self.scratch / f"{k}.npz") for k in ("all", "few", "exact"))
        drawn: dict[str, Any] = _weights(case)
        np.savez(weights, **drawn)
        drawn = {k: v[: short.replicates] for k, v in drawn.items()}
        np.savez(few, **drawn)
        computed: dict[str, Any] = reference(short, drawn)
        np.savez(exact, **computed)
        return short, weights, few, exact

    def _start(self, name: str, case: Case, paths: tuple[Case, str, str, str]) -> Row:
        """Compare, then make ready: a row without its samples, or one that says why not."""
        row = dict(EMPTY)
        short, weights, few, exact = paths
        remote, line = self.remotes[name], (name, case.width, case.replicates, case.batch)
        limit = float(self.settings["limit_seconds"])
        try:
            self._foresee(line, case)
            if name != "sgemm":
                asked = {"do": "check", "case": short.to_json(), "weights": few, "exact": exact}
                fresh = remote.process is None
                found = remote.ask(limit + 60, **asked)  # a compiler may come first
                row |= {"worst_error": found["error"], "worst_tensor": found["tensor"]}
                if fresh:
                    row |= {
                        "start_seconds": remote.start_seconds,
                        "fresh_build_seconds": found["build_seconds"],
                        "fresh_call_seconds": found["call_seconds"],
                    }
                if not found["error"] < TOLERANCE:
                    reason = f"{found['tensor']} is off by {found['error']:.1e}"
                    return {**row, "status": "wrong", "reason": reason}
            row |= remote.ask(limit + 60, do="open", case=case.to_json(), weights=weights)
            if row["peak_memory_bytes"] is not None:
                self.peaks[line] = (case.T, row["peak_memory_bytes"])
        except Failed as failure:
            if failure.status in ("out_of_memory", "timeout"):
                self.ends[line] = (case.T, failure)
            row |= {"status": failure.status, "reason": failure.reason}
        return row

    def _foresee(self, line: tuple[Any, ...], case: Case) -> None:
        """Raise Failed for what a shorter case, or arithmetic, says cannot be done."""
        if line in self.ends and case.T >= self.ends[line][0]:
            T, failure = self.ends[line]
            raise Failed(failure.status, f"already at T={T}: {failure.reason}")
        needed = case.least_memory() if line[0] != "sgemm" else 0
        if line in self.peaks:
            T, peak = self.peaks[line]
            needed = max(needed, peak * case.T // T)
        if needed > self.memory:
            told = f"{needed / 2**30:.1f} GiB needed, {self.memory / 2**30:.1f} GiB allowed"
            raise Failed("out_of_memory", f"estimated: {told}")

    def _time(self, rows: Mapping[str, Row], running: set[str]) -> None:
        """Samples in turns, until each has enough or the time for this case is used up."""
        s, spent = self.settings, 0.0
        for row in rows.values():
            row |= {"seconds": [], "all_seconds": []}
        for _ in range(ROUNDS * s["samples"]):
            for name in [n for n in rows if n in running]:
                row = rows[name]
                calls = max(1, math.ceil(s["sample_seconds"] / row["call_seconds"]))
                try:
                    limit = float(s["limit_seconds"]) + 60
                    sample = Sample(**self.remotes[name].ask(limit, do="sample", calls=calls))
                except Failed as failure:
                    row |= {"status": failure.status, "reason": failure.reason}
                    running.discard(name)
                    continue
                spent += sample.wall
                row["calls"] = calls
                row["all_seconds"].append(sample.seconds)
                if not is_disturbed(sample, self.threads, cores()):
                    row["seconds"].append(sample.seconds)
                if len(row["seconds"]) >= s["samples"]:
                    running.discard(name)
            if not running or spent > s["limit_seconds"]:
                break
        for row in rows.values():
            _settle(row, s["samples"])


EMPTY: Row = {
    "status": "ok",
    "reason": "",
    "worst_error": None,
    "worst_tensor": "",
    "start_seconds": None,
    "fresh_build_seconds": None,
    "fresh_call_seconds": None,
    "build_seconds": None,
    "call_seconds": None,
    "peak_memory_bytes": None,
    "calls": 0,
}


def _settle(row: Row, wanted: int) -> None:
    """Count what was discarded; with too little left, keep all of it and say so."""
    every = row.pop("all_seconds")
    row["discarded"] = busy = len(every) - len(row["seconds"])
    if row["status"] == "ok" and len(row["seconds"]) < min(ENOUGH, wanted):
        reason = f"{busy} of {len(every)} samples had a busy neighbour"
        row |= {"status": "disturbed", "reason": reason, "seconds": every, "discarded": 0}


def contenders(cell: cells.Cell, device: str, instruction_sets: list[str]) -> list[str]:
    """Every backend that runs this cell here, its variants, the peers and the peak."""
    like = torch.zeros(1, device=device)
    own = [name for name, module in engine.BACKENDS.items() if module.supports(cell, like)]
    variants = [f"compiled {isa}" for isa in instruction_sets if "compiled" in own]
    ours = type(cell).__module__.startswith("lstm_bench.cells")  # and not a plugin's of that name
    known = peers.available(cell.name, device) if ours else []
    return [*own, *variants, *known, "sgemm"]


def _network(case: Case) -> Network:
    return Network(cells.create(case.cell, case.options), case.inputs, case.width, 1)


def _weights(case: Case) -> dict[str, np.ndarray]:
    """Initial weights of the replicates by name: (R, rows, columns), biases (R, rows, 1)."""
    each = [_network(case).init(seed) for seed in range(case.replicates)]
    stacked = {k: np.stack([w[k] for w in each]).astype(np.float32) for k in each[0]}
    return {k: v if v.ndim == 3 else v[..., None] for k, v in stacked.items()}


def _available_memory(device: str) -> int:
    """Bytes one contender may take."""
    if device == "cuda":
        return int(MEMORY_SHARE * torch.cuda.mem_get_info()[0])
    return int(MEMORY_SHARE * os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))


def _machine(device: str) -> Row:
    try:
        jax = importlib.metadata.version("jax")
    except importlib.metadata.PackageNotFoundError:
        jax = ""
    about = about_machine()
    name = about["gpu"] if device == "cuda" else about["processor"]
    return {
        "device": device,
        "processor": name,
        "cores": cores(),
        "instruction_set": torch.backends.cpu.get_cpu_capability(),
        "versions": f"python {platform.python_version()}, torch {torch.__version__}"
        + (f", jax {jax}" if jax else ""),
    }


def code_identity(settings: Mapping[str, Any]) -> str:
    """What decides the measurements' meaning; part of the workflow's params."""
    versions = ",".join(code_version(cells.named(cell["name"])) for cell in settings["cells"])
    return f"speed {VERSION} engine {engine.VERSION} cells {versions}"
