"""Trained replicates as they were stored: network, weights and what became of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lstm_bench import cells, engine, tasks
from lstm_bench.engine.network import Network
from lstm_bench.registry import code_version
from lstm_bench.spec import Condition
from lstm_bench.store.conditions import read_condition
from lstm_bench.store.paths import Results
from lstm_bench.store.tensors import load_tensors
from lstm_bench.training.evaluation import Chunk, evaluate


@dataclass(frozen=True)
class Stored:
    """The replicates of one seed block.

    weights   flat (R, size), see `engine.parameters.Layout`; those that diverged are among them
    task, cell   labels of the experiment
    """

    condition: Condition
    task: str
    cell: str
    seeds: tuple[int, ...]
    network: Network
    weights: Tensor

    def untrained(self) -> Tensor:
        """The weights these replicates started from, flat (R, size)."""
        return self.network.pack(self.seeds, self.weights)


def stored(settings: Mapping[str, Any]) -> Iterator[Stored]:
    """Every seed block that `runs` of the settings names; `members` says what they are called.

    A block that ended in an error has no weights and is left out. Raises DamagedFile.
    """
    results = Results()
    labels = {member["condition"]: member for member in settings["members"]}
    for id, block in settings["runs"]:
        condition = read_condition(results, id)
        network = Network.of(condition)
        arrays, about = load_tensors(results.block(id, block) / "model.safetensors")
        if not arrays:
            continue
        seeds = tuple(about["seeds"])
        each = [{k: v[r] for k, v in arrays.items()} for r in range(len(seeds))]
        weights = network.layout.pack(each, torch.zeros(1))
        task, cell = labels[id]["task"], labels[id]["cell"]
        yield Stored(condition, task, cell, seeds, network, weights)


def held_out(condition: Condition, T: int, sequences: int) -> tasks.Batch:
    """`sequences` of the task at length T that no training and no stopping has seen."""
    task = tasks.create(condition.task, condition.task_options)
    rng = tasks.generator("probe", task, T)
    return task.sample_split(rng, sequences, T, "test")


def judged(
    network: Network, weights: Tensor, task: tasks.Task, held_out: Iterable[Chunk], backend: str
) -> tuple[list[float], list[float]]:
    """Loss and score of every replicate; NaN both of one that is not finite: it answers nothing."""
    losses, scores = evaluate(network, weights, task, held_out, backend)
    return losses, [s if np.isfinite(loss) else np.nan for loss, s in zip(losses, scores)]


def code_identity(settings: Mapping[str, object], version: str) -> str:
    """What decides the meaning of a measurement on stored weights."""
    task_versions = {c["task"]: code_version(tasks.known()[c["task"]]) for c in _named(settings)}
    cell_versions = {c["cell"]: code_version(cells.named(c["cell"])) for c in _named(settings)}
    told = sorted({**task_versions, **cell_versions}.items())
    return f"{version} engine {engine.VERSION} " + " ".join(f"{k} {v}" for k, v in told)


def _named(settings: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"task": m["names"][0], "cell": m["names"][1]} for m in settings["members"]]


def finite(value: float | np.floating) -> float | None:
    """A number for a table: None where it is none."""
    return float(value) if np.isfinite(value) else None
