"""The runs MLflow should have: each with a key, a digest and a way to make it.

A condition is a run; its replicates are its child runs; a concluded experiment is a run. A key
names what a run is about (condition and seed, so that changing `seed_block` doubles nothing); a
digest covers everything a run shows, so that an equal digest means there is nothing to do.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from lstm_bench.errors import DamagedFile, tell
from lstm_bench.spec import digest
from lstm_bench.store.checksums import read_checked_json
from lstm_bench.store.files import sha256
from lstm_bench.store.paths import EXPERIMENT_FILES, Results
from lstm_bench.tracking import notes
from lstm_bench.tracking.blocks import Finished
from lstm_bench.tracking.conditions import ConditionRun
from lstm_bench.tracking.known import Known
from lstm_bench.tracking.names import colours, names
from lstm_bench.tracking.records import Record

VERSION = 2  # of what a run shows: raising it imports every run anew


@dataclass(frozen=True)
class DesiredRun:
    """A run as it should be. Name and `loose` tags may change without a new run being made."""

    key: str
    name: str
    digest: str
    record: Callable[[], Record]
    files: Callable[[], Mapping[str, bytes]] = dict
    loose: Mapping[str, str] = field(default_factory=dict)
    children: tuple[DesiredRun, ...] = ()
    needed: bool = True  # by the sweep that is tracked


def conditions(known: Known, results: Results, finished: Finished) -> Iterator[DesiredRun]:
    """One run a condition with its replicates below it.

    Raises DamagedFile for a file of the sweep that is tracked; others are told and left out.
    """
    shown, colour = names(known, finished), colours(known, finished)
    for run, blocks in finished.items():
        needed = any(block.needed for block in blocks)
        wanted = None
        with told_unless(needed):
            found = ConditionRun.of(known, results, *run, shown[run], blocks)
            wanted = _condition(found, colour[run], needed)
        if wanted:
            yield wanted


def experiments(known: Known, results: Results) -> Iterator[DesiredRun]:
    """One run a concluded experiment."""
    for name in known.concluded(results):
        yield _experiment(name, results.experiment(name))


@contextlib.contextmanager
def told_unless(needed: bool) -> Iterator[None]:
    """Go on after a damaged file that is not needed, and say so."""
    try:
        yield
    except DamagedFile as error:
        if needed:
            raise
        tell(error)


def _condition(run: ConditionRun, colour: str, needed: bool) -> DesiredRun:
    loose = {"experiments": ", ".join(run.experiments), "mlflow.runColor": colour}
    children = tuple(
        DesiredRun(
            key=f"{run.id}/seed-{seed}",
            name=run.name_of(seed),
            digest=digest([VERSION, run.facts, block.checksums, seed], 16),
            record=partial(run.replicate, seed),
            files=partial(run.replicate_files, seed),
            loose=loose,
            needed=needed,
        )
        for block in run.blocks
        for seed in block.seeds
    )
    return DesiredRun(
        key=f"{run.id}/{run.purpose}",
        name=run.name,
        digest=digest([VERSION, run.facts, [child.digest for child in children]], 16),
        record=run.condition,
        files=run.files,
        loose={
            **loose,
            "sweep": run.sweep,
            "last_experiments": ", ".join(run.last_experiments),
        },
        children=children,
        needed=needed,
    )


def _experiment(name: str, folder: Path) -> DesiredRun:
    paths = sorted(path for name in EXPERIMENT_FILES if (path := folder / name).exists())
    checksums = [[path.name, sha256(path.read_bytes())] for path in paths]

    def record() -> Record:
        verdict = folder / "verdict.json"
        written = round(verdict.stat().st_mtime * 1000)
        answer = str(read_checked_json(verdict).get("answer", ""))
        note = notes.experiment(name, answer)
        tags = {"level": "experiment", "answer": answer, notes.NOTE: note}
        return Record(f"experiment: {name}", "FINISHED", written, written, tags)

    return DesiredRun(
        key=f"experiment/{name}",
        name=f"experiment: {name}",
        digest=digest([VERSION, checksums], 16),
        record=record,
        files=lambda: {path.name: path.read_bytes() for path in paths},
    )
