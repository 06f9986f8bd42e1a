"""An experiment on made-up runs: what its figure names and its table lacks, before any training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa

from lstm_bench.errors import BenchError
from lstm_bench.experiments.run import conclude, declared_figures
from lstm_bench.spec import SeedBlock
from lstm_bench.store.collect import COLUMNS
from lstm_bench.store.paths import Results
from lstm_bench.store.planned import PlannedCondition
from lstm_bench.store.plans import Plan
from lstm_bench.store.tables import write_table


def rehearse(plan: Plan, name: str) -> None:
    """Conclude an experiment and declare its figure, every second replicate having solved its task.

    For one whose runs tell all: what a probe or another experiment finds cannot be made up. Raises
    BenchError for a column that the table lacks; what else fails may be the made-up runs' fault,
    and is left for the real ones to show.
    """
    entry = plan.experiments[name]
    first = replace(plan, experiments={name: replace(entry, blocks=entry.blocks[:1])})
    with TemporaryDirectory() as folder:
        results = Results(folder)
        for id, block in first.blocks([name]):
            seeds = SeedBlock.parse(block).seeds
            for table, columns in COLUMNS.items():
                rows = [_row(columns, plan.conditions[id], seed) for seed in seeds]
                write_table(results.block(id, block) / f"{table}.parquet", rows)
        try:
            conclude(first, name, results)
            declared_figures(first, name, results)
        except BenchError as error:
            raise BenchError(f"experiments: {name!r}: {error}") from error
        except Exception:
            return


def _row(columns: pa.Schema, condition: PlannedCondition, seed: int) -> Mapping[str, Any]:
    spec, solved = condition.spec, seed % 2 == 0
    known = {"condition": spec.id, "seed": seed, "task": spec.task, "T": spec.T, "cell": spec.cell}
    known |= {
        "code": condition.code,
        "status": "solved" if solved else "unsolved",
        "milestones": [],
    }
    known |= {"updates": spec.training.updates, "updates_to_solve": 1 if solved else None}
    return {field.name: known.get(field.name, _some(field.type)) for field in columns}


def _some(kind: pa.DataType) -> Any:
    if pa.types.is_string(kind):
        return ""
    return True if pa.types.is_boolean(kind) else 1 if pa.types.is_integer(kind) else 0.5
