"""Weights handed from shorter lengths to longer ones.

    curriculum: [10, 20]    T = 10, then T = 20, then T, a third of the budget each

Each length is a training of its own, stored as one: it stops where it is solved or its share of the
updates is spent, and the next starts from the weights it ended with, whatever became of it, with
data, held-out sequences and optimiser state of its own. So the updates of all together are at most
those of a training without a curriculum. `updates` and `updates_to_solve` of a replicate count
those at shorter lengths, too; its curves are of T alone.

A cell's options are those of T at every length (chrono = T draws its biases for T once).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from lstm_bench import tasks
from lstm_bench.errors import BenchError
from lstm_bench.spec import Condition
from lstm_bench.store.tables import read_table
from lstm_bench.store.tensors import load_tensors


@dataclass(frozen=True)
class Start:
    """Where a replicate begins: its weights, and the updates made at shorter lengths."""

    weights: Mapping[str, np.ndarray]
    spent: int


def before(condition: Condition) -> Condition | None:
    """The training whose weights a condition starts from; None without a curriculum."""
    t = condition.training
    if not t.curriculum:
        return None
    *shorter, T = t.curriculum
    budget = t.share * len(t.curriculum)
    return replace(condition, T=T, training=replace(t, curriculum=tuple(shorter), updates=budget))


def starts(folder: Path) -> list[Start]:
    """Those that a finished seed block gives, in the order of its seeds.

    Raises RuntimeError where it ended in an error: so does, as a row, the training after it.
    """
    arrays, _ = load_tensors(folder / "model.safetensors")
    rows = read_table(folder / "replicates.parquet").to_pylist()
    if not arrays:
        raise RuntimeError(f"no weights of T={rows[0]['T']}: {rows[0]['reason']}")
    return [
        Start({name: array[r] for name, array in arrays.items()}, row["updates"])
        for r, row in enumerate(rows)
    ]


def require_rungs(condition: Condition, task: tasks.Task) -> None:
    """Raise BenchError for a curriculum that cannot be climbed."""
    rungs = condition.training.curriculum
    if any(longer <= shorter for shorter, longer in pairwise(rungs)):
        raise BenchError(
            f"curriculum: {list(rungs)} is not allowed; it must be lengths in rising order."
        )
    if len(rungs) >= condition.training.updates:
        raise BenchError(
            f"curriculum: {list(rungs)} is not allowed with {condition.training.updates} updates; "
            "each length needs one."
        )
    for T in rungs:
        try:
            task.require(T)
        except BenchError as error:
            raise BenchError(f"curriculum: T={T} is not allowed: {error}") from None
