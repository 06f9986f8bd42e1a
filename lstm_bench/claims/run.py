"""Judging every claim of a plan from what is stored: verdicts, their table, and seconds beside."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lstm_bench.claims.base import Claim, labels_of
from lstm_bench.claims.judge import Comparison, Judged, compare, settle
from lstm_bench.claims.sentence import as_json
from lstm_bench.claims.statistics import rows_where
from lstm_bench.experiments import Evidence, Experiment
from lstm_bench.experiments.run import create, csv_bytes, evidence
from lstm_bench.experiments.runs import counted
from lstm_bench.experiments.words import not_trained
from lstm_bench.spec import DEVELOPMENT_SEEDS
from lstm_bench.stats.family import seeds_to_tell_apart, tie_groups
from lstm_bench.store.checksums import write_checked
from lstm_bench.store.files import json_bytes
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan

VERDICTS = ["id", "family", "verdict", "exploratory", "statistic", "effect", "low", "high", "n"]
VERDICTS += ["threshold", "alpha", "p_adjusted", "more_replicates", "reason", "quote"]
VOTES = ["id", "task", "vote", "effect", "low", "high", "n", "p", "p_adjusted"]
VALUES = ["claim", "task", "cell", "seed", "T", "width", "value"]
SECONDS = ["claim", "task", "T", "width", "cell", "seconds_per_update", "backend"]
PROBED = ["task", "cell", "T", "width", "flops_per_update"]


def judge(plan: Plan, results: Results) -> Path:
    """Write verdicts, votes, the values behind them and seconds beside; returns their folder."""
    sources: dict[str, Source] = {}
    entries = [(Claim(**entry.declared), entry.not_judged) for entry in plan.claims.values()]
    judged, values = [], []
    for claim, reason in sorted(entries, key=lambda entry: (entry[0].order, entry[0].id)):
        each, name = Judged(claim, trained=not reason, reason=reason), claim.experiment
        each.block = plan.sweep.seed_block
        each.pilot = plan.sweep.first_seed < DEVELOPMENT_SEEDS
        each.exploratory = _exploratory(plan, claim)
        each.not_trained = [pair for pair in claim.beside if not _trained(plan, claim, pair)]
        judged.append(each)
        if not reason and name not in sources:
            sources[name] = Source(plan, create(name, plan), evidence(plan, name, results))
        if not reason:
            values.append(sources[name].judge(each))
    families = settle(judged)
    rows = [as_json(each) for each in judged]
    files = {
        "verdicts.json": json_bytes(
            {"families": families, "declaration": vars(plan.declaration), "claims": rows}
        ),
        "verdicts.csv": csv_bytes(pd.DataFrame(rows, columns=VERDICTS)),
        "votes.csv": csv_bytes(pd.DataFrame(_votes(rows), columns=VOTES)),
        "values.csv": csv_bytes(_stacked(values, VALUES)),
    }
    write_checked(results.claims / "verdicts.sha256", files)
    seconds = [
        sources[each.claim.experiment].seconds(each.claim)
        for each in judged
        if each.claim.experiment in sources
    ]
    measured = csv_bytes(_stacked(seconds, SECONDS))
    write_checked(results.claims / "measured_seconds.sha256", {"measured_seconds.csv": measured})
    return results.claims


def _exploratory(plan: Plan, claim: Claim) -> bool:
    """Whether a test was not declared before it ran; a count needs no seeds."""
    pilot = plan.sweep.first_seed < DEVELOPMENT_SEEDS
    return bool(plan.declaration.exploratory) and not pilot and not claim.measure.exact


def _votes(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """A row a claim and task."""
    return [{"id": claim["id"], **vote} for claim in rows for vote in claim["by_task"]]


def _stacked(frames: Iterable[pd.DataFrame | None], columns: Sequence[str]) -> pd.DataFrame:
    """The rows of those that are there, with these columns."""
    there = [each for each in frames if each is not None]
    return (pd.concat(there) if there else pd.DataFrame()).reindex(columns=columns)


def _trained(plan: Plan, claim: Claim, cells: Sequence[str]) -> bool:
    """Whether the claim's experiment has these cells, all of the sweep's where it trains none."""
    labels, entry = labels_of(plan.sweep.cells, ()), plan.experiments.get(claim.experiment)
    there = {m.cell for m in entry.members} if entry else set()
    return all(labels.get(name, name) in (there or labels.values()) for name in cells)


@dataclass(frozen=True)
class Source:
    """What an experiment has stored, read once for all its claims."""

    plan: Plan
    experiment: Experiment
    evidence: Evidence

    def labels(self, names: Iterable[str]) -> list[str]:
        """Those of cells and tasks; one that the experiment alone has goes by its label."""
        sweep, entry = self.plan.sweep, self.plan.experiments[self.experiment.name]
        labels = labels_of(sweep.cells, entry.tasks or sweep.tasks)
        return [labels.get(name, name) for name in names]

    @cached_property
    def measured(self) -> pd.DataFrame:
        """Its measured columns, one row a replicate."""
        return self.experiment.measured(self.evidence)

    @property
    def runs(self) -> pd.DataFrame:
        """Its replicates, those that were not tried too, but not those an error ended."""
        return counted(self.evidence.runs)

    @property
    def probe(self) -> pd.DataFrame:
        probe = self.evidence.probe
        return pd.DataFrame(columns=PROBED) if probe is None else probe

    def judge(self, judged: Judged) -> pd.DataFrame | None:
        """Compare what the claim compares, or give the reason why not; returns its values."""
        claim = judged.claim
        judged.reason = self._nothing_trained(claim)
        if judged.reason:
            return None
        try:
            values, judged.found = self.compare(claim, claim.cells)
        except KeyError as error:
            name = self.experiment.name
            judged.reason = f"what {name!r} measures has no column {error.args[0]!r}."
            return None
        pairs = [pair for pair in claim.beside if pair not in judged.not_trained]
        judged.others = [self.compare(claim, pair)[1] for pair in pairs]
        for name, where in claim.variants.items():
            variant = replace(claim, where={**claim.where, **where})
            found = self.compare(variant, claim.cells)[1]
            judged.others.append(replace(found, note=name))
        judged.ties, judged.ties_need = self.ties(claim)
        judged.conditions = self.conditions(claim)
        return values.assign(claim=claim.id)

    def _nothing_trained(self, claim: Claim) -> str:
        """How all replicates of the claim's cells ended, where none was trained to an end.

        They are equal in nothing but that, and more of them would decide nothing.
        """
        if not self.evidence.judged:
            return self.experiment.nothing(self.evidence)
        if claim.column in self.experiment.untrained:
            return ""
        statuses = rows_where(self.evidence.runs, {"cell": self.labels(claim.cells)}).status
        failed, ends = not_trained(statuses)
        return f"{ends}." if 0 < failed == len(statuses) else ""

    def compare(self, claim: Claim, cells: Sequence[str]) -> tuple[pd.DataFrame, Comparison]:
        """The values of these cells, and what they come to. Raises KeyError for no such column."""
        names, measure = self.labels(cells), claim.measure
        where = {**claim.where, "cell": names}
        if claim.tasks:
            where["task"] = self.labels(claim.tasks)
        rows = rows_where(getattr(self, measure.reads), where)
        values = measure.values(rows, names)
        found = compare(values, names, measure.exact)
        none = {str(task): np.array([]) for task in dict.fromkeys(rows.task)}
        return values, replace(found, tasks={**none, **found.tasks})

    def ties(self, claim: Claim) -> tuple[dict[str, list[list[str]]], int | None]:
        """By task, all cells of the sweep in groups that cannot be told apart, best first.

        No groups, and the seeds they take, where fewer cannot tell any two apart.
        """
        if not claim.measure.ties:
            return {}, None
        cells, groups = self.evidence.cells, {}
        values = claim.measure.values(rows_where(self.runs, {"cell": cells}), cells)
        need = seeds_to_tell_apart(len(cells), claim.alpha)
        for task, own in values.groupby("task", sort=False):
            wide = own.pivot_table(index="seed", columns="cell", values="value").dropna()
            if len(wide) >= need:
                by_cell = {str(cell): wide[cell].tolist() for cell in wide}
                groups[str(task)] = tie_groups(by_cell, claim.alpha)
        return groups, None if groups else need

    def conditions(self, claim: Claim) -> Mapping[str, object]:
        """What the effect is conditional on: it may be another at another width, budget or rate."""
        members = self.plan.experiments[self.experiment.name].members
        factors = {name for member in members for name in member.factors}
        where = {key: value for key, value in claim.where.items() if key in {*factors, "T"}}
        where["cell"] = self.labels(claim.cells)
        runs, sweep = rows_where(self.evidence.runs, where), self.plan.sweep
        return {
            "tasks": sorted(set(runs.task)),
            "lengths": sorted(set(runs["T"])),
            "widths": sorted(set(runs.width)),
            "updates": sweep.training.updates,
            "batch": sweep.training.batch,
            "optimiser": sweep.training.optimiser,
            "learning_rates": dict(zip(runs.cell + " on " + runs.task, runs.learning_rate)),
            "seeds": [sweep.first_seed, sweep.first_seed + sweep.replicates - 1],
        }

    def seconds(self, claim: Claim) -> pd.DataFrame | None:
        """Measured seconds of an update for the claim's cells: beside the verdict, never in it."""
        if claim.statistic not in ("updates_to_solve", "flops_per_update"):
            return None
        cells = {"cell": self.labels(claim.cells)}
        if "update_seconds" in self.probe:
            rows = rows_where(self.probe, cells)
            rows = rows.assign(seconds_per_update=rows.update_seconds)
        else:
            runs = rows_where(self.evidence.runs, cells)
            runs = runs[runs.trained > 0]
            placed = runs.assign(place=pd.factorize(runs.task)[0])  # by task, T and cell
            runs = placed.sort_values(["place", "T"], kind="stable")
            keys = ["task", "T", "width", "cell", "backend"]
            rows = runs.groupby(keys, sort=False)[["train_seconds", "trained"]].sum().reset_index()
            rows["seconds_per_update"] = rows.train_seconds / rows.trained
        return rows.assign(claim=claim.id)
