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

from lstm_bench.plotting.panels import cell_style
from lstm_bench.store.files import read_json
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.tracking import notes
from lstm_bench.tracking.blocks import TABLES, TUNING, FinishedBlock
from lstm_bench.tracking.names import Names
from lstm_bench.tracking.records import (
    STATUS,
    Clock,
    Point,
    Record,
    Split,
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
    entry: Mapping[str, Any]
    task: str
    cell: str
    colour: str
    name: str
    splits: Sequence[Split]

    @classmethod
    def of(
        cls,
        plan: Plan,
        results: Results,
        names: Names,
        id: str,
        purpose: str,
        blocks: Sequence[FinishedBlock],
    ) -> ConditionRun:
        task, cell = names.labels[id]
        cells = [each["shown"] for each in plan.data["sweep"]["cells"]]
        entry, mine = plan.conditions[id], {block.folder.name for block in blocks}
        return cls(
            id=id,
            purpose=purpose,
            blocks=blocks,
            experiments=[
                name
                for name, asks in plan.experiments.items()
                if mine & set(asks["blocks"]) and any(m["condition"] == id for m in asks["members"])
            ],
            entry=entry,
            task=task,
            cell=cell,
            colour=cell_style(cell, cells)["color"],
            name=names.shown[id] + (" (tuning)" if purpose == TUNING else ""),
            splits=_splits(results, entry["dataset"], f"{task} T{entry['spec']['T']}"),
        )

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What the runs show beside the block's own files."""
        hidden = ("priority", "effort")  # what plans jobs says nothing of a run
        entry = {key: value for key, value in self.entry.items() if key not in hidden}
        return {**entry, "name": self.name, "labels": [self.task, self.cell], "splits": self.splits}

    @cached_property
    def rows(self) -> dict[str, Rows]:
        return {name: self._table(name).to_pylist() for name in TABLES}

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
        note = notes.replicate(row, self.entry)
        status = STATUS.get(row["status"], "FAILED")
        return self._record(
            f"{self.name} seed {seed}",
            status,
            {**tags, notes.NOTE: note},
            metrics,
            clock,
            seed=seed,
        )

    def condition(self) -> Record:
        rows = self.rows["replicates"]
        clock = _clock(rows, self.rows["timing"])
        metrics = condition_metrics(rows, self.curves, clock)
        counts = Counter(row["status"] for row in rows)
        median = next((p.value for p in metrics if p.name == "updates_to_solve"), None)
        tags = {
            "level": "condition",
            "status": ", ".join(f"{count} {status}" for status, count in counts.most_common()),
            notes.NOTE: notes.condition(rows, self.entry, median),
        }
        status = "FAILED" if set(counts) == {"error"} else "FINISHED"
        return self._record(self.name, status, tags, metrics, clock)

    def files(self) -> dict[str, bytes]:
        """Everything the runs were drawn from: the condition, its rows, its whole curves."""
        table, curves = io.BytesIO(), io.BytesIO()
        pc.write_csv(self._table("replicates").drop_columns("milestones"), table)
        pq.write_table(self._table("curves"), curves, compression="zstd")
        return {
            "condition.json": json.dumps(self.entry["spec"], indent=1).encode(),
            "replicates.csv": table.getvalue(),
            "curves.parquet": curves.getvalue(),
        }

    def _table(self, name: str) -> pa.Table:
        tables = [block.table(name) for block in self.blocks]
        return pa.concat_tables(tables, promote_options="permissive")

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
        more |= {key: self.entry[key] for key in ("parameters", "flops_per_update")}
        return Record(
            name=name,
            status=status,
            started=clock.started,
            finished=clock.finished,
            tags={key: value for key, value in found.items() if value},
            params=flat_params(
                {**self.entry["spec"], "task": self.task, "cell": self.cell}, **more
            ),
            metrics=metrics,
            inputs=self.splits,
        )


def _splits(results: Results, folder: str, name: str) -> list[Split]:
    manifest = results.root / folder / "manifest.json"
    sums = read_json(manifest)["sha256"] if manifest.exists() else {}
    return [
        Split(name, split, f"{folder}/{split}.npz", sums[split])
        for split in sorted(sums, reverse=True)
    ]


def _clock(rows: Rows, timing: Rows) -> Clock:
    return Clock(
        min(milliseconds(row["started"]) for row in timing),
        max(milliseconds(row["finished"]) for row in timing),
        max(row["updates"] for row in rows),
    )


def _values(rows: Rows, columns: Iterable[str]) -> dict[str, str]:
    """The different values of each column, as text."""
    return {c: ", ".join(sorted({str(row[c]) for row in rows if row.get(c)})) for c in columns}
