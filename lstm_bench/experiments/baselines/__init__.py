"""Baselines of tasks from files, fitted on the training part and measured on the test part.

They are the floors of such tasks, where nobody knows the best possible loss: simple answers that a
network has to beat. What a baseline chooses, it chooses on the validation part. All are measured on
the very rows that the networks are tested on.
"""

from __future__ import annotations

import numpy as np

from lstm_bench.experiments.baselines.base import Baseline
from lstm_bench.experiments.baselines.ngrams import text_baselines
from lstm_bench.experiments.baselines.pairs import pair_baselines
from lstm_bench.experiments.baselines.series import series_baselines
from lstm_bench.tasks.from_file import FromFile
from lstm_bench.tasks.pairs import Pairs
from lstm_bench.tasks.series import Series
from lstm_bench.tasks.text import Text

__all__ = ["Baseline", "measure"]


def measure(task: FromFile, T: int, size: int) -> list[Baseline]:
    """The baselines of a task on `size` sequences of its test part, or all where it has fewer.

    The first is the answer without memory or input, whose loss is the chance loss.
    """
    losses, weights = [], []
    for batch in task.held_out(T, "test", size):
        weights.append(batch.mask.sum(axis=1))
        each = task.step_losses(task.memoryless(batch), batch)
        losses.append((each * batch.mask).sum(axis=1) / weights[-1])
    name = "mean" if isinstance(task, Series) else "frequencies"
    chance = Baseline(name, np.concatenate(losses), weights=np.concatenate(weights))
    if isinstance(task, Series):
        return [chance, *series_baselines(task, T, size)]
    if isinstance(task, Text):
        return [chance, *text_baselines(task, T, size)]
    return [chance, *pair_baselines(task, T, size)] if isinstance(task, Pairs) else [chance]
