"""Judging every claim of a plan from what is stored: verdicts, their table, and seconds beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import pandas as pd

from lstm_bench.claims.base import Claim
from lstm_bench.claims.judge import (
    Comparison,
    Judged,
    agreement,
    column_values,
    compare,
    named,
    plain,
    rows_where,
    settle,
    side,
)
from lstm_bench.claims.sentence import answer, told, told_interval, told_p
from lstm_bench.claims.statistics import COLUMN, registry
from lstm_bench.experiments import Evidence, Experiment
from lstm_bench.experiments.run import create, csv_bytes, evidence
from lstm_bench.experiments.words import not_trained
from lstm_bench.stats.family import tie_groups
from lstm_bench.store.checksums import write_checked
from lstm_bench.store.files import json_bytes
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan

VALUES = ["claim", "task", "cell", "seed", "T", "width", "value"]
SECONDS = ["claim", "task", "T", "width", "cell", "seconds_per_update", "backend"]


@dataclass
class Stored:
    """What an experiment has stored, read once for all its claims."""

    experiment: Experiment
    evidence: Evidence

    @cached_property
    def measured(self) -> pd.DataFrame:
        """Its measured columns, one row a replicate."""
        return self.experiment.measured(self.evidence)


def judge(plan: Plan, results: Results) -> Path:
    """Write the verdicts, the values behind them and the seconds beside; returns their folder."""
    seen: dict[str, Stored] = {}
    judged, others, groups, values = [], {}, {}, []
    entries = plan.claims.values()  # JSON has sorted them by name
    for entry in sorted(entries, key=lambda e: (e.declared["order"], e.declared["id"])):
        claim = Claim(**entry.declared)
        each = Judged(claim, reason=entry.not_judged)
        judged.append(each)
        if each.reason:
            continue
        name = claim.experiment
        if name not in seen:
            seen[name] = Stored(create(name, plan), evidence(plan, name, results))
        stored = seen[name]
        if not stored.evidence.judged:
            each.reason = stored.experiment.nothing(stored.evidence)
            continue
        each.reason = _nothing_trained(claim, stored.evidence, plan)
        if each.reason:
            continue
        try:
            found, each.found = _compare(claim, claim.cells, stored, plan)
        except KeyError as error:
            each.reason = f"what {name!r} measures has no column {error.args[0]!r}."
            continue
        values.append(found.assign(claim=claim.id))
        there = [pair for pair in claim.beside if _trained(claim, pair, plan)]
        others[claim.id] = [_compare(claim, pair, stored, plan)[1] for pair in there]
        for name, where in claim.variants.items():
            other = replace(claim, where={**claim.where, **where})
            compared = _compare(other, claim.cells, stored, plan)[1]
            others[claim.id].append(replace(compared, note=name))
        groups[claim.id] = _ties(claim, stored.evidence, plan)
    claims = settle(judged)
    rows = [
        _row(each, others.get(each.claim.id, []), groups.get(each.claim.id, []), claims, plan)
        for each in judged
    ]
    folder = results.claims
    verdicts = {"family": claims, "claims": plain(rows)}
    behind = pd.concat(values) if values else pd.DataFrame()
    files = {
        "verdicts.json": json_bytes(verdicts),
        "verdicts.csv": csv_bytes(_table(rows)),
        "values.csv": csv_bytes(behind.reindex(columns=VALUES)),
    }
    write_checked(folder / "verdicts.sha256", files)
    measured = pd.DataFrame(
        [row for each in judged for row in _seconds(each, seen.get(each.claim.experiment), plan)],
        columns=SECONDS,
    )
    write_checked(folder / "measured_seconds.sha256", {"measured_seconds.csv": csv_bytes(measured)})
    return folder


def _nothing_trained(claim: Claim, seen: Evidence, plan: Plan) -> str:
    """How all replicates of the claim's cells ended, where none was trained to an end.

    They are equal in nothing but that, and more of them would decide nothing.
    """
    if claim.statistic == COLUMN and claim.column in create(claim.experiment).untrained:
        return ""
    cells = [_labels(plan)[name] for name in claim.cells]
    statuses = seen.runs.status[seen.runs.cell.isin(cells)]
    failed, told_ends = not_trained(statuses)
    return f"{told_ends}." if 0 < failed == len(statuses) else ""


def _labels(plan: Plan) -> dict[str, str]:
    """The label of every cell of the sweep, by label and by key."""
    cells = plan.sweep.cells
    return {cell.key: cell.shown for cell in cells} | {cell.shown: cell.shown for cell in cells}


def _trained(claim: Claim, pair: Sequence[str], plan: Plan) -> bool:
    """Whether the claim's experiment has these cells, all of the sweep's where it trains none."""
    labels, entry = _labels(plan), plan.experiments.get(claim.experiment)
    there = {m.cell for m in entry.members} if entry else set()
    there = there or set(labels.values())
    return all(labels.get(name) in there for name in pair)


def _compare(
    claim: Claim, names: Sequence[str], stored: Stored, plan: Plan
) -> tuple[pd.DataFrame, Comparison]:
    """The values of these cells, and what they come to."""
    cells = [_labels(plan)[name] for name in names]
    if claim.statistic == COLUMN:
        values = column_values(stored.measured, claim, cells)
    else:
        seen = stored.evidence
        kept = replace(seen, replicates=rows_where(seen.replicates, claim.where))
        values = registry()[claim.statistic].values(kept, cells)
    if claim.tasks:
        known = plan.experiments[claim.experiment].tasks or plan.sweep.tasks
        tasks = {task.name: task.shown for task in reversed(known)}
        tasks |= {name: task.shown for task in known for name in (task.key, task.shown)}
        values = values[values.task.isin([tasks[name] for name in claim.tasks])]
    return values, compare(values, cells, claim.exact)


def _ties(claim: Claim, stored: Evidence, plan: Plan) -> list[list[str]]:
    """All cells of the sweep in groups that cannot be told apart, best first."""
    if claim.statistic == COLUMN or not registry()[claim.statistic].ties:
        return []
    values = registry()[claim.statistic].values(stored, stored.cells)
    wide = values.pivot_table(index="seed", columns=["cell", "task"], values="value").dropna()
    if len(wide) < 2:
        return []
    means = wide.T.groupby(level="cell").mean().T
    return tie_groups({str(cell): means[cell].tolist() for cell in means}, claim.alpha)


def _row(
    judged: Judged, others: list[Comparison], groups: list[list[str]], claims: int, plan: Plan
) -> dict[str, object]:
    claim, found, ratio = judged.claim, judged.found, judged.claim.ratio
    more = judged.more(claims, plan.sweep.seed_block)
    bounds = found.bounds() if found else None
    smallest = judged.smallest(claims)
    return {
        "id": claim.id,
        "quote": claim.quote,
        "statement": claim.statement,
        "verdict": judged.verdict,
        "answer": answer(judged, claims, more),
        "reason": judged.reason,
        "statistic": claim.statistic if claim.statistic != COLUMN else claim.column,
        "measured": claim.measured or registry()[claim.statistic].about,
        "cells": list(found.cells if found else claim.cells),
        "ratio": ratio,
        "effect": found.effect if found else None,
        "low": bounds[0] if bounds else None,
        "high": bounds[1] if bounds else None,
        "n": found.n if found else 0,
        "threshold": claim.threshold,
        "alpha": claim.alpha,
        "p": judged.p,
        "p_adjusted": judged.adjusted,
        "exact": claim.exact,
        "more_replicates": more,
        "smallest_detectable": smallest,
        "shown": {
            "threshold": told(claim.threshold, ratio),
            "effect": told(found.effect, ratio) if found and found.effect is not None else "–",
            "interval": told_interval(found, ratio) if found and found.n else "–",
            "p_adjusted": "exact" if claim.exact and found else told_p(judged.adjusted),
            "smallest_detectable": "–" if smallest is None else told(smallest, ratio),
        },
        "by_task": [
            {"task": task, "effect": effect, "shown": told(effect, ratio)}
            for task, effect in (found.by_task if found else {}).items()
        ],
        "beside": [
            _beside(each, found, claim) for each in others if found and each.effect is not None
        ],
        "not_trained": [
            " against ".join(pair) for pair in claim.beside if not _trained(claim, pair, plan)
        ],
        "disagreement": agreement(claim, found, others) if found else "",
        "ties": groups,
        "experiment": claim.experiment,
        "figure": f"experiments/{claim.experiment}/figure.svg" if found else "",
        "conditions": _conditions(claim, plan) if found else {},
        "caveats": claim.caveats,
    }


def _beside(found: Comparison, main: Comparison, claim: Claim) -> dict[str, object]:
    bounds = found.bounds()
    return {
        "cells": list(found.cells),
        "name": named(found),
        "effect": found.effect,
        "low": bounds[0] if bounds else None,
        "high": bounds[1] if bounds else None,
        "n": found.n,
        "side": side(claim, found, main),
        "shown": f"{told(found.effect or 0.0, claim.ratio)} {told_interval(found, claim.ratio)}",
    }


def _conditions(claim: Claim, plan: Plan) -> dict[str, object]:
    """What the effect is conditional on: it may be another at another width, budget or rate."""
    labels, members = _labels(plan), plan.experiments[claim.experiment].members
    cells = [labels[name] for name in claim.cells]
    mine = [m for m in members if m.cell in cells and _meant(claim, m.factors)]
    specs = [plan.conditions[m.condition].spec for m in mine]
    rates = {f"{m.cell} on {m.task}": c.training.learning_rate for m, c in zip(mine, specs)}
    sweep, training = plan.sweep, plan.sweep.training
    return {
        "tasks": sorted({m.task for m in mine}),
        "lengths": sorted({condition.T for condition in specs}),
        "widths": sorted({condition.width for condition in specs}),
        "updates": training.updates,
        "batch": training.batch,
        "optimiser": training.optimiser,
        "learning_rates": rates,
        "seeds": [sweep.first_seed, sweep.first_seed + sweep.replicates - 1],
    }


def _meant(claim: Claim, factors: Mapping[str, object]) -> bool:
    """Whether the claim rests on an arm of these factors, as far as `where` speaks of them."""
    asked = {key: value for key, value in claim.where.items() if key in factors}
    return all(factors[k] in (v if isinstance(v, list) else [v]) for k, v in asked.items())


def _table(rows: list[dict[str, object]]) -> pd.DataFrame:
    columns = ["id", "verdict", "statistic", "effect", "low", "high", "n", "threshold", "alpha"]
    columns += ["p", "p_adjusted", "more_replicates", "smallest_detectable", "reason", "quote"]
    return pd.DataFrame([plain({c: row[c] for c in columns}) for row in rows], columns=columns)


def _seconds(judged: Judged, stored: Stored | None, plan: Plan) -> list[dict[str, object]]:
    """Measured seconds of an update for the claim's cells: beside the verdict, never in it."""
    if stored is None or judged.claim.statistic not in ("updates_to_solve", "flops_per_update"):
        return []
    seen = stored.evidence
    cells = [_labels(plan)[name] for name in judged.claim.cells]
    if seen.probe is not None and "update_seconds" in seen.probe:
        rows = seen.probe[seen.probe.cell.isin(cells)]
        rows = rows.assign(seconds_per_update=rows.update_seconds)
    else:
        runs = seen.runs[seen.runs.cell.isin(cells) & (seen.runs.trained > 0)]
        placed = runs.assign(place=pd.factorize(runs.task)[0])  # by task, T and cell
        runs = placed.sort_values(["place", "T"], kind="stable")
        keys = ["task", "T", "width", "cell", "backend"]
        rows = runs.groupby(keys, sort=False)[["train_seconds", "trained"]].sum().reset_index()
        rows["seconds_per_update"] = rows.train_seconds / rows.trained
    return rows.assign(claim=judged.claim.id)[SECONDS].to_dict("records")
