"""Baselines of tasks from files, fitted on the training part and measured on the test part.

They are the floors of such tasks, where nobody knows the best possible loss: simple answers that a
network has to beat. What a baseline chooses, it chooses on the validation part. All are measured on
the very rows that the networks are tested on.
"""

from __future__ import annotations

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
    losses = [(task.evaluate_loss(task.memoryless(b), b), b.mask.sum()) for b in
              task.held_out(T, "test", size)]  # fmt: skip
    total = sum(weight for _, weight in losses)
    chance = float(sum(loss * weight for loss, weight in losses) / total)
    if isinstance(task, Series):
        return [Baseline("mean", chance), *series_baselines(task, T, size)]
    found = [Baseline("frequencies", chance)]
    if isinstance(task, Text):
        found += text_baselines(task, T, size)
    if isinstance(task, Pairs):
        found += pair_baselines(task, T, size)
    return found
