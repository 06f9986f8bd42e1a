"""The loss of every item of the test part, of trained networks: with their whole history, and cut.

An item is a window, a piece of text or a labelled sequence, in the order of `FromFile.places`. With
its history cut to k, every question is answered from the last k inputs, by a network whose state
starts there as it does at the first step of a sequence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lstm_bench import tasks
from lstm_bench.cells.base import Params
from lstm_bench.engine.network import Network
from lstm_bench.probes import stored
from lstm_bench.tasks.base import Batch
from lstm_bench.tasks.from_file import FromFile, evenly_spaced
from lstm_bench.tasks.in_order import InOrder, in_order
from lstm_bench.training.data import tensors
from lstm_bench.training.evaluation import CHUNK
from lstm_bench.training.losses import LOSSES
from lstm_bench.training.stateful import losses_in_order

VERSION = "item_losses 1"
QUESTIONS = 8192  # whose history is cut, of items evenly spaced: each is a sequence of its own
AT_ONCE = 1024  # of them in memory
CPU = torch.device("cpu")


def measure(settings: Mapping[str, Any]) -> Iterator[dict[str, object]]:
    """One row a replicate and history: `losses` (items,), NaN of items that were not measured.

    past   inputs that the network sees before it answers, or None: all
    """
    for block in stored.stored(settings):
        c = block.condition
        task = tasks.create(c.task, c.task_options)
        assert isinstance(task, FromFile)
        batches = list(task.held_out(c.T, "test", c.training.test_size))
        whole = _whole(block, task, batches)
        for past in (None, *settings["past"].get(c.id, ())):
            if past is None:
                found = whole
            elif c.training.stateful:
                found = cut_in_order(block, in_order(task), past)
            else:
                found = cut(block, task, batches, past)
            for r, seed in enumerate(block.seeds):
                losses = [float(loss) for loss in found[r]]
                yield {"condition": c.id, "seed": seed, "past": past, "losses": losses}


def _whole(block: stored.Stored, task: FromFile, batches: list[Batch]) -> np.ndarray:
    """(R, items) with all that a network reads: T inputs, or what its state was carried along."""
    network, weights, c = block.network, block.weights, block.condition
    if c.training.stateful:
        backend, size = network.backend(weights), c.training.test_size
        return losses_in_order(network, weights, in_order(task), c.T, "test", size, backend)
    return np.concatenate([item_losses(network, weights, task, each) for each in batches], axis=1)


def item_losses(network: Network, weights: Tensor, task: FromFile, batch: Batch) -> np.ndarray:
    """(R, items) the mean loss over the questions of each item."""
    params = Params(network.layout.views(weights))
    backend = network.backend(weights)
    steps = tuple(int(step) for step in batch.target_steps)
    found = []
    with torch.no_grad():
        for start in range(0, len(batch.inputs), CHUNK):
            own = batch.rows(slice(start, start + CHUNK))
            data = tensors([own], steps, CPU)
            y = network.outputs_at(params, data.inputs, steps, backend=backend, size=data.size)
            targets = data.targets.expand(len(weights), *data.targets.shape[1:])
            each = LOSSES[task.loss](y, targets).unflatten(1, (len(steps), -1))[..., : data.size]
            mask = torch.from_numpy(own.mask[:, steps].T)
            found.append(((each * mask).sum(dim=1) / mask.sum(dim=0)).numpy())
    return np.concatenate(found, axis=1)


def cut(block: stored.Stored, task: FromFile, batches: list[Batch], past: int) -> np.ndarray:
    """(R, items) the same from the last `past` inputs before each question."""
    items = np.cumsum([0, *(len(batch.inputs) for batch in batches)])
    asked = sum(float(batch.mask.sum()) for batch in batches)
    chosen = _spread(int(items[-1]), asked)
    found = np.full((len(block.seeds), items[-1]), np.nan)
    for first, batch in zip(items, batches):
        own = chosen[(chosen >= first) & (chosen < first + len(batch.inputs))]
        if len(own):
            found[:, own] = _cut(block, task, batch.rows(own - first), past)
    return found


def cut_in_order(block: stored.Stored, task: InOrder, past: int) -> np.ndarray:
    """(R, items) the same of a state that was carried: the last `past` rows of the file are read.

    Fewer where the part, or a stretch of it without breaks, begins later.
    """
    c = block.condition
    places = task.places(c.T, "test", c.training.test_size)
    asked = task.asked_rows(c.T, "test", places)
    chosen = _spread(len(asked), asked.size)
    begins = np.array([first for first, _ in task.stretches(c.T, "test")])
    questions = asked[chosen].ravel()
    items = np.repeat(chosen, asked.shape[1])
    seen = questions - begins[np.searchsorted(begins, questions, side="right") - 1] + 1

    def windows(some: np.ndarray, length: int) -> Batch:
        return task.read(questions[some][:, None] + np.arange(1 - length, 1))

    total = _summed(block, task, items, len(asked), np.minimum(past, seen), windows)
    found = np.full(total.shape, np.nan)
    found[:, chosen] = total[:, chosen] / asked.shape[1]
    return found


def _spread(items: int, questions: float) -> np.ndarray:
    """Items evenly spaced, of about `QUESTIONS`."""
    return evenly_spaced(items, max(1, int(QUESTIONS * items / questions)))


def _cut(block: stored.Stored, task: FromFile, batch: Batch, past: int) -> np.ndarray:
    rows, steps = np.nonzero(batch.mask)

    def windows(some: np.ndarray, length: int) -> Batch:
        seen = rows[some][:, None], steps[some][:, None] + np.arange(1 - length, 1)
        return Batch(batch.inputs[seen], batch.targets[seen], batch.mask[seen])

    lengths = np.minimum(past, steps + 1)  # before the first step there is nothing to see
    total = _summed(block, task, rows, len(batch.inputs), lengths, windows)
    return total / batch.mask.sum(axis=1)


def _summed(
    block: stored.Stored,
    task: FromFile,
    items: np.ndarray,
    count: int,
    lengths: np.ndarray,
    windows: Callable[[np.ndarray, int], Batch],
) -> np.ndarray:
    """(R, count) the losses of questions, summed by item.

    items, lengths   (n,) of each question: its item, and the inputs that are seen
    windows          of some questions, those inputs as sequences that end at the question
    """
    total = np.zeros((len(block.seeds), count))
    for length in np.unique(lengths):
        places = np.flatnonzero(lengths == length)
        for start in range(0, len(places), AT_ONCE):
            own = places[start : start + AT_ONCE]
            window = windows(own, length)
            window.mask[:, :-1] = 0
            losses = item_losses(block.network, block.weights, task, window)
            for r in range(len(total)):
                total[r] += np.bincount(items[own], losses[r], count)
    return total


def code_identity(settings: Mapping[str, object]) -> str:
    return stored.code_identity(settings, VERSION)
