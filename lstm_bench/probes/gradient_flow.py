"""Gradients against lag, Jacobians and Lyapunov exponents of stored networks, in float64.

Three stages of each replicate: its initial weights, drawn again; its weights after a number of
updates, trained again from its seed, which gives the same bits; and its weights at the end, as
stored. Norms against lag are measured at the length the network was trained at; slopes, exponents
and singular values on longer sequences of the same task, where they are steady.
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
from lstm_bench.store.conditions import read_condition
from lstm_bench.store.paths import Results
from lstm_bench.store.tensors import load_tensors
from lstm_bench.tasks import Task, generator
from lstm_bench.training.data import TrainStream, tensors
from lstm_bench.training.model import ReplicateBatch

VERSION = "3"
POINTS = 24  # lags of a curve, about evenly spaced in log lag
PLACES = 4  # steps of the trajectory whose Jacobian is decomposed
Row = dict[str, object]


def measure(settings: Mapping[str, Any], results: Results | None = None) -> Iterator[Row]:
    """One row a number: condition, seed, stage, measure, part, lag and value.

    Settings as `experiments.gradient_flow` gives them: `runs`, the (condition, block) pairs, the
    `length`, the `batch` of sequences, the number of `exponents` and the stage `updates`.
    """
    configure()
    results, first = results or Results(), True
    previous = None
    for id, name in settings["runs"]:
        condition = read_condition(results, id)
        block, first = SeedBlock.parse(name), id != previous
        previous = id
        for stage, weights in _stages(condition, block, results, settings["updates"], first):
            yield from _rows(condition, block, stage, weights, settings, first)


def _stages(
    condition: Condition, block: SeedBlock, results: Results, updates: int, first: bool
) -> Iterator[tuple[str, Tensor]]:
    """Weights (R, size) in float64 of each stage; the middle one for the first block alone."""
    network = Network.of(condition)
    exact = torch.zeros(1, dtype=torch.float64)
    yield "init", network.pack(block.seeds, exact)
    if first:
        yield f"{updates} updates", retrained(condition, block, updates).double()
    stored, _ = load_tensors(results.block(condition, block) / "model.safetensors")
    if stored:  # none where the block ended in an error
        rows = [{k: v[r] for k, v in stored.items()} for r in range(len(block.seeds))]
        yield "end", network.layout.pack(rows, exact)


def retrained(condition: Condition, block: SeedBlock, updates: int) -> Tensor:
    """The weights (R, size) that training had after so many updates, bit for bit on a CPU."""
    model = ReplicateBatch.create(condition, block, torch.device("cpu"))
    streams = [TrainStream.of(condition, seed) for seed in block.seeds]
    for update in range(updates):
        model.step([stream(update) for stream in streams])
    return model.weights


def _rows(
    condition: Condition,
    block: SeedBlock,
    stage: str,
    weights: Tensor,
    settings: Mapping[str, Any],
    first: bool,
) -> Iterator[Row]:
    network, task = Network.of(condition), tasks.create(condition.task, condition.task_options)
    params = Params(network.layout.views(weights))

    def rows(measure: str, values: Any, part: str = "", lag: int | None = None) -> Iterator[Row]:
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

    seen, _ = _backward(network, params, task, condition.T, block, settings["batch"])
    for part, logs in seen.whole.items():
        for lag in lags(len(logs)):
            yield from rows("log_norm", logs[lag], part, lag)
    if stage not in ("init", "end"):  # the curve is all that is asked of the stage between
        return
    length = long_enough(task, condition.T, settings["length"])
    seen, inputs = _backward(network, params, task, length, block, settings["batch"])
    for part, logs in seen.whole.items():
        yield from rows("slope", flow.slope(logs), part)
    if not first:
        return
    few = settings["trajectories"]
    states = [tuple(part[..., :few] for part in state) for state in seen.states]
    inputs = inputs[..., :few]
    seen, _ = _backward(network, params, task, length, block, settings["batch"], few)
    yield from rows("slope_of_sequences", flow.slope(seen.sequences))
    found = flow.lyapunov(network.cell, params, inputs, states, settings["exponents"])
    for place, exponents in enumerate(found, start=1):
        yield from rows("lyapunov", exponents, str(place))
    T = len(states) - 1
    places = [T * (place + 1) // (PLACES + 2) for place in range(PLACES)]
    values = flow.singular_values(network.cell, params, inputs, states, places)
    for name, at in (("largest", values[..., 0]), ("median", np.median(values, axis=-1))):
        yield from rows("singular_value", at.mean(axis=(0, 2)), name)


def _backward(
    network: Network,
    params: Params,
    task: Task,
    T: int,
    block: SeedBlock,
    batch: int,
    few: int | None = None,
) -> tuple[flow.Backward, Tensor]:
    """Gradients on sequences that no training saw, and these (T, R, d, B) in float64."""
    drawn = (generator("gradient_flow", task, T, seed=seed) for seed in block.seeds)
    batches = [task.sample_split(rng, batch, T, "test") for rng in drawn]
    data = tensors(batches, task.target_steps(T), torch.device("cpu"))
    found = flow.backward(network, params, data, task.loss, few)
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
    known, learnt = cells.registry(), tasks.registry()
    versions = ",".join(code_version(known[name]) for name in settings["cells"])
    of_tasks = ",".join(code_version(learnt[name]) for name in settings["tasks"])
    return (
        f"gradient_flow {VERSION} engine {engine.VERSION} training {training.VERSION} "
        f"tasks {of_tasks} cells {versions}"
    )
