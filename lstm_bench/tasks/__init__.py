"""What is learnt. One task a file; numpy only, and nothing of the rooms above."""

from lstm_bench.tasks.base import (
    SPLITS,
    Batch,
    Task,
    create,
    final_step_mask,
    find,
    known,
    one_hot,
    registry,
)
from lstm_bench.tasks.streams import generator, stream

__all__ = [
    "SPLITS",
    "Batch",
    "Task",
    "create",
    "final_step_mask",
    "find",
    "generator",
    "known",
    "one_hot",
    "registry",
    "stream",
]
