"""What the losses of cells and baselines say of data from a file: who beats whom, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

from lstm_bench.experiments.runs import bounds
from lstm_bench.experiments.words import interval
from lstm_bench.stats.means import mean_interval

NAIVE = ("persistence", "seasonal", "frequencies")  # a forecast that fits nothing
ENDS = ("", "_low", "_high")


def of_cells(runs: pd.DataFrame, baseline: float) -> Iterator[dict[str, Any]]:
    """A row a cell, at its best rate on validation; `baseline` is the loss of the best one."""
    losses: dict[str, pd.Series] = {}
    rows: dict[str, dict[str, Any]] = {}
    for cell, group in runs.groupby("cell", sort=False):
        by_rate = group.groupby("rate").best_validation_loss.agg(["count", "mean"])
        # seeds that diverged are missing here: a rate that loses some is no better for it
        rate = by_rate[by_rate["count"] == by_rate["count"].max()]["mean"].idxmin()
        own = group[group.rate == rate].set_index("seed")
        losses[cell] = own.test_loss.astype(float)
        rows[cell] = {
            "cell": cell,
            "kind": "network",
            "memory": bool(own.memory.iloc[0]),
            "chosen": f"rate {rate:g}",
            "parameters": int(own.parameters.iloc[0]),
            "n": len(own),
            "update_seconds": float(own.update_seconds.iloc[0]),
        }
    best = min(losses, key=lambda cell: losses[cell].mean())
    stateful = [cell for cell in losses if rows[cell]["memory"]]
    state = min(stateful, key=lambda cell: losses[cell].mean()) if stateful else None
    for cell, own in losses.items():
        row = rows[cell] | bounds("loss", mean_interval(own))
        row |= _ratio("to_baseline", own, own * 0 + baseline)
        row |= _ratio("to_best", own, losses[best])
        yield row | (_ratio("to_memory", own, losses[state]) if state else {})


def _ratio(name: str, losses: pd.Series, others: pd.Series) -> dict[str, float]:
    """Mean loss over the others' mean, with the interval of the differences paired by seed.

    Not a mean of logarithms: two losses near 0 may differ by any factor, and do not matter.
    """
    return bounds(name, mean_interval(1 + (losses - others) / others.mean()))


def concluded(rows: pd.DataFrame, margin: float) -> dict[str, Any]:
    """What a task's rows say; ratios are of losses."""
    cells, simple = (
        rows[rows.kind == "network"],
        rows[rows.kind == "baseline"].dropna(subset="loss"),
    )
    best = cells.loc[cells.loss.idxmin()]
    floor = simple.loc[simple.loss.idxmin()]
    others = cells[cells.cell != best.cell]
    tied = others[(others.to_best_low > 1 / (1 + margin)) & (others.to_best_high < 1 + margin)]
    behind = others[others.to_best_low > 1 + margin]
    found = {
        "best_cell": best.cell,
        "n": int(best.n),
        **{name: float(best[name]) for name in ("loss", "loss_low", "loss_high")},
        "best_baseline": floor.cell,
        "baseline_loss": float(floor.loss),
        "tied": ", ".join([best.cell, *tied.cell]),
        "behind": ", ".join(behind.cell),
        "open": ", ".join(others.cell[~others.cell.isin([*tied.cell, *behind.cell])]),
    }
    found |= {f"to_baseline{end}": float(best[f"to_baseline{end}"]) for end in ENDS}
    window = cells[~cells.memory.astype(bool)]
    if len(window) and "to_memory" in cells:
        row = window.loc[window.loss.idxmin()]
        found |= {f"memory{end}": float(row[f"to_memory{end}"]) for end in ENDS}
    else:
        found |= {f"memory{end}": float("nan") for end in ENDS}
    naive = simple[simple.cell.isin(NAIVE)]
    nearest = naive.loc[naive.loss.idxmin()]
    return found | {"naive": nearest.cell, "naive_to_best": float(nearest.loss / best.loss)}


def records(summary: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in summary.to_dict("records")]


def _called(row: dict[str, Any], margin: float) -> str:
    """How the best cell stands to the best baseline, by the whole interval."""
    low, high = row["to_baseline_low"], row["to_baseline_high"]
    if high < 1 / (1 + margin):
        return "beats"
    if low > 1 + margin:
        return "is beaten by"
    within = low > 1 / (1 + margin) and high < 1 + margin
    return "is tied with" if within else "cannot be told from"


def sentence(row: dict[str, Any], margin: float) -> str:
    over = interval(row["to_baseline_low"], row["to_baseline_high"], "{:.3g}")
    told = [
        f"{row['task']} (T = {row['T']}): the best cell, {row['best_cell']}, "
        f"{_called(row, margin)} the best baseline, {row['best_baseline']}: its test loss is "
        f"{row['loss']:.4g} against {row['baseline_loss']:.4g} "
        f"(× {row['to_baseline']:.3g}{over})."
    ]
    together = row["tied"].split(", ")
    if len(together) > 1:
        told.append(f"Tied within {margin:.0%}: {row['tied']}.")
    if row["behind"]:
        told.append(f"Behind by more: {row['behind']}.")
    if row["open"]:
        told.append(f"Neither tied with it nor surely behind: {row['open']}.")
    if row["memory"] == row["memory"]:
        ends = interval(row["memory_low"], row["memory_high"], "{:.3g}")
        told.append(
            f"The window without memory has × {row['memory']:.3g}{ends} the loss of the best cell "
            "with a state."
        )
    told.append(
        f"The naive answer ({row['naive']}) has × {row['naive_to_best']:.3g} the loss of the best "
        "cell."
    )
    return " ".join(told)


def finding_of(summary: pd.DataFrame, margin: float) -> str:
    called = [_called(row, margin) for row in records(summary)]
    beaten = called.count("beats")
    if len(called) == 1:
        row = records(summary)[0]
        return f"{row['best_cell']} {called[0]} the best baseline, {row['best_baseline']}"
    return f"A cell beats the best baseline on {beaten} of {len(called)} tasks"
