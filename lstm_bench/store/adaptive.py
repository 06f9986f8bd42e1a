"""What the record of a climb or a search says it trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lstm_bench.errors import DamagedFile
from lstm_bench.store.checksums import read_checked_json
from lstm_bench.store.files import damaged
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan

Pair = tuple[str, str]  # a condition's id and a seed block's name


def tried(record: Path) -> set[Pair]:
    """The seed blocks that were trained. Raises DamagedFile where the job is not finished."""
    try:
        return {(condition, block) for condition, block in read_checked_json(record)["tried"]}
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(record, error) from error


def forget_incomplete(plan: Plan, results: Results) -> None:
    """Delete the records of which a run is there no more, and those of another ladder or search.

    A shorter one has the same name, and would pass for this one, ended early, where nothing but
    files is left of the sweep that wrote it. The job is run again, and trains what is missing.
    """
    asked: dict[Path, Any] = {results.ladder(n): e.runs for n, e in plan.ladders.items()}
    asked |= {results.search(n): e.asked for n, e in plan.searches.items()}
    for record, wanted in asked.items():
        try:
            blocks = [results.block(*pair) for pair in tried(record)]
            same = read_checked_json(record).get("asked") == json.loads(json.dumps(wanted))
        except DamagedFile:
            continue
        if not same or not all((block / "replicates.parquet").exists() for block in blocks):
            forget(record)


def forget(record: Path) -> None:
    """Delete a record and its checksum: the job is run again, and trains what is missing."""
    for path in (record, record.with_suffix(".sha256")):
        path.unlink(missing_ok=True)
