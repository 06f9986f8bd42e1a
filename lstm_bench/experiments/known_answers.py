"""The losses of answers that need no training: from the present input, and from the last k."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from lstm_bench import tasks
from lstm_bench.spec import Condition
from lstm_bench.tasks import Batch, Task

SEQUENCES = 4096  # that a loss is a mean over
Options = tuple[tuple[str, object], ...]
BINS = 200  # of the present value, each with the same share of the values


def share_learnt(condition: Condition, loss: float) -> float:
    """How far a loss has come from the chance loss (0) to the optimal loss (1)."""
    chance, optimal = _scale(*_asks(condition))
    return (chance - loss) / (chance - optimal)


def present_loss(condition: Condition) -> float:
    """The loss of the best answer from the present input alone.

    Where input and output are a number each, the mean target for each of 200 ranges of the value
    shown, taken on other sequences. Else the task's own, or the chance loss where it knows none.
    """
    return _present_loss(*_asks(condition))


def window_loss(condition: Condition, k: int) -> float:
    """The loss of the task's own best answer from the last k inputs, NaN where it knows none.

    Of a forecast that is the best linear one (`Task.window_is_best`).
    """
    return _window_loss(*_asks(condition), k)


def _asks(condition: Condition) -> tuple[str, Options, int]:
    return condition.task, tuple(condition.task_options.items()), condition.T


@lru_cache(maxsize=64)
def _scale(name: str, options: Options, T: int) -> tuple[float, float]:
    """Chance loss and optimal loss."""
    task = tasks.create(name, dict(options))
    return task.chance_loss(T), task.optimal_loss(T)


@lru_cache(maxsize=64)
def _present_loss(name: str, options: Options, T: int) -> float:
    task = tasks.create(name, dict(options))
    if task.loss != "squared_error" or (task.inputs, task.outputs) != (1, 1):
        loss = _window_loss(name, options, T, 1)
        return task.chance_loss(T) if np.isnan(loss) else loss
    values, targets = _asked(_drawn(task, T, "fitted"))
    edges = np.quantile(values, np.arange(1, BINS) / BINS)
    place = np.digitize(values, edges)
    counts = np.bincount(place, minlength=BINS)
    means = np.bincount(place, targets, BINS) / np.maximum(counts, 1)
    values, targets = _asked(_drawn(task, T, "answered"))
    return float(((means[np.digitize(values, edges)] - targets) ** 2).mean())


@lru_cache(maxsize=256)
def _window_loss(name: str, options: Options, T: int, k: int) -> float:
    task = tasks.create(name, dict(options))
    batch = _drawn(task, T, "answered")
    answers = task.window(batch, k)
    return float("nan") if answers is None else task.evaluate_loss(answers, batch)


def _drawn(task: Task, T: int, purpose: str) -> Batch:
    return task.sample(tasks.generator(purpose, task, T), SEQUENCES, T)


def _asked(batch: Batch) -> tuple[np.ndarray, np.ndarray]:
    """The inputs and targets, one number each, at the steps that are asked."""
    asked = batch.mask > 0
    return batch.inputs[asked][:, 0].astype(float), batch.targets[asked][:, 0].astype(float)
