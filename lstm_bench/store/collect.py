"""Many seed blocks as one table. pandas is imported here and by those who ask."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa

from lstm_bench.store.paths import Results
from lstm_bench.store.tables import read_table


def collect(results: Results, blocks: Iterable[tuple[str, str]], name: str) -> pd.DataFrame:
    """The rows of `name` (replicates, curves or timing) of (condition, block) pairs.

    Raises DamagedFile for the first file that is missing or not whole.
    """
    return read_all(
        results.block(condition, block) / f"{name}.parquet" for condition, block in blocks
    )


def read_all(paths: Iterable[Path]) -> pd.DataFrame:
    """Concatenate tables; a column that is empty in some of them takes its type from the others."""
    tables = [read_table(path).replace_schema_metadata() for path in paths]
    if not tables:
        return pd.DataFrame()
    return pa.concat_tables(tables, promote_options="permissive").to_pandas()
