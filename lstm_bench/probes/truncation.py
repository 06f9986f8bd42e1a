"""How a truncated gradient differs from the whole one, in float64.

    cosine = <g_k, g> / (|g_k| |g|)        bias = |g_k - g| / |g|

g is the gradient of the loss by all weights of the cell (the readout's own gradient is never cut),
g_k the truncated one on the same large batch: what is left of their difference is no noise of
batches. At the initial weights, and at those that full backpropagation ended with.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from lstm_bench import cells, engine, tasks
from lstm_bench.cells.base import READOUT
from lstm_bench.engine.chunks import WHOLE, ThroughTime
from lstm_bench.engine.network import Network
from lstm_bench.engine.parameters import in_company
from lstm_bench.engine.runtime import configure
from lstm_bench.registry import code_version
from lstm_bench.spec import SeedBlock
from lstm_bench.store.conditions import read_condition
from lstm_bench.store.paths import Results
from lstm_bench.store.tensors import load_tensors
from lstm_bench.tasks import generator
from lstm_bench.training.data import Tensors, tensors
from lstm_bench.training.losses import replicate_losses

VERSION = "1"


def measure(
    settings: Mapping[str, Any], results: Results | None = None
) -> Iterator[dict[str, Any]]:
    """One row a replicate, stage, window and way (carried or reset): cosine and bias.

    Settings as `experiments.truncation` gives them: `runs`, the (condition, block) pairs trained
    with the whole gradient, the `windows` and the `batch` of sequences.
    """
    configure()
    results = results or Results()
    for id, name in settings["runs"]:
        condition = read_condition(results, id)
        block, task = SeedBlock.parse(name), tasks.create(condition.task, condition.task_options)
        network, exact = Network.of(condition), torch.zeros(1, dtype=torch.float64)
        T = condition.T
        drawn = [generator("truncation", task, T, seed=seed) for seed in block.seeds]
        batches = [task.sample_split(rng, settings["batch"], T, "test") for rng in drawn]
        data = tensors(batches, task.target_steps(T), torch.device("cpu"))
        stages = {"init": network.pack(block.seeds, exact)}
        stored, _ = load_tensors(results.block(condition, block) / "model.safetensors")
        if stored:
            rows = [{k: v[r] for k, v in stored.items()} for r in range(len(block.seeds))]
            stages["end"] = network.layout.pack(rows, exact)
        for stage, weights in stages.items():
            whole = cell_gradient(network, weights, data, task.loss, WHOLE)
            for window in settings["windows"]:
                for carry in (True, False):
                    how = ThroughTime(truncate=window, carry=carry)
                    cut = cell_gradient(network, weights, data, task.loss, how)
                    for r, seed in enumerate(block.seeds):
                        yield {
                            "condition": id,
                            "seed": seed,
                            "stage": stage,
                            "truncate": window,
                            "carry": carry,
                            **compare(cut[r], whole[r]),
                        }


def compare(cut: Tensor, whole: Tensor) -> dict[str, float]:
    """Cosine and relative bias of two flat gradients; NaN where one of them is zero."""
    norm = whole.norm()
    return {
        "cosine": float(cut @ whole / (cut.norm() * norm)),
        "bias": float((cut - whole).norm() / norm),
    }


def cell_gradient(
    network: Network, weights: Tensor, data: Tensors, loss: str, how: ThroughTime
) -> Tensor:
    """(R, numbers): the gradient of each replicate's loss by the weights of its cells."""
    rows, weights = len(weights), in_company(weights)
    leaves = network.layout.leaves(weights)
    copies = len(weights) // rows
    inputs = data.inputs.to(weights).repeat(1, copies, 1, 1)
    targets = data.targets.repeat(copies, *[1] * (data.targets.ndim - 1))
    targets = targets if targets.dtype == torch.int64 else targets.to(weights)
    y = network.outputs_at(leaves, inputs, data.steps, size=data.size, through=how)
    total = replicate_losses(loss, y, targets, data.weights.to(weights).repeat(copies, 1)).sum()
    found = torch.autograd.grad(total, list(leaves.values()), allow_unused=True)
    own = [
        torch.zeros_like(leaf) if g is None else g
        for (name, leaf), g in zip(leaves.items(), found)
        if name not in READOUT
    ]
    none = weights.new_zeros(len(weights), 0)  # a cell need not have weights
    return torch.cat([none, *(g.flatten(1) for g in own)], dim=1)[:rows]


def code_identity(settings: Mapping[str, Any]) -> str:
    """What decides the numbers; part of the workflow's params."""
    known, learnt = cells.registry(), tasks.registry()
    versions = ",".join(code_version(known[name]) for name in settings["cells"])
    of_tasks = ",".join(code_version(learnt[name]) for name in settings["tasks"])
    return f"truncation {VERSION} engine {engine.VERSION} tasks {of_tasks} cells {versions}"
