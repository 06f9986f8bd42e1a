"""How trained replicates do on sequences longer than any they were trained on. No retraining."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch

from lstm_bench import tasks
from lstm_bench.cells.base import Params
from lstm_bench.probes import stored
from lstm_bench.probes.stored import Stored, finite
from lstm_bench.tasks.counting import Counting
from lstm_bench.training.data import tensors
from lstm_bench.training.evaluation import drawn_chunks

VERSION = "extrapolation 2"
CPU = torch.device("cpu")


def measure(settings: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    """One row a replicate and length: loss and score on fresh sequences at T and its multiples.

    longest   of a counting language: the largest n of which, and of all below, the string is
              accepted, looked for up to that of the longest length; else None
    """
    for block in stored.stored(settings):
        c = block.condition
        task = tasks.create(c.task, c.task_options)
        top = c.T * max(settings["factors"])
        longest = _longest(block, task, top) if isinstance(task, Counting) else None
        backend = block.network.backend(block.weights)
        for factor in (1, *settings["factors"]):
            T = factor * c.T
            own = drawn_chunks(task, T, "probe", block.seeds, settings["sequences"], CPU)
            losses, scores = stored.judged(block.network, block.weights, task, own, backend)
            for r, seed in enumerate(block.seeds):
                yield {
                    "condition": c.id,
                    "seed": seed,
                    "factor": factor,
                    "tested_T": T,
                    "loss": finite(losses[r]),
                    "score": finite(scores[r]),
                    "floor": float(task.chance_loss(T)),
                    "longest": longest[r] if longest and np.isfinite(losses[r]) else None,
                    "trained_n": task.longest(c.T) if isinstance(task, Counting) else None,
                }


def _longest(block: Stored, task: Counting, T: int) -> list[int]:
    """For each replicate the largest n such that the strings of 1 ... n are all accepted."""
    batch = task.every_string(T)
    data = tensors([batch], tuple(range(batch.mask.shape[1])), CPU)
    params = Params(block.network.layout.views(block.weights))
    backend = block.network.backend(block.weights)
    with torch.no_grad():
        y = block.network.outputs_at(params, data.inputs, data.steps, backend=backend)
    shaped = y.unflatten(2, (len(data.steps), -1))[..., : data.size]  # (R, k, S, B)
    answers = shaped.permute(0, 3, 2, 1).numpy()
    right = [task.accepted(each, batch) for each in answers]
    return [int(np.argmin(np.append(each, False))) for each in right]


def code_identity(settings: Mapping[str, object]) -> str:
    return stored.code_identity(settings, VERSION)
