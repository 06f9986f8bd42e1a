"""What an update costs: parameters, FLOPs, seconds and memory, for every cell on this machine.

Run by a rule that takes all cores, so that nothing else runs beside it. Samples of different
cells are interleaved: whatever else the machine does meanwhile falls on all of them alike.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch.profiler import ProfilerActivity, profile

from lstm_bench import cells, engine, tasks
from lstm_bench.engine.runtime import configure, resolve_device
from lstm_bench.registry import code_version
from lstm_bench.spec import Condition, SeedBlock, Training
from lstm_bench.training.model import ReplicateBatch
from lstm_bench.training.stateful import stream_of

VERSION = "1"
WARM_UP = 2


def measure(settings: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """One row a (cell, T, width), see `_row`, with the axes of the figure it lies on.

    Settings as `experiments.cost` gives them, and the device.
    """
    configure()
    device = resolve_device(settings["device"])
    for T, width in _grid(settings):
        models = {
            cell["shown"]: _ensemble(settings, cell, T, width or _own(settings, cell), device)
            for cell in settings["cells"]
            if width is None or not _measured_along_T(settings, cell, width)
        }
        samples: dict[str, list[float]] = {name: [] for name in models}
        for repeat in range(WARM_UP + settings["samples"]):
            for name, model in models.items():
                seconds = _one_update(model, device)
                if repeat >= WARM_UP:
                    samples[name].append(seconds)
        for name, model in models.items():
            at = model.condition.width
            axes = {
                "along_T": width is None,
                "along_width": T == settings["length"] and at in settings["widths"],
            }
            yield {**_row(name, model, samples[name], device), **axes}


def _grid(settings: Mapping[str, Any]) -> list[tuple[int, int | None]]:
    """(T, width) along both axes; None is a cell's own width in the sweep."""
    along_T: list[tuple[int, int | None]] = [(T, None) for T in settings["lengths"]]
    return [*along_T, *((settings["length"], width) for width in settings["widths"])]


def _own(settings: Mapping[str, Any], cell: Mapping[str, Any]) -> int:
    return cell.get("width", settings["width"])


def _measured_along_T(settings: Mapping[str, Any], cell: Mapping[str, Any], width: int) -> bool:
    """Whether the point where both axes cross has been measured already."""
    return width == _own(settings, cell) and settings["length"] in settings["lengths"]


def _ensemble(
    settings: Mapping[str, Any], cell: Mapping[str, Any], T: int, width: int, device: torch.device
) -> ReplicateBatch:
    condition = Condition(
        task=settings["task"],
        T=T,
        cell=cell["name"],
        width=width,
        task_options=settings.get("task_options", {}),
        cell_options=cell["options"],
        training=Training(batch=settings["batch"]),
        network=cell.get("network", {}),
    )
    block = SeedBlock(0, settings["replicates"] - 1)
    return ReplicateBatch.create(condition, block, device, settings.get("backend", "auto"))


def _one_update(model: ReplicateBatch, device: torch.device) -> float:
    """Seconds of one update of all replicates, the drawing of their batches left out."""
    streams = [stream_of(model.condition, seed) for seed in model.block.seeds]
    batches = [stream(model.update) for stream in streams]
    _wait(device)
    started = time.perf_counter()
    model.step(batches)
    _wait(device)
    return time.perf_counter() - started


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _row(
    name: str, model: ReplicateBatch, samples: list[float], device: torch.device
) -> dict[str, Any]:
    """Seconds are those of one replicate's share of an update: median and quartiles."""
    c, network = model.condition, model.network
    replicates = len(model.progress)
    each = np.array(samples) / replicates
    readout = 2 * network.outputs * (network.seen + network.options.direct * network.inputs)
    flops = 3 * (network.flops + readout) * model.task.steps(c.T) * c.training.batch
    low, median, high = np.quantile(each, [0.25, 0.5, 0.75])
    return {
        "cell": name,
        "T": c.T,
        "width": c.width,
        "task": c.task,
        "batch": c.training.batch,
        "replicates": replicates,
        "samples": len(samples),
        "parameters": network.parameters,
        "flops_per_update": flops,
        "update_seconds": float(median),
        "low_seconds": float(low),
        "high_seconds": float(high),
        "peak_memory_bytes": _peak_memory(model, device),
        "backend": model.backend,
        "device": device.type,
    }


def _peak_memory(model: ReplicateBatch, device: torch.device) -> int:
    """Bytes of tensors one update of all replicates holds at its peak beyond those before it."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        held = torch.cuda.memory_allocated()
        _one_update(model, device)
        return torch.cuda.max_memory_allocated() - held
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        _one_update(model, device)
    results = profiler.profiler.kineto_results
    events = [e for e in results.events() if e.name() == "[memory]"]
    sizes = [e.nbytes() for e in sorted(events, key=lambda e: e.start_ns())]
    return int(np.cumsum([0, *sizes]).max())


def code_identity(settings: Mapping[str, Any]) -> str:
    """What decides the measurements' meaning; part of the workflow's params."""
    versions = ",".join(code_version(cells.named(cell["name"])) for cell in settings["cells"])
    task = code_version(tasks.known()[settings["task"]])
    return f"cost {VERSION} engine {engine.VERSION} task {task} cells {versions}"
