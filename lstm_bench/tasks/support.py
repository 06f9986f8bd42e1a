"""What several tasks share: checks of their options, and chances as logits."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lstm_bench.errors import BenchError
from lstm_bench.tasks.base import CERTAIN, Task


def at_least(task: Task, **bounds: float) -> None:
    """Raise BenchError when an option of the task lies below its bound."""
    for option, bound in bounds.items():
        value = getattr(task, option)
        if value < bound:
            raise BenchError(
                f"task {task.name!r}: option {option} is {value}, but must be at least {bound}."
            )


def one_of(task: Task, **allowed: Sequence[str]) -> None:
    """Raise BenchError when an option of the task is none of the allowed words."""
    for option, words in allowed.items():
        value = getattr(task, option)
        if value not in words:
            raise BenchError(
                f"task {task.name!r}: option {option} is {value!r}, but must be one of "
                f"{', '.join(words)}."
            )


def as_logits(chances: np.ndarray) -> np.ndarray:
    """The logarithms of probabilities, float32; what is impossible gets -CERTAIN."""
    possible = chances > 0
    logs = np.log(np.where(possible, chances, 1.0))
    return np.where(possible, logs, -CERTAIN).astype(np.float32)


def entropy(chances: np.ndarray) -> np.ndarray:
    """(..., n) probabilities to (...) entropies in nats."""
    logs = np.log(np.where(chances > 0, chances, 1.0))
    return -(chances * logs).sum(axis=-1)
