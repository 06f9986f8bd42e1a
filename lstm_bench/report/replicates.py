"""What the explorer knows of the replicates of a condition: rows, thinned curves, probes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lstm_bench.store.collect import read_all
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.store.tables import read_table

MOST = 100  # points of a curve
CURVES = {"v": "validation_loss", "t": "train_loss", "s": "validation_score"}
DEEPEST = -17.0  # decades: below it is rounding, and a gradient of exactly 0
Measured = Mapping[str, Mapping[str, pd.DataFrame]]  # probe -> condition -> its rows


def measured(plan: Plan, results: Results) -> Measured:
    """The rows of the probes of single replicates that this sweep has, by condition."""
    found: dict[str, dict[str, pd.DataFrame]] = {}
    for name in ("selective_memory", "gradient_flow"):
        if name in plan.asked:
            rows = read_all(results.root / path for path in plan.probe_files(name))
            own = rows.groupby("condition") if len(rows) else ()
            found[name] = {str(condition): each for condition, each in own}
    return found


def replicates(
    results: Results, condition: str, blocks: Sequence[str], probes: Measured
) -> dict[str, object]:
    """`updates`, the grid the curves share, `chance loss`, and `runs`, one a replicate.

    Without pandas: a sweep can have a hundred thousand of these small tables.
    """
    rows: list[dict[str, Any]] = []
    curves: dict[int, dict[int, dict[str, Any]]] = {}
    for block in blocks:
        folder = results.block(condition, block)
        rows += [
            {**row, "block": block} for row in read_table(folder / "replicates.parquet").to_pylist()
        ]
        for point in read_table(folder / "curves.parquet").to_pylist():
            if point["seed"] is not None:  # an error has no curve
                curves.setdefault(int(point["seed"]), {})[int(point["update"])] = point
    updates = [update for curve in curves.values() for update in curve]
    grid = thinned(updates, [max(curve) for curve in curves.values()])
    floors = [_number(row["floor"]) for row in rows]
    runs = {row["seed"]: _run(row, curves.get(row["seed"], {}), grid) for row in rows}
    floor = next((f for f in floors if f is not None), None)
    about: dict[str, object] = {"updates": grid, "floor": floor, "runs": list(runs.values())}
    if condition in probes.get("selective_memory", {}):
        about |= _gates(probes["selective_memory"][condition], runs)
    if condition in probes.get("gradient_flow", {}):
        about |= _flow(probes["gradient_flow"][condition], runs)
    return about


def thinned(values: Sequence[int], keep: Iterable[int] = ()) -> list[int]:
    """At most `MOST` of the values, evenly spread, with the first, the last and those to keep."""
    values = sorted(set(values))
    if len(values) <= MOST:
        return values
    kept = sorted(set(keep) & set(values))[: MOST // 2]
    spread = np.linspace(0, len(values) - 1, MOST - len(kept)).round()
    return sorted({*(values[int(i)] for i in spread), *kept})


def _run(
    row: dict[str, Any], curve: Mapping[int, dict[str, object]], grid: list[int]
) -> dict[str, object]:
    run = {
        "seed": int(row["seed"]),
        "block": row["block"],
        "status": row["status"],
        "reason": row["reason"] or "",
        "updates": _whole(row["updates"]),
        "solved_at": _whole(row["updates_to_solve"]),
        "validation_loss": _number(row["validation_loss"]),
        "test_loss": _number(row["test_loss"]),
        "test_score": _number(row["test_score"]),
    }
    for short, name in CURVES.items():
        run[short] = _numbers(curve[u][name] if u in curve else None for u in grid)
    return run


def _gates(rows: pd.DataFrame, runs: Mapping[int, dict[str, object]]) -> dict[str, object]:
    """Traces of one sequence, the same for every replicate, and what the gates came to."""
    traces = rows[rows.measure == "trace"]
    steps = thinned(traces.lag.tolist()) if len(traces) else []
    for seed, own in rows.groupby("seed"):
        if seed not in runs:
            continue
        trace = own[own.measure == "trace"]
        runs[seed]["gates"] = {
            str(gate): _numbers(at.set_index("lag").value.reindex(steps))
            for gate, at in trace.groupby("gate")
        }
        for of in ("trained", "shuffled", "untrained"):
            at = own[(own.measure == "auc") & (own.of == of)].value
            runs[seed][f"auc_{of}"] = _number(at.iloc[0]) if len(at) else None
        kept = own[own.measure == "constant"].value
        runs[seed]["steps_kept"] = _number(kept.iloc[0]) if len(kept) else None
    relevant = sorted({int(step) for step in traces[traces.of == "relevant"].lag})
    return {"steps": steps, "relevant": relevant[:MOST]} if steps else {}


def _flow(rows: pd.DataFrame, runs: Mapping[int, dict[str, Any]]) -> dict[str, Any]:
    """Norms of the gradient against lag, in decades relative to lag 0, and their slopes."""
    norms = rows[rows.measure == "log_norm"]
    lags = thinned(norms.lag.tolist())
    stages = sorted(set(norms.stage), key=lambda s: ({"init": 0, "end": 2}.get(s, 1), s))
    for (seed, stage, part), own in norms.groupby(["seed", "stage", "part"]):
        if seed not in runs:
            continue
        at = np.maximum(own.set_index("lag").value, -330)
        relative = np.maximum((at - at.get(0, float("nan"))).reindex(lags), DEEPEST)
        runs[seed].setdefault("flow", {}).setdefault(stage, {})[part] = _numbers(relative)
    slopes = rows[(rows.measure == "slope") & (rows.part == "h")]
    for seed, stage, value in zip(slopes.seed, slopes.stage, slopes.value):
        if seed in runs and stage in ("init", "end"):
            runs[seed][f"slope_{stage}"] = _number(value)
    return {"lags": lags, "stages": stages} if lags else {}


def _numbers(values: Iterable[Any]) -> list[float | None]:
    """Four digits, None where there is no finite number; none at the end."""
    found = [_number(value) for value in values]
    while found and found[-1] is None:
        found.pop()
    return found


def _number(value: Any) -> float | None:
    if value is None or not math.isfinite(value):
        return None
    rounded = float(f"{value:.4g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e15 else rounded


def _whole(value: Any) -> int | None:
    return None if value is None or math.isnan(value) else int(value)
