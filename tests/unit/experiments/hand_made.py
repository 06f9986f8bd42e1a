"""Evidence made by hand: a test says what its replicates did, the rest is as of stored runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa

from lstm_bench.experiments.base import Evidence
from lstm_bench.spec import Condition, Training
from lstm_bench.store.collect import COLUMNS
from lstm_bench.store.planned import PlannedCondition

BUDGET = 1000
STORED = COLUMNS["replicates"]
LABELS = ["task_label", "cell_label"]


def planned(
    *, flops: int = 100, cell_options: Any = None, width: int = 8, **training: Any
) -> PlannedCondition:
    """A condition of the plan: adding at T = 20, for `BUDGET` updates."""
    usual = Training(**{"updates": BUDGET, **training})
    spec = Condition("adding", 20, "lstm", width, cell_options=cell_options or {}, training=usual)
    return PlannedCondition(spec, parameters=100, state_size=8, flops_per_update=flops)


def evidence(
    rows: Iterable[Mapping[str, Any]],
    plan: Mapping[str, PlannedCondition],
    *,
    curves: Iterable[Mapping[str, Any]] = (),
    probe: Iterable[Mapping[str, Any]] | None = None,
    tasks: Sequence[str] | None = None,
    cells: Sequence[str] | None = None,
) -> Evidence:
    """Evidence of replicates, with every column of stored ones and the time they took.

    rows    `condition`, `T`, labels and factors, and what else the test is about. A row without a
            status is solved where it has `updates_to_solve`; one without a seed is the next of its
            condition; `train_seconds` goes to the timing
    tasks, cells   labels in the order of the config: that of the rows, where it is not given
    """
    blank = dict.fromkeys([*STORED.names, *LABELS, "train_seconds"])
    frame = pd.DataFrame([{**blank, **row} for row in rows])
    frame = frame.reindex(columns=list(dict.fromkeys([*blank, *frame])))  # also of no rows
    solved = frame.updates_to_solve.notna().map({True: "solved", False: "unsolved"})
    frame["status"] = frame.status.where(frame.status.notna(), solved)
    counted = frame.groupby("condition").cumcount()
    frame["seed"] = frame.seed.where(frame.seed.notna(), counted).astype(int)
    frame = frame.astype(dict.fromkeys(_numbers(frame), float))
    return Evidence(
        frame.drop(columns="train_seconds"),
        pd.DataFrame(curves),
        frame[["condition", "seed", *LABELS, "T", "status", "train_seconds"]],
        None if probe is None else pd.DataFrame(probe),
        list(tasks or dict.fromkeys(frame.task_label)),
        list(cells or dict.fromkeys(frame.cell_label)),
        plan,
    )


def _numbers(frame: pd.DataFrame) -> list[str]:
    """Columns that are floats when read back: of floats, and of integers where one is missing."""
    floats = [each.name for each in STORED if pa.types.is_floating(each.type)]
    counts = [each.name for each in STORED if pa.types.is_integer(each.type)]
    return [*floats, *(name for name in counts if frame[name].isna().any()), "train_seconds"]
