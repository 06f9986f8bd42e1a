"""Judging every claim of a plan from what is stored: verdicts, their table, and seconds beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from lstm_bench.claims.base import Claim
from lstm_bench.claims.judge import (
    Comparison,
    Judged,
    agreement,
    column_values,
    compare,
    plain,
    settle,
)
from lstm_bench.claims.sentence import answer, is_ratio, told, told_interval, told_p
from lstm_bench.claims.statistics import COLUMN, registry
from lstm_bench.experiments import Evidence
from lstm_bench.experiments.run import csv_bytes, evidence, read_csv
from lstm_bench.stats.family import tie_groups
from lstm_bench.store.files import json_bytes
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.store.seals import write_sealed

SECONDS = ["claim", "task", "T", "width", "cell", "seconds_per_update", "backend"]


def judge(plan: Plan, results: Results) -> Path:
    """Write verdicts.json, verdicts.csv and measured_seconds.csv; returns their folder."""
    seen: dict[str, Evidence] = {}
    judged, others, groups = [], {}, {}
    entries = plan.claims.values()  # JSON has sorted them by name
    for entry in sorted(entries, key=lambda e: (e["declared"]["order"], e["declared"]["id"])):
        claim = Claim(**entry["declared"])
        each = Judged(claim, reason=entry["not_judged"])
        judged.append(each)
        if each.reason:
            continue
        name = claim.experiment
        stored = seen.setdefault(name, evidence(plan, name, results))
        try:
            each.found = _compare(claim, claim.cells, stored, plan, results)
        except KeyError as error:
            each.reason = f"the table of {name!r} has no column {error.args[0]!r}."
            continue
        there = [pair for pair in claim.beside if set(pair) <= set(_labels(plan))]
        others[claim.id] = [_compare(claim, pair, stored, plan, results) for pair in there]
        groups[claim.id] = _ties(claim, stored, plan)
    claims = settle(judged)
    rows = [
        _row(each, others.get(each.claim.id, []), groups.get(each.claim.id, []), claims, plan)
        for each in judged
    ]
    folder = results.claims
    verdicts = {"family": claims, "claims": plain(rows)}
    files = {"verdicts.json": json_bytes(verdicts), "verdicts.csv": csv_bytes(_table(rows))}
    write_sealed(folder / "verdicts.sha256", files)
    measured = pd.DataFrame(
        [row for each in judged for row in _seconds(each, seen.get(each.claim.experiment), plan)],
        columns=SECONDS,
    )
    write_sealed(folder / "measured_seconds.sha256", {"measured_seconds.csv": csv_bytes(measured)})
    return folder


def _labels(plan: Plan) -> dict[str, str]:
    """The label of every cell of the sweep, by label and by key."""
    cells = plan.data["sweep"]["cells"]
    return {each[name]: each["shown"] for name in ("key", "shown") for each in cells}


def _compare(
    claim: Claim, names: Sequence[str], stored: Evidence, plan: Plan, results: Results
) -> Comparison:
    labels = _labels(plan)
    cells = [labels[name] for name in names]
    if claim.statistic == COLUMN:
        values = column_values(read_csv(results.experiment(claim.experiment) / "table.csv"), claim)
    else:
        values = registry()[claim.statistic].values(stored, cells)
    if claim.tasks:
        tasks = {
            t[name]: t["shown"] for name in ("key", "shown") for t in plan.data["sweep"]["tasks"]
        }
        values = values[values.task.isin([tasks[name] for name in claim.tasks])]
    return compare(values, cells, claim.exact)


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
) -> dict[str, Any]:
    claim, found, ratio = judged.claim, judged.found, is_ratio(judged)
    more = judged.more(claims, plan.config["seed_block"])
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
        "measured": registry()[claim.statistic].about if claim.statistic != COLUMN else "",
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
        "beside": [_beside(each, ratio) for each in others if each.effect is not None],
        "not_trained": [
            " against ".join(pair) for pair in claim.beside if not set(pair) <= set(_labels(plan))
        ],
        "disagreement": agreement(found, others, claim.threshold) if found else "",
        "ties": groups,
        "experiment": claim.experiment,
        "figure": f"experiments/{claim.experiment}/figure.svg" if found else "",
        "conditions": _conditions(claim, plan) if found else {},
        "caveats": claim.caveats,
    }


def _beside(found: Comparison, ratio: bool) -> dict[str, Any]:
    bounds = found.bounds()
    return {
        "cells": list(found.cells),
        "effect": found.effect,
        "low": bounds[0] if bounds else None,
        "high": bounds[1] if bounds else None,
        "n": found.n,
        "shown": f"{told(found.effect or 0.0, ratio)} {told_interval(found, ratio)}",
    }


def _conditions(claim: Claim, plan: Plan) -> dict[str, Any]:
    """What the effect is conditional on: it may be another at another width, budget or rate."""
    labels, members = _labels(plan), plan.experiments[claim.experiment]["members"]
    cells = [labels[name] for name in claim.cells]
    mine = [m for m in members if m["cell"] in cells]
    specs = [(m, plan.conditions[m["condition"]]) for m in mine]
    rates: Mapping[str, float] = {
        f"{m['cell']} on {m['task']}": entry["spec"]["training"]["learning_rate"]
        for m, entry in specs
    }
    training = plan.data["sweep"]["training"]
    return {
        "tasks": sorted({m["task"] for m in mine}),
        "lengths": sorted({entry["spec"]["T"] for _, entry in specs}),
        "widths": sorted({entry["spec"]["width"] for _, entry in specs}),
        "updates": training["updates"],
        "batch": training["batch"],
        "optimiser": training["optimiser"],
        "learning_rates": dict(rates),
        "seeds": [
            plan.config["first_seed"],
            plan.config["first_seed"] + plan.config["replicates"] - 1,
        ],
    }


def _table(rows: list[dict[str, Any]]) -> pd.DataFrame:
    columns = ["id", "verdict", "statistic", "effect", "low", "high", "n", "threshold", "alpha"]
    columns += ["p", "p_adjusted", "more_replicates", "smallest_detectable", "reason", "quote"]
    return pd.DataFrame([plain({c: row[c] for c in columns}) for row in rows], columns=columns)


def _seconds(judged: Judged, seen: Evidence | None, plan: Plan) -> list[dict[str, Any]]:
    """Measured seconds of an update for the claim's cells: beside the verdict, never in it."""
    if seen is None or judged.claim.statistic not in ("updates_to_solve", "flops_per_update"):
        return []
    cells = [_labels(plan)[name] for name in judged.claim.cells]
    if seen.probe is not None and "update_seconds" in seen.probe:
        rows = seen.probe[seen.probe.cell.isin(cells)]
        rows = rows.assign(seconds_per_update=rows.update_seconds)
    elif seen.timing.empty:
        return []
    else:
        spent = seen.timing[["condition", "seed", "task_label", "train_seconds"]]
        joined = seen.replicates.merge(spent, on=["condition", "seed", "task_label"])
        joined = joined[joined.cell_label.isin(cells) & (joined.updates > 0)]
        joined = joined.drop(columns=["task", "cell"]).rename(
            columns={"task_label": "task", "cell_label": "cell"}
        )
        keys = ["task", "T", "width", "cell", "backend"]
        rows = joined.groupby(keys, sort=False)[["train_seconds", "updates"]].sum().reset_index()
        rows["seconds_per_update"] = rows.train_seconds / rows.updates
    return rows.assign(claim=judged.claim.id)[SECONDS].to_dict("records")
