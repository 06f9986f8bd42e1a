"""What no machine can hold is refused before anything is planned, from a lower bound."""

from __future__ import annotations

import json
import math
import os
from functools import lru_cache

from lstm_bench import tasks
from lstm_bench.errors import BenchError
from lstm_bench.spec import Condition, canonical
from lstm_bench.sweep import Sweep

BLOCKS = 100_000  # seed blocks of a sweep: Snakemake takes 2 ms and 25 kB for each job
SET = 16 * 2**30  # bytes of the inputs of one set of sequences, which is held as a whole
MEMORY = 256 * 2**30  # bytes of a job, where this machine has no more
FLOAT = 4


def require_few(sweep: Sweep) -> None:
    """Raise BenchError when the sweep has more seed blocks than a workflow can plan."""
    conditions = sum(len(task.lengths) for task in sweep.tasks) * len(sweep.cells)
    blocks = conditions * -(-sweep.replicates // sweep.seed_block)
    if blocks > BLOCKS:
        raise BenchError(
            f"replicates: {sweep.replicates:,} is not allowed with {conditions:,} conditions and "
            f"seed_block {sweep.seed_block:,}; that makes {blocks:,} seed blocks, and at most "
            f"{BLOCKS:,} are planned."
        )


def require_memory(condition: Condition, seed_block: int) -> None:
    """Raise BenchError when a job of this condition needs more memory than any machine has.

    Counted is what must be there at once: the sequences of a split, the hidden states a gradient
    goes back through, the weights between inputs, hidden units and outputs.
    """
    task = _task(condition.task, canonical(condition.task_options))
    t, T = condition.training, condition.T
    steps = task.steps(T)
    kept = math.isqrt(steps) if t.recompute else min(steps, t.truncate or steps)
    layers = int(condition.network.get("layers", 1))
    sequence, state = steps * task.step_size, kept * condition.width * layers
    needs = {
        f"training.validation_size: {t.validation_size:,}": seed_block
        * t.validation_size
        * sequence,
        f"training.train_size: {t.train_size or 0:,}": (t.train_size or 0) * sequence,
        f"training.batch: {t.batch:,}": seed_block * t.batch * (state + sequence),
        f"width: {condition.width:,}": seed_block * condition.width * (task.inputs + task.outputs),
    }
    name, largest = max(needs.items(), key=lambda item: item[1])
    allowed = max(MEMORY, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    if FLOAT * largest > allowed:
        raise BenchError(
            f"{name} is not allowed on task {condition.task!r} at T={T:,} with seed_block "
            f"{seed_block:,}; a job would need {FLOAT * largest / 2**30:,.0f} GiB of memory or "
            f"more, and at most {allowed / 2**30:,.0f} GiB are planned for."
        )


def require_sizes(condition: Condition, task: tasks.Task) -> None:
    """Raise BenchError for a set of sequences that no machine holds."""
    sequence = FLOAT * task.steps(condition.T) * task.step_size
    for name in ("batch", "train_size", "validation_size", "confirmation_size", "test_size"):
        count = getattr(condition.training, name) or 0
        if count * sequence > SET:
            raise BenchError(
                f"training.{name}: {count} is not allowed with task {condition.task!r} at "
                f"T={condition.T}, whose inputs would take {count * sequence / 2**30:,.0f} GiB; it "
                f"must be at most {SET // sequence} ({SET // 2**30} GiB)."
            )


@lru_cache(maxsize=64)
def _task(name: str, options: str) -> tasks.Task:
    """Thousands of conditions share few tasks."""
    return tasks.create(name, json.loads(options))
