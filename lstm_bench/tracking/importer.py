"""Bringing MLflow up to date with `results/`: as often as one likes, every run once."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain

from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.tracking import client, page
from lstm_bench.tracking.address import NoAnswer
from lstm_bench.tracking.blocks import finished_blocks
from lstm_bench.tracking.known import Known, every_plan, tracked_as
from lstm_bench.tracking.wanted import DesiredRun, conditions, experiments, told_unless

PAUSE = 10.0  # seconds between tries: a server that is started again needs about as many


@dataclass(frozen=True)
class ImportCounts:
    """What an import did: counts of runs, `missing` counts seed blocks that are not finished."""

    added: int
    replaced: int
    unchanged: int
    missing: int
    seconds: float
    where: str
    experiment_id: str
    artifacts: str = ""  # where they lie, where the database is not the folder's own

    def __str__(self) -> str:
        artifacts = f"; artifacts lie in {self.artifacts}" if self.artifacts else ""
        waiting = f"; {self.missing} seed blocks are not finished yet" if self.missing else ""
        return (
            f"{self.where}: {self.added} runs added, {self.replaced} replaced, "
            f"{self.unchanged} unchanged in {self.seconds:.1f} s{artifacts}{waiting}"
        )


def track(plan: Plan, results: Results, *, uri: str | None = None, tries: int = 1) -> ImportCounts:
    """Import everything of this plan that is finished, and what is stored beside it.

    That is what other plans with the same `tracking.experiment` trained, and `lstm-bench train`.

    `uri` is MLflow's; without one MLFLOW_TRACKING_URI holds, and without that `results/mlflow.db`.
    A store that fails is tried so many times, each from what it has by then. Raises NoAnswer when
    it fails the last time, DamagedFile for a stored file that is not whole.
    """
    for _ in range(tries - 1):
        try:
            return _track(plan, results, uri)
        except NoAnswer:
            time.sleep(PAUSE)
    return _track(plan, results, uri)


def track_all(plan: Plan, results: Results) -> Iterator[ImportCounts]:
    """`track` of this plan, then of others that name another `tracking.experiment` and trained."""
    named: dict[str, Plan] = {}
    for each in every_plan(plan, results):
        named.setdefault(tracked_as(each), each)
    stored = set(results.blocks())
    for each in named.values():
        if each is plan or stored & {results.block(*pair) for pair in each.blocks(each.asked)}:
            yield track(each, results)


def _track(plan: Plan, results: Results, uri: str | None) -> ImportCounts:
    began = time.monotonic()
    known = Known.of(plan, results)
    with client.opened(tracked_as(plan), results, uri) as store:
        importer = _Importer(store)
        finished, missing = finished_blocks(plan, known, results)
        for wanted in chain(conditions(known, results, finished), experiments(known, results)):
            with told_unless(wanted.needed):
                importer.bring(wanted)
        tags = page.experiment_tags(plan, store.experiment_id)
        store.describe(tags, page.outdated(store.tags, tags))
        count = importer.count
    return ImportCounts(
        added=count["added"],
        replaced=count["replaced"],
        unchanged=count["unchanged"],
        missing=missing,
        seconds=time.monotonic() - began,
        where=store.where,
        experiment_id=store.experiment_id,
        artifacts=store.artifacts,
    )


class _Importer:
    def __init__(self, store: client.Store) -> None:
        self.store, self.seen, self.count = store, store.runs(), Counter[str]()

    def bring(self, wanted: DesiredRun, parent: Mapping[str, str] | None = None) -> None:
        """Make a run and its children what they should be.

        The digest is set last: a run without one was cut off half way and is made anew, as is one
        with another digest. A second run of the same key is what a retry left behind.
        """
        seen = self.seen.get(wanted.key, [])
        same = next((run for run in seen if run.digest == wanted.digest), None)
        for run in seen:
            if run is not same:
                self.store.delete(run.id)
        loose = {**wanted.loose, **(parent or {})}
        if same is None:
            record = wanted.record()
            id = self.store.start(record, wanted.key, loose)
        else:
            id = same.id
            for name, value in loose.items():
                if same.tags.get(name, "") != value:
                    self.store.tag(id, name, value)
            if same.name != wanted.name:
                self.store.rename(id, wanted.name)
        for child in wanted.children:
            self.bring(child, {client.PARENT: id})
        if same is None:
            self.store.finish(id, record, wanted.files(), wanted.digest)
        self.count["unchanged" if same else "replaced" if seen else "added"] += 1
