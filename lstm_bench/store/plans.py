"""The plan: what the config means, resolved. A JSON file the Snakefile reads in milliseconds.

`planning.ensure` makes it; here it is read, and asked which files belong to what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from lstm_bench.errors import BenchError, DamagedFile
from lstm_bench.spec import Training, canonical, digest
from lstm_bench.store import paths
from lstm_bench.store.checksums import read_checked_json, write_checked
from lstm_bench.store.files import damaged, read_json, write_json
from lstm_bench.store.planned import (
    PlannedClaim,
    PlannedCondition,
    PlannedDeclaration,
    PlannedExperiment,
    PlannedLadder,
    PlannedSearch,
    PlannedTable,
)
from lstm_bench.sweep import Choice
from lstm_bench.typed import from_json


@dataclass(frozen=True)
class PlannedSweep:
    """What holds for the whole sweep: see `sweep.Sweep`.

    other_than_tuned   what rates in use were tuned with and this sweep does otherwise
    untuned            `lstm on adding`: trained with the config's own learning rate
    faults             by the label of a cell, the promises that it does not keep
    """

    tasks: tuple[Choice, ...] = ()
    cells: tuple[Choice, ...] = ()
    training: Training = field(default_factory=Training)
    width: int | Mapping[str, object] = 0
    network: Mapping[str, object] = field(default_factory=dict)
    replicates: int = 0
    seed_block: int = 0
    first_seed: int = 0
    other_than_tuned: Mapping[str, object] = field(default_factory=dict)
    untuned: tuple[str, ...] = ()
    faults: Mapping[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """A config resolved: what is trained, measured and concluded, and what decides it.

    config    the config as it was given, with the schema's defaults
    package   the version of lstm_bench that planned
    code      digests of the code of the stages that read all experiments, by stage
    notices   what a user should know before the sweep starts, a sentence each
    path      where it lies; no part of the file
    """

    config: Mapping[str, Any]
    sweep: PlannedSweep = field(default_factory=PlannedSweep)
    conditions: Mapping[str, PlannedCondition] = field(default_factory=dict)
    experiments: Mapping[str, PlannedExperiment] = field(default_factory=dict)
    ladders: Mapping[str, PlannedLadder] = field(default_factory=dict)
    searches: Mapping[str, PlannedSearch] = field(default_factory=dict)
    tables: Mapping[str, PlannedTable] = field(default_factory=dict)
    claims: Mapping[str, PlannedClaim] = field(default_factory=dict)
    declaration: PlannedDeclaration = field(default_factory=PlannedDeclaration)
    code: Mapping[str, str] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    package: str = ""
    path: Path = Path()

    @classmethod
    def read(cls, path: Path) -> Plan:
        """Raises DamagedFile when it is missing or not what was written."""
        data = read_checked_json(path)
        try:
            return replace(from_json(cls, data), path=path)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise damaged(path, f"another version of lstm_bench wrote it: {error}") from error

    def write(self, path: Path) -> Plan:
        """Write it, on one line: indented, ten thousand conditions take seconds; returns it so."""
        kept = {each.name: getattr(self, each.name) for each in fields(self)}
        data = canonical({key: value for key, value in kept.items() if key != "path"}) + "\n"
        write_checked(path.with_suffix(".sha256"), {path.name: data.encode()})
        return replace(self, path=path)

    @property
    def asked(self) -> list[str]:
        """The experiments of the sweep; tuning is planned too, but only run when asked for."""
        return list(self.config["experiments"])

    @classmethod
    def last_run(cls, results: paths.Results) -> Plan:
        """The plan last run: planning alone, a dry run or an estimate, does not count.

        Where none is marked, as up to 0.3.4, the newest. Raises BenchError where there is none.
        """
        marks = sorted(results.ran(), key=lambda path: path.stat().st_mtime)
        plans = [plan for mark in marks if (plan := results.plan(mark.stem)).exists()]
        plans = plans or results.plans()
        if not plans:
            folder = results.plan("x").parent
            raise BenchError(
                f"{folder} holds no plan: nothing was run here; run snakemake first, or "
                "lstm-bench train."
            )
        return cls.read(plans[-1])

    def mark_run(
        self, results: paths.Results, layers: Iterable[str], inherited: Sequence[str] = ()
    ) -> None:
        """Note that this plan is run now, the config files that made it, what they inherited."""
        about = {"config": list(layers), "inherited": list(inherited)}
        write_json(results.mark(self.path.stem), about)

    def inherited(self, results: paths.Results) -> list[str]:
        """What its config files inherited (`planning.overlays`) when it was last run."""
        return self._marked(results, "inherited")

    def layers(self, results: paths.Results) -> list[str]:
        """The config files it was last run with; none where it was not, or by 0.3.4."""
        return self._marked(results, "config")

    def _marked(self, results: paths.Results, key: str) -> list[str]:
        try:
            return [str(name) for name in read_json(results.mark(self.path.stem))[key]]
        except (DamagedFile, KeyError, TypeError):
            return []

    def named(self, results: paths.Results) -> str:
        """`config.yaml + smoke.yaml (plan 0123abcd)`: which sweep this is, for people."""
        layers = self.layers(results) or ["a config that was not run here"]
        return f"{' + '.join(layers)} (plan {self.path.stem[:8]})"

    def blocks(self, experiments: Iterable[str]) -> list[tuple[str, str]]:
        """(condition id, block name) of every seed block these experiments need, once each."""
        return list(dict.fromkeys(pair for n in experiments for pair in self.experiments[n].runs))

    def every_block(self) -> list[tuple[str, str]]:
        """The seed blocks of every experiment and every published table, once each."""
        published = [pair for row in self.tables.values() for pair in row.runs]
        return list(dict.fromkeys([*self.blocks(self.experiments), *published]))

    @cached_property
    def ladder_of(self) -> Mapping[tuple[str, str], str]:
        """The ladder that trains a seed block, of those that one trains."""
        return {pair: name for name, ladder in self.ladders.items() for pair in ladder.runs}

    def block_files(self, experiments: Iterable[str], names: Iterable[str]) -> list[str]:
        """What says that every seed block these experiments need is trained: its files.

        Of a ladder's, the record of the climb.
        """
        return self._files(self.blocks(experiments), names)

    def _files(self, pairs: Iterable[tuple[str, str]], names: Iterable[str]) -> list[str]:
        found = dict[str, None]()
        for condition, block in pairs:
            if ladder := self.ladder_of.get((condition, block)):
                found[paths.LADDER.format(ladder=ladder)] = None
            else:
                folder = paths.BLOCK.format(condition=condition, block=block)
                found |= dict.fromkeys(f"{folder}/{name}" for name in names)
        return list(found)

    def table_files(self, row: str) -> list[str]:
        """The one file of each seed block of a published table that is written last."""
        return [
            f"{paths.BLOCK.format(condition=condition, block=block)}/replicates.parquet"
            for condition, block in self.tables[row].runs
        ]

    def finished_files(self, experiments: Iterable[str]) -> list[str]:
        """The one file of each seed block, climb and search that is written last."""
        names = list(experiments)
        searches = self.searches if any(self.experiments[n].searches for n in names) else ()
        records = [paths.SEARCH.format(search=name) for name in searches]
        return [*self.block_files(names, ["replicates.parquet"]), *records]

    def probe_files(self, experiment: str) -> list[str]:
        """The probe this experiment reads, as a list of one or none.

        What was measured with other settings or by other code has another name, and stays.
        """
        entry = self.experiments[experiment]
        if not entry.probe:
            return []
        asked = digest([entry.probe_settings, entry.probe_code])
        return [paths.PROBE.format(probe=entry.probe, experiment=experiment, digest=asked)]

    def probe_inputs(self, experiment: str) -> list[str]:
        """The finished runs this experiment's probe measures: `runs` of its settings."""
        runs = self.experiments[experiment].probe_settings.get("runs", ())
        return self._files([(id, block) for id, block in runs], ["replicates.parquet"])

    def experiment_files(self, names: Iterable[str]) -> list[str]:
        """Every experiment of the sweep, its files of these names."""
        return [
            f"{paths.EXPERIMENT.format(experiment=experiment)}/{name}"
            for experiment in self.asked
            for name in names
        ]

    def figure_files(self) -> list[str]:
        """Every experiment of the sweep, its figure and, where it has one, its supplement."""
        return [
            *self.experiment_files(paths.EXPERIMENT_FIGURES),
            *(
                f"{paths.EXPERIMENT.format(experiment=experiment)}/{name}"
                for experiment in self.supplemented()
                if experiment in self.asked
                for name in paths.SUPPLEMENT_FIGURES
            ),
        ]

    def supplemented(self, whether: bool = True) -> list[str]:
        """The experiments that draw a supplement; with False, those that draw none."""
        return [name for name, entry in self.experiments.items() if entry.supplement == whether]

    def joined(self, experiment: str, results: paths.Results) -> dict[str, Path]:
        """The tables of other experiments that this one joins, those that are there."""
        tables = {
            name: results.experiment(name) / "table.csv"
            for name in self.experiments[experiment].reads
        }
        return {name: path for name, path in tables.items() if path.exists()}

    def joined_digest(self, experiment: str) -> str:
        """The digest of those tables: what is concluded from them is concluded again."""
        found = self.joined(experiment, paths.Results())
        return (
            digest([path.read_text(encoding="utf-8") for path in found.values()]) if found else ""
        )

    def beside(self, results: paths.Results) -> list[str]:
        """Experiments outside the sweep whose results are there and belong on the page."""
        files = (*paths.EXPERIMENT_TABLES, "summary.csv", "figure.svg", "figure.csv")
        return [
            name
            for name, entry in self.experiments.items()
            if entry.beside
            and name not in self.asked
            and all((results.experiment(name) / file).exists() for file in files)
        ]

    def beside_digest(self) -> str:
        """The digest of what they found and of an estimate: a page with others is written anew."""
        results = paths.Results()
        files = [results.experiment(name) / "verdict.json" for name in self.beside(results)]
        files += [path for path in [results.estimate(self.path.stem)] if path.exists()]
        return digest([path.read_text(encoding="utf-8") for path in files])

    def claim_files(self) -> list[str]:
        """What the verdicts on the claims wait for, once each.

        They are drawn from the runs too, but an experiment's table is younger than all of its runs.
        """
        judged = [e.declared["experiment"] for e in self.claims.values() if not e.not_judged]
        names = list(dict.fromkeys(judged))
        tables = [f"{paths.EXPERIMENT.format(experiment=name)}/table.csv" for name in names]
        probes = [file for name in names for file in self.probe_files(name)]
        return [*probes, *tables]

    def membership(self, experiment: str) -> str:
        """A digest of which conditions and seeds an experiment draws from, and under what name."""
        entry = self.experiments[experiment]
        return digest([entry.members, entry.blocks])
