"""Gradients against lag, Jacobians and Lyapunov exponents, in float64.

Two stages of each replicate: its initial weights, drawn again from its seed, and its weights at the
end, as stored. Norms and slopes are measured at the length the network was trained at. Exponents
and singular values, where they are asked for, on longer sequences of the same task, at the start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lstm_bench import cells, engine, tasks, training
from lstm_bench.cells.base import Params
from lstm_bench.engine.network import Network
from lstm_bench.engine.runtime import configure
from lstm_bench.errors import BenchError
from lstm_bench.probes import through_time as flow
from lstm_bench.registry import code_version
from lstm_bench.spec import Condition, SeedBlock
from lstm_bench.store.paths import Results
from lstm_bench.store.tensors import load_tensors
from lstm_bench.tasks import Task, generator
from lstm_bench.training.data import tensors

VERSION = "4"
POINTS = 24  # lags of a curve, about evenly spaced in log lag
PLACES = 4  # steps of the trajectory whose Jacobian is decomposed
Row = dict[str, object]


def measure(settings: Mapping[str, Any], results: Results | None = None) -> Iterator[Row]:
    """One row a number: condition, seed, stage, measure, part, lag and value.

    Settings as `experiments.gradient_flow` gives them: `conditions`, each by its id, `runs`, the
    (condition, block) pairs, and the `batch` of sequences; for exponents `exponents_of`, the ids of
    the conditions whose first block has them, how many (`exponents`), the `length` and the
    `trajectories`. What was not trained, or ended in an error, has a start and no end.
    """
    configure()
    results = results or Results()
    asked = set(settings["exponents_of"])
    for id, name in settings["runs"]:
        condition, block = Condition.from_json(settings["conditions"][id]), SeedBlock.parse(name)
        network = Network.of(condition)
        exact = torch.zeros(1, dtype=torch.float64)
        weights = network.pack(block.seeds, exact)
        yield from _norms(condition, block, "init", weights, settings)
        if id in asked:
            asked.remove(id)
            yield from _exponents(condition, block, weights, settings)
        file = results.block(condition, block) / "model.safetensors"
        stored = load_tensors(file)[0] if file.exists() else {}
        if stored:
            rows = [{k: v[r] for k, v in stored.items()} for r in range(len(block.seeds))]
            yield from _norms(condition, block, "end", network.layout.pack(rows, exact), settings)


def _rows(
    condition: Condition,
    block: SeedBlock,
    stage: str,
    measure: str,
    values: Any,
    *,
    part: str = "",
    lag: int | None = None,
) -> Iterator[Row]:
    for seed, value in zip(block.seeds, np.asarray(values, dtype=float)):
        yield {
            "condition": condition.id,
            "seed": seed,
            "stage": stage,
            "measure": measure,
            "part": part,
            "lag": lag,
            "value": float(value),
        }


def _norms(
    condition: Condition,
    block: SeedBlock,
    stage: str,
    weights: Tensor,
    settings: Mapping[str, Any],
) -> Iterator[Row]:
    """log10 of the norm at some lags, and the slope over all of them, at the trained length.

    Where training sets the slope, that of dL/dh as training sees it, too.
    """
    network, task = Network.of(condition), tasks.create(condition.task, condition.task_options)
    params = Params(network.layout.views(weights))
    seen, _ = _backward(network, params, task, condition.T, block, settings["batch"])
    for part, logs in seen.whole.items():
        for lag in lags(len(logs)):
            yield from _rows(condition, block, stage, "log_norm", logs[lag], part=part, lag=lag)
        yield from _rows(condition, block, stage, "slope", flow.slope(logs), part=part)
    decay = condition.training.gradient_decay
    if decay is not None:
        at = network, params, task, condition.T, block, settings["batch"]
        logs = _backward(*at, decay=decay)[0].whole["h"]
        yield from _rows(condition, block, stage, "slope_set", flow.slope(logs), part="h")


def _exponents(
    condition: Condition, block: SeedBlock, weights: Tensor, settings: Mapping[str, Any]
) -> Iterator[Row]:
    """Lyapunov exponents, the slope of single sequences and singular values, at the start."""
    network, task = Network.of(condition), tasks.create(condition.task, condition.task_options)
    params = Params(network.layout.views(weights))
    length = long_enough(task, condition.T, settings["length"])
    seen, inputs = _backward(network, params, task, length, block, settings["trajectories"])
    yield from _rows(condition, block, "init", "slope_of_sequences", flow.slope(seen.sequences))
    found = flow.lyapunov(network.cell, params, inputs, seen.states, settings["exponents"])
    for place, exponents in enumerate(found, start=1):
        yield from _rows(condition, block, "init", "lyapunov", exponents, part=str(place))
    T = len(seen.states) - 1
    places = [T * (place + 1) // (PLACES + 2) for place in range(PLACES)]
    values = flow.singular_values(network.cell, params, inputs, seen.states, places)
    for name, at in (("largest", values[..., 0]), ("median", np.median(values, axis=-1))):
        at = at.mean(axis=(0, 2))
        yield from _rows(condition, block, "init", "singular_value", at, part=name)


def _backward(
    network: Network,
    params: Params,
    task: Task,
    T: int,
    block: SeedBlock,
    batch: int,
    decay: float | None = None,
) -> tuple[flow.Backward, Tensor]:
    """Gradients on sequences that no training saw, and these (T, R, d, B) in float64."""
    drawn = (generator("gradient_flow", task, T, seed=seed) for seed in block.seeds)
    batches = [task.sample_split(rng, batch, T, "test") for rng in drawn]
    data = tensors(batches, task.target_steps(T), torch.device("cpu"))
    found = flow.backward(network, params, data, task.loss, batch, decay)
    return found, data.inputs[..., :batch].double()


def lags(count: int) -> list[int]:
    """0, then about `POINTS` lags evenly spaced in their logarithm, up to count - 1."""
    spaced = np.geomspace(1, max(1, count - 1), POINTS).round().astype(int)
    return [lag for lag in sorted({0, *spaced.tolist()}) if lag < count]


def long_enough(task: Task, trained: int, length: int) -> int:
    """The length slopes are measured at: the trained one where the task allows no longer one."""
    try:
        task.require(length)
    except BenchError:
        return trained
    return max(trained, length)


def code_identity(settings: Mapping[str, Any]) -> str:
    """What decides the numbers; part of the workflow's params."""
    learnt = tasks.known()
    versions = ",".join(code_version(cells.named(name)) for name in settings["cells"])
    of_tasks = ",".join(code_version(learnt[name]) for name in settings["tasks"])
    return (
        f"gradient_flow {VERSION} engine {engine.VERSION} training {training.VERSION} "
        f"tasks {of_tasks} cells {versions}"
    )
