"""Tables as Parquet with page checksums. pyarrow alone: training has no need of pandas."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from lstm_bench.store.files import damaged, write_bytes


def write_table(
    path: Path, rows: Sequence[Mapping[str, Any]], about: Mapping[str, str] | None = None
) -> None:
    """Write rows (same keys in each); the same rows give the same bytes."""
    table = pa.Table.from_pylist([dict(row) for row in rows])
    if about:
        table = table.replace_schema_metadata(dict(about))
    buffer = io.BytesIO()
    pq.write_table(table, buffer, write_page_checksum=True, compression="zstd")
    write_bytes(path, buffer.getvalue())


def read_table(path: Path) -> pa.Table:
    """Raises DamagedFile when the file is missing, truncated or altered."""
    try:
        return pq.read_table(io.BytesIO(path.read_bytes()), page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        raise damaged(path, error) from error


def read_about(path: Path) -> dict[str, str]:
    """The plain data written beside a table's rows."""
    metadata = read_table(path).schema.metadata or {}
    return {key.decode(): value.decode() for key, value in metadata.items()}
