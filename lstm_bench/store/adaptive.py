"""What the record of a climb or a search says it trained."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from lstm_bench.errors import DamagedFile
from lstm_bench.store.checksums import read_checked_json
from lstm_bench.store.files import damaged
from lstm_bench.store.paths import Results

Pair = tuple[str, str]  # a condition's id and a seed block's name


def tried(record: Path) -> set[Pair]:
    """The seed blocks that were trained. Raises DamagedFile where the job is not finished."""
    try:
        return {(condition, block) for condition, block in read_checked_json(record)["tried"]}
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(record, error) from error


def forget_incomplete(results: Results, records: Iterable[Path]) -> None:
    """Delete the records of which a run is there no more: what needs them has it trained again."""
    for record in records:
        try:
            blocks = [results.block(*pair) for pair in tried(record)]
        except DamagedFile:
            continue
        if not all((block / "replicates.parquet").exists() for block in blocks):
            forget(record)


def forget(record: Path) -> None:
    """Delete a record and its checksum: the job is run again, and trains what is missing."""
    for path in (record, record.with_suffix(".sha256")):
        path.unlink(missing_ok=True)
