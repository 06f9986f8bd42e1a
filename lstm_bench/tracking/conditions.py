"""The finished replicates of a condition, as the records of their runs."""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from lstm_bench.store.paths import BLOCK, RUN, Results
from lstm_bench.store.planned import PlannedCondition
from lstm_bench.store.tensors import tensors_bytes
from lstm_bench.tracking import notes
from lstm_bench.tracking.blocks import TABLES, TUNING, FinishedBlock
from lstm_bench.tracking.known import Known
from lstm_bench.tracking.records import (
    STATUS,
    Clock,
    Point,
    Record,
    condition_metrics,
    flat_params,
    milliseconds,
    replicate_metrics,
)

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class ConditionRun:
    """A condition and its replicates, those of the sweep or those of tuning."""

    id: str
    purpose: str
    blocks: Sequence[FinishedBlock]
    experiments: Sequence[str]
    last_experiments: Sequence[str]
    sweep: str
    entry: PlannedCondition
    task: str
    cell: str
    name: str

    @classmethod
    def of(
        cls,
        known: Known,
        results: Results,
        id: str,
        purpose: str,
        name: str,
        blocks: Sequence[FinishedBlock],
    ) -> ConditionRun:
        task, cell = known.labels[id]
        entry, names = known.conditions[id], [block.folder.name for block in blocks]
        return cls(
            id=id,
            purpose=purpose,
            blocks=blocks,
            experiments=known.experiments(id, names),
            last_experiments=known.experiments(id, names, last=True),
            sweep=known.sweep(id),
            entry=entry,
            task=task,
            cell=cell,
            name=name + (" (tuning)" if purpose == TUNING else ""),
        )

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What the runs show beside the block's own files."""
        # what plans jobs says nothing of a run, and its code stands in the block's files
        about: dict[str, Any] = {"spec": self.entry.spec}
        known = ("parameters", "state_size", "flops_per_update", "solved_score", "score_name")
        if self.entry.parameters:  # not of a plugin's that is not loaded
            about |= {key: getattr(self.entry, key) for key in known}
        return {**about, "labels": [self.task, self.cell]}

    @cached_property
    def rows(self) -> dict[str, Rows]:
        return {name: table.to_pylist() for name, table in self._tables.items()}

    @cached_property
    def _tables(self) -> dict[str, pa.Table]:
        return {
            name: pa.concat_tables(
                [block.table(name) for block in self.blocks], promote_options="permissive"
            )
            for name in TABLES
        }

    @cached_property
    def curves(self) -> dict[int, Rows]:
        """The points of every seed that has any."""
        found: dict[int, Rows] = {}
        for point in self.rows["curves"]:
            if point["update"] is not None:
                found.setdefault(point["seed"], []).append(point)
        return found

    def replicate(self, seed: int) -> Record:
        row, timing = (
            next(row for row in self.rows[table] if row["seed"] == seed)
            for table in ("replicates", "timing")
        )
        clock = _clock([row], [timing])
        metrics = replicate_metrics(row, self.curves.get(seed, ()), timing, clock)
        tags = {"level": "replicate", "status": row["status"], "reason": row["reason"]}
        place = BLOCK.format(condition=self.id, block=self._block(seed).folder.name)
        told = {**tags, "folder": place, notes.NOTE: notes.replicate(row, self.entry)}
        status = STATUS.get(row["status"], "FAILED")
        return self._record(self.name_of(seed), status, told, metrics, clock, seed=seed)

    def name_of(self, seed: int) -> str:
        return f"{self.name} seed {seed}"

    def _block(self, seed: int) -> FinishedBlock:
        return next(block for block in self.blocks if seed in block.seeds)

    def condition(self) -> Record:
        rows = self.rows["replicates"]
        clock = _clock(rows, self.rows["timing"])
        metrics = condition_metrics(rows, self.curves, clock)
        counts = Counter(row["status"] for row in rows)
        median = next((p.value for p in metrics if p.name == "updates_to_solve"), None)
        tags = {
            "level": "condition",
            "folder": RUN.format(condition=self.id),
            "status": ", ".join(f"{count} {status}" for status, count in counts.most_common()),
            notes.NOTE: notes.condition(rows, self.entry, median),
        }
        status = "FAILED" if set(counts) == {"error"} else "FINISHED"
        return self._record(self.name, status, tags, metrics, clock)

    def files(self) -> dict[str, bytes]:
        """Everything the runs were drawn from: the condition, its rows, its whole curves."""
        table, curves = io.BytesIO(), io.BytesIO()
        pc.write_csv(self._tables["replicates"].drop_columns("milestones"), table)
        pq.write_table(self._tables["curves"], curves, compression="zstd")
        return {
            "condition.json": json.dumps(self.entry.spec.to_json(), indent=1).encode(),
            "replicates.csv": table.getvalue(),
            "curves.parquet": curves.getvalue(),
        }

    def replicate_files(self, seed: int) -> dict[str, bytes]:
        """The weights of a replicate, as its block stores them with R = 1, and its whole curves."""
        points = pa.Table.from_pylist(self.curves.get(seed, []), self._tables["curves"].schema)
        curves, found = io.BytesIO(), {}
        if len(points):
            pc.write_csv(points.drop_columns("condition"), curves)
            found["curves.csv"] = curves.getvalue()
        arrays, about = self._block(seed).weights
        if arrays:
            place = list(about["seeds"]).index(seed)
            mine = {name: array[place : place + 1] for name, array in arrays.items()}
            found["model.safetensors"] = tensors_bytes(mine, {**about, "seeds": [seed]})[0]
        return found

    def _record(
        self,
        name: str,
        status: str,
        tags: Mapping[str, str],
        metrics: Sequence[Point],
        clock: Clock,
        **more: Any,
    ) -> Record:
        machine = {
            **_values(self.rows["replicates"], ("device", "backend", "code")),
            **_values(self.rows["timing"], ("lstm_bench", "torch", "gpu")),
        }
        found = {**tags, **machine, "purpose": self.purpose, "condition": self.id}
        sizes = ("parameters", "flops_per_update")  # not known of a plugin's that is not loaded
        more |= {key: size for key in sizes if (size := getattr(self.entry, key))}
        return Record(
            name=name,
            status=status,
            started=clock.started,
            finished=clock.finished,
            tags={key: value for key, value in found.items() if value},
            params=flat_params(
                {**self.entry.spec.to_json(), "task": self.task, "cell": self.cell}, **more
            ),
            metrics=metrics,
        )


def _clock(rows: Rows, timing: Rows) -> Clock:
    return Clock(
        min(milliseconds(row["started"]) for row in timing),
        max(milliseconds(row["finished"]) for row in timing),
        max(row["updates"] for row in rows),
    )


def _values(rows: Rows, columns: Iterable[str]) -> dict[str, str]:
    """The different values of each column, as text."""
    return {c: ", ".join(sorted({str(row[c]) for row in rows if row.get(c)})) for c in columns}
