"""Tables as Parquet, checked by a checksum. pyarrow alone: training has no need of pandas."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from lstm_bench.store.files import damaged, write_bytes

SEAL = "sha256"


def write_table(
    path: Path, rows: Sequence[Mapping[str, object]], about: Mapping[str, str] | None = None
) -> None:
    """Write rows (same keys in each); the same rows give the same bytes."""
    table = pa.Table.from_pylist([dict(row) for row in rows])
    told = dict(about or {})
    table = table.replace_schema_metadata({**told, SEAL: _checksum(table, told)})
    buffer = pa.BufferOutputStream()
    pq.write_table(table, buffer, write_page_checksum=True, compression="zstd")
    write_bytes(path, buffer.getvalue().to_pybytes())


def read_table(path: Path) -> pa.Table:
    """Raises DamagedFile when the file is missing, truncated or altered."""
    try:
        data = pa.BufferReader(path.read_bytes())
        # one file, not a dataset: half the time, and a sweep reads tens of thousands
        file = pq.ParquetFile(data, page_checksum_verification=True, pre_buffer=False)
        # without Arrow's own threads: they can outlive the interpreter and abort it at its exit
        table = file.read(use_threads=False)
        about = {k.decode(): v.decode() for k, v in (table.schema.metadata or {}).items()}
        digest = about.pop(SEAL, "")
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise damaged(path, error) from error
    if digest != _checksum(table, about):
        raise damaged(path, "its contents do not match their checksum")
    return table.replace_schema_metadata(about)


def _checksum(table: pa.Table, about: Mapping[str, str]) -> str:
    """SHA-256 of names, values and metadata: Parquet's own covers the pages alone."""
    total = hashlib.sha256(repr(sorted(about.items())).encode())
    for name in table.column_names:
        total.update(repr((name, table[name].to_pylist())).encode())
    return total.hexdigest()


def read_about(path: Path) -> dict[str, str]:
    """The plain data written beside a table's rows."""
    metadata = read_table(path).schema.metadata or {}
    return {key.decode(): value.decode() for key, value in metadata.items()}
