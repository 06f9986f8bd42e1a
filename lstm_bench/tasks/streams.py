"""Random streams of a task's data: a place in one is drawn without those before it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lstm_bench.registry import chosen_options
from lstm_bench.spec import stream_key
from lstm_bench.tasks.base import Task


def stream(purpose: str, task: Task, T: int, **parts: Any) -> Callable[[int], np.random.Generator]:
    """The generator of one stream of a task's data, moved to a place: one, and each call moves it.

    Philox is counter-based: (key, counter) names a place in the stream, so that the batch of any
    update can be drawn without drawing those before it. The key depends on the task, T and the
    seed in `parts`, never on the cell, so every cell of a seed sees the same sequences.
    """
    key = stream_key(purpose, task=task.name, options=chosen_options(task), T=T, **parts)

    source = np.random.Philox(key=key)
    rng, start = np.random.Generator(source), source.state

    def at(counter: int) -> np.random.Generator:
        start["state"]["counter"][3] = counter
        source.state = start  # a tenth of the time a new generator takes
        return rng

    return at


def generator(
    purpose: str, task: Task, T: int, *, counter: int = 0, **parts: Any
) -> np.random.Generator:
    """The generator of one place in a stream; see `stream`."""
    return stream(purpose, task, T, **parts)(counter)
