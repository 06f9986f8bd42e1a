"""N-grams of the targets of pairs: what can be said of a target without its source."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from lstm_bench.experiments.baselines.base import Baseline
from lstm_bench.experiments.baselines.ngrams import KneserNey, orders
from lstm_bench.tasks.base import Batch
from lstm_bench.tasks.pairs import Pairs


def pair_baselines(task: Pairs, T: int, size: int) -> Iterator[Baseline]:
    """The n-grams whose order does best on validation; a target begins after an END."""
    tried = orders(task.outputs)
    train = grams(task, task.take(T, "train", np.arange(task.pool(T, "train"))), tried[-1])
    models = {n: KneserNey.of(train[:, -n:], task.outputs) for n in tried}
    scored: dict[int, float] = {}
    for n, model in models.items():
        by_pair, tokens = losses(task, model, T, "validation", size)
        scored[n] = float(np.average(by_pair, weights=tokens))
    best = min(scored, key=lambda n: scored[n])
    by_pair, tokens = losses(task, models[best], T, "test", size)
    yield Baseline("n-grams of targets", by_pair, f"{best}-grams", tokens)


def losses(
    task: Pairs, model: KneserNey, T: int, split: str, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """(pairs,) the mean loss of every held-out target, and how many tokens it has."""
    n, found, counts = len(model.orders), [], []
    for batch in task.held_out(T, split, size):
        chances = model.chances(grams(task, batch, n)[:, ::-1])
        each = np.zeros(batch.mask.shape)
        each[batch.mask > 0] = -np.log(chances)
        counts.append(batch.mask.sum(axis=1))
        found.append(each.sum(axis=1) / counts[-1])
    return np.concatenate(found), np.concatenate(counts)


def grams(task: Pairs, batch: Batch, n: int) -> np.ndarray:
    """(targets, n) the class asked for at every target step, the last, and those before it."""
    row, step = np.nonzero(batch.mask)
    begins = (batch.mask > 0).argmax(axis=1)[row]
    back = step[:, None] + np.arange(1 - n, 1)
    before = batch.targets[row[:, None], np.maximum(back, 0)]
    return np.where(back >= begins[:, None], before, task.outputs - 1)
