"""Many seed blocks as one table. pandas is imported here and by those who ask."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa

from lstm_bench.store.paths import Results
from lstm_bench.store.tables import read_table

MILESTONE = pa.struct([("name", pa.string()), ("update", pa.int64())])
# what every seed block stores; a block that ended in an error, or an older one, may lack columns
COLUMNS: Mapping[str, pa.Schema] = {
    "replicates": pa.schema(
        {
            "condition": pa.string(),
            "seed": pa.int64(),
            "task": pa.string(),
            "T": pa.int64(),
            "cell": pa.string(),
            "width": pa.int64(),
            "learning_rate": pa.float64(),
            "status": pa.string(),
            "reason": pa.string(),
            "updates": pa.int64(),
            "updates_to_solve": pa.int64(),
            "confirmations": pa.int64(),
            "best_validation_loss": pa.float64(),
            "best_update": pa.int64(),
            "validation_loss": pa.float64(),
            "validation_score": pa.float64(),
            "test_loss": pa.float64(),
            "test_score": pa.float64(),
            "floor": pa.float64(),
            "milestones": pa.list_(MILESTONE),
            "device": pa.string(),
            "backend": pa.string(),
            "code": pa.string(),
            "weights_sha256": pa.string(),
        }
    ),
    "curves": pa.schema(
        {
            "condition": pa.string(),
            "seed": pa.int64(),
            "update": pa.int64(),
            "train_loss": pa.float64(),
            "gradient_norm": pa.float64(),
            "validation_loss": pa.float64(),
            "validation_score": pa.float64(),
        }
    ),
    "timing": pa.schema(
        {
            "condition": pa.string(),
            "seed": pa.int64(),
            "train_seconds": pa.float64(),
            "solve_seconds": pa.float64(),
            "started": pa.string(),
            "finished": pa.string(),
            "ensemble_seconds": pa.float64(),
            "evaluation_seconds": pa.float64(),
            "determinism": pa.string(),
            "peak_memory_bytes": pa.int64(),
            "lstm_bench": pa.string(),
            "python": pa.string(),
            "torch": pa.string(),
            "numpy": pa.string(),
            "platform": pa.string(),
            "processor": pa.string(),
            "gpu": pa.string(),
            "instruction_set": pa.string(),
            "library_settings": pa.string(),
        }
    ),
}


def collect(results: Results, blocks: Iterable[tuple[str, str]], name: str) -> pd.DataFrame:
    """The rows of `name` (replicates, curves or timing) of (condition, block) pairs.

    Its columns are all there, of their own types, whatever became of the blocks and where there is
    none. Raises DamagedFile for the first file that is missing or not whole.
    """
    paths = (results.block(condition, block) / f"{name}.parquet" for condition, block in blocks)
    return read_all(paths, COLUMNS[name])


def read_all(paths: Iterable[Path], columns: pa.Schema | None = None) -> pd.DataFrame:
    """Concatenate tables; a column that is empty in some of them takes its type from the others.

    columns   those there must be, with the types of those that are empty in all of them
    """
    tables = [read_table(path).replace_schema_metadata() for path in paths]
    found = pa.concat_tables(tables, promote_options="permissive") if tables else pa.table({})
    for field in columns or ():
        empty = pa.nulls(len(found), field.type)
        place = found.schema.get_field_index(field.name)
        if place < 0:
            found = found.append_column(field, empty)
        elif pa.types.is_null(found.schema.field(place).type):
            found = found.set_column(place, field, empty)
    return found.to_pandas()
