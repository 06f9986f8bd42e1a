"""The runs MLflow should have: each with a key, a digest and a way to make it.

A condition is a run; its replicates are its child runs; a concluded experiment is a run. A key
names what a run is about (condition and seed, so that changing `seed_block` doubles nothing); a
digest covers everything a run shows, so that an equal digest means there is nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from lstm_bench.spec import digest
from lstm_bench.store.files import sha256
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.store.seals import read_sealed_json
from lstm_bench.tracking import notes
from lstm_bench.tracking.blocks import Finished
from lstm_bench.tracking.conditions import ConditionRun
from lstm_bench.tracking.names import Names
from lstm_bench.tracking.records import Record

VERSION = 1  # of what a run shows: raising it imports every run anew


@dataclass(frozen=True)
class Wanted:
    """A run as it should be. `loose` tags may change without a new run being made."""

    key: str
    digest: str
    record: Callable[[], Record]
    files: Callable[[], Mapping[str, bytes]] = dict
    loose: Mapping[str, str] = field(default_factory=dict)
    children: tuple[Wanted, ...] = ()


def wanted_runs(plan: Plan, results: Results, finished: Finished) -> Iterator[Wanted]:
    """One run a condition with its replicates below it, then one a concluded experiment."""
    names = Names.of(plan)
    for (condition, purpose), blocks in finished.items():
        yield _condition(ConditionRun.of(plan, results, names, condition, purpose, blocks))
    for name in plan.experiments:
        if (results.experiment(name) / "verdict.json").exists():
            yield _experiment(name, results.experiment(name))


def _condition(run: ConditionRun) -> Wanted:
    loose = {"experiments": ", ".join(run.experiments), "mlflow.runColor": run.colour}
    children = tuple(
        Wanted(
            key=f"{run.id}/seed-{seed}",
            digest=digest([VERSION, run.facts, block.seals, seed], 16),
            record=partial(run.replicate, seed),
            loose=loose,
        )
        for block in run.blocks
        for seed in block.seeds
    )
    return Wanted(
        key=f"{run.id}/{run.purpose}",
        digest=digest([VERSION, run.facts, [child.digest for child in children]], 16),
        record=run.condition,
        files=run.files,
        loose=loose,
        children=children,
    )


def _experiment(name: str, folder: Path) -> Wanted:
    paths = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    seals = [[path.name, sha256(path.read_bytes())] for path in paths]

    def record() -> Record:
        verdict = folder / "verdict.json"
        written = round(verdict.stat().st_mtime * 1000)
        answer = str(read_sealed_json(verdict).get("answer", ""))
        note = notes.experiment(name, answer)
        tags = {"level": "experiment", "answer": answer, notes.NOTE: note}
        return Record(f"experiment: {name}", "FINISHED", written, written, tags)

    return Wanted(
        key=f"experiment/{name}",
        digest=digest([VERSION, seals], 16),
        record=record,
        files=lambda: {path.name: path.read_bytes() for path in paths},
    )
