"""What the record of a climb or a search says it trained."""

from __future__ import annotations

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


def lost(record: Path) -> list[str]:
    """What a finished job trained and is there no more: it is run again for that."""
    results = Results()
    try:
        pairs = sorted(tried(record))
    except DamagedFile:
        return []
    there = ((results.block(*pair) / "replicates.parquet").exists() for pair in pairs)
    return [" ".join(pair) for pair, is_there in zip(pairs, there) if not is_there]
