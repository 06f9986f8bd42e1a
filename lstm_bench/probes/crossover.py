"""Seconds of an update of every cell on one backend, for each task and length of the crossover.

The probe of `cost` at the conditions of the sweep: on a quiet machine, cells interleaved. A cell
with a faster kernel than another would win by its kernel, so all run on the first backend that
takes them all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch

from lstm_bench import cells, engine, tasks
from lstm_bench.engine.runtime import resolve_device
from lstm_bench.probes import cost
from lstm_bench.registry import code_version

VERSION = "1"


def measure(settings: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    """Rows of the probe `cost`, with the label of their task."""
    like = torch.zeros(1, device=resolve_device(settings["device"]))
    for task in settings["tasks"]:
        chosen = shared_backend([(c["name"], c["options"]) for c in task["cells"]], like)
        here = {**settings, **task, "backend": chosen, "widths": [], "width": None, "length": 0}
        for row in cost.measure(here):
            yield {**row, "task_label": task["shown"], "reference": settings["reference"]}


def shared_backend(chosen: list[tuple[str, Mapping[str, object]]], like: torch.Tensor) -> str:
    """The first backend, in the order of preference, that runs every one of these cells."""
    made = [cells.create(name, options) for name, options in chosen]
    return next(
        name
        for name in engine.preferred(like)
        if all(engine.BACKENDS[name].supports(cell, like) for cell in made)
    )


def code_identity(settings: Mapping[str, Any]) -> str:
    """What decides the measurements' meaning; part of the workflow's params."""
    known, learnt = cells.registry(), tasks.registry()
    names = [cell["name"] for task in settings["tasks"] for cell in task["cells"]]
    versions = ",".join(code_version(known[name]) for name in dict.fromkeys(names))
    of_tasks = ",".join(code_version(learnt[task["task"]]) for task in settings["tasks"])
    return (
        f"crossover {VERSION} cost {cost.VERSION} engine {engine.VERSION} tasks {of_tasks} "
        f"cells {versions}"
    )
