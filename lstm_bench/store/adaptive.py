"""What the record of a climb or a search says it trained."""

from __future__ import annotations

from pathlib import Path

from lstm_bench.errors import DamagedFile
from lstm_bench.store.checksums import read_checked_json
from lstm_bench.store.files import damaged
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan

Pair = tuple[str, str]  # a condition's id and a seed block's name


def tried(record: Path) -> set[Pair]:
    """The seed blocks that were trained. Raises DamagedFile where the job is not finished."""
    return _read(record)[0]


def _read(record: Path) -> tuple[set[Pair], object]:
    """What was trained, and what was asked: None in a record of before 0.9."""
    try:
        content = read_checked_json(record)
        trained = {(condition, block) for condition, block in content["tried"]}
        return trained, content.get("asked")
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(record, error) from error


def forget_incomplete(plan: Plan, results: Results) -> None:
    """Delete the records of which a run is there no more, and those of another ladder or search.

    A shorter one has the same name, and would pass for this one, ended early, where nothing but
    files is left of the sweep that wrote it. The job is run again, and trains what is missing.
    """
    planned = {results.ladder(name): ladder.asked for name, ladder in plan.ladders.items()}
    planned |= {results.search(name): search.asked for name, search in plan.searches.items()}
    for record, wanted in planned.items():
        try:
            trained, asked = _read(record)
        except DamagedFile:
            continue
        files = (results.block(*pair) / "replicates.parquet" for pair in trained)
        if asked != wanted or not all(file.exists() for file in files):
            forget(record)


def forget(record: Path) -> None:
    """Delete a record and its checksum: the job is run again, and trains what is missing."""
    for path in (record, record.with_suffix(".sha256")):
        path.unlink(missing_ok=True)
