"""What an MLflow run shows, as plain data: stored rows in, parameters and metrics out.

A replicate and its condition use the same metric names, so that one column and one chart serve
both: `solved` is 0 or 1 for a replicate and the share of replicates for a condition, and so on
(`condition_metrics` says how each is summed up).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from lstm_bench.spec import canonical

POINTS = 200  # of a curve; more make MLflow's charts slow, and the whole curve is an artifact

CURVES = {
    "train_loss": "train/loss",
    "gradient_norm": "train/gradient_norm",
    "validation_loss": "validation/loss",
    "validation_score": "validation/score",
}
BY_T = {each: each.replace("/", "_") for each in ("solved", "updates_to_solve", "test/score")}
STATUS = {"solved": "FINISHED", "unsolved": "FINISHED", "timeout": "KILLED"}  # others: FAILED

Row = Mapping[str, Any]


class Point(NamedTuple):
    """One value of a metric: `step` is the update, `at` milliseconds since 1970."""

    name: str
    value: float
    step: int
    at: int


@dataclass(frozen=True)
class Record:
    """One MLflow run; times in milliseconds since 1970."""

    name: str
    status: str
    started: int
    finished: int
    tags: Mapping[str, str]
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Sequence[Point] = ()


def milliseconds(moment: str) -> int:
    """Of an ISO 8601 moment, as the timing table holds it."""
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def flat_params(spec: Mapping[str, Any], **more: Any) -> dict[str, str]:
    """A condition as MLflow parameters: `learning_rate`, `network.layers`, ...; all text."""
    plain = {k: v for k, v in spec.items() if not isinstance(v, Mapping)}
    flat = {**plain, **spec["training"]}
    groups = {part: spec[f"{part}_options"] for part in ("task", "cell")}
    for part, options in {**groups, "network": spec.get("network", {})}.items():
        flat |= {f"{part}.{k}": v for k, v in options.items()}
    return {k: v if isinstance(v, str) else canonical(v) for k, v in {**flat, **more}.items()}


def is_number(value: Any) -> bool:
    """Whether MLflow can show it: infinity would ruin an axis, NaN a comparison."""
    return value is not None and math.isfinite(value)


def rounded(value: float) -> float:
    """Six significant digits: what a table can show. The files keep them all."""
    return float(f"{value:.6g}")


def thin(points: Sequence[Any], limit: int = POINTS) -> list[Any]:
    """At most `limit` of them, evenly spaced, with the first and the last."""
    if len(points) <= limit:
        return list(points)
    step = (len(points) - 1) / (limit - 1)
    return [points[round(i * step)] for i in range(limit)]


def _curve(name: str, points: Iterable[tuple[int, Any]], clock: Clock) -> list[Point]:
    finite = [(update, value) for update, value in points if is_number(value)]
    shown = CURVES[name]
    return [
        Point(shown, rounded(value), update, clock.at(update)) for update, value in thin(finite)
    ]


@dataclass(frozen=True)
class Clock:
    """When an update happened, as if training had run evenly from its start to its end."""

    started: int
    finished: int
    updates: int

    def at(self, update: int) -> int:
        share = min(1.0, update / self.updates) if self.updates else 1.0
        return round(self.started + share * (self.finished - self.started))


def _finals(values: Mapping[str, Any], at: int) -> list[Point]:
    """Metrics with one value: at step 0, which MLflow draws as bars."""
    return [Point(k, rounded(float(v)), 0, at) for k, v in values.items() if is_number(v)]


def replicate_metrics(row: Row, curve: Iterable[Row], timing: Row, clock: Clock) -> list[Point]:
    """The curves and the results of one replicate; what was not measured is absent."""
    points = [point for point in curve if point["update"] is not None]
    solved = row["status"] == "solved"
    found = _finals(
        {
            "solved": solved if row["status"] != "error" else None,
            "updates_to_solve": row["updates_to_solve"] if solved else None,
            "test/score": row["test_score"],
            "test/loss": row["test_loss"],
            **{f"updates_to_{m['name']}": m["update"] for m in row["milestones"] or ()},
            "updates": row["updates"],
            "train_seconds": timing["train_seconds"],
            "T": row["T"],
        },
        clock.finished,
    )
    for name in CURVES:
        found += _curve(name, ((p["update"], p[name]) for p in points), clock)
    return found


def condition_metrics(
    rows: Sequence[Row], curves: Mapping[int, Sequence[Row]], clock: Clock
) -> list[Point]:
    """What the replicates of a condition have in common; those that ended in `error` are left out.

    solved             the share of replicates
    updates_to_solve   the median, where a replicate that did not solve counts as later than any
    test/loss, score   the median over the replicates that have one
    by_T/...           the first of these again, at step T, so that a chart has T as its axis
    curves             the median over replicates; one that stopped keeps its last value, one that
                       diverged counts as worst from there on
    """
    judged = [row for row in rows if row["status"] != "error"]
    measured = [row for row in judged if is_number(row["test_score"])]
    times = [row["updates_to_solve"] if row["status"] == "solved" else math.inf for row in judged]
    found = _finals(
        {
            "solved": _share(row["status"] == "solved" for row in judged),
            "updates_to_solve": _median(times),
            "test/score": _median(row["test_score"] for row in measured),
            "test/loss": _median(row["test_loss"] for row in measured),
            "updates": _median(row["updates"] for row in judged),
            "replicates": len(judged),
            "T": rows[0]["T"],
        },
        clock.finished,
    )
    for name in BY_T:
        found += [
            p._replace(name=f"by_T/{BY_T[name]}", step=rows[0]["T"])
            for p in found
            if p.name == name
        ]
    for name in CURVES:
        series = [_series(row, curves.get(row["seed"], ()), name) for row in judged]
        found += _curve(name, median_curve(series), clock)
    return found


def _share(flags: Iterable[bool]) -> float | None:
    values = list(flags)
    return sum(values) / len(values) if values else None


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return statistics.median(found) if found else None


def _series(row: Row, points: Iterable[Row], name: str) -> list[tuple[int, float]]:
    series = [(p["update"], p[name]) for p in points if is_number(p[name])]
    if row["status"] == "diverged":
        last = max([row["updates"], *(update for update, _ in series)])
        series.append((last, -math.inf if name.endswith("score") else math.inf))
    return series


def median_curve(series: Iterable[Iterable[tuple[int, float]]]) -> list[tuple[int, float]]:
    """The median over replicates at every update; each counts from its first value to the end."""
    by_update: dict[int, dict[int, float]] = {}
    for replicate, points in enumerate(series):
        for update, value in points:
            by_update.setdefault(update, {})[replicate] = value
    latest: dict[int, float] = {}
    curve = []
    for update in sorted(by_update):
        latest |= by_update[update]
        curve.append((update, statistics.median(latest.values())))
    return curve
