"""What the losses of cells and baselines say of data from a file: who beats whom, in sentences."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from lstm_bench.experiments.data_losses import Losses
from lstm_bench.experiments.data_memory import remembered, within
from lstm_bench.experiments.words import interval

NAIVE = ("persistence", "seasonal", "frequencies")  # a forecast that fits nothing
ENDS = ("", "_low", "_high", "_data")
NETWORKS = ("network", "window")  # kinds of rows that are trained networks


def rows_of(found: Losses) -> Iterator[dict[str, Any]]:
    """A row a network, a cut history and a baseline; ratios are of losses, paired by seed and item.

    kind       network, window (one trained for the memory needed), cut (the network of this cell,
               which sees the last `past` inputs alone) or baseline
    past       inputs that are seen: T of a state, 0 of the answer without any
    to_best    over the best network; to_memory: over the best with a state; to_own, of a cut
               history: over the same network with the whole one; to_twin, of one whose state is
               carried from batch to batch: over the same network where it is not
    """
    ratio, networks = found.items.ratio, found.networks
    floor, best = found.floor.losses, networks[found.best].losses
    row: dict[str, Any]
    for label, own in networks.items():
        row = {"cell": label, "kind": "network", "memory": not own.window}
        # carried along, a state has seen all that came before
        carried = own.stateful and not own.window
        past = np.nan if carried else min(own.window or found.T, found.T)
        row |= {**own.about, "past": past, "stateful": own.stateful}
        row |= found.items.level(own.losses).named("loss")
        row |= ratio(own.losses, floor).named("to_baseline")
        row |= ratio(own.losses, best).named("to_best")
        if found.with_state:
            row |= ratio(own.losses, networks[found.with_state].losses).named("to_memory")
        if own.twin:
            row |= {"twin": own.twin}
            row |= ratio(own.losses, networks[own.twin].losses).named("to_twin")
        yield row
    for label, own in networks.items():
        for past, losses in own.cuts.items():
            row = {"cell": label, "kind": "cut", "memory": True, "past": past}
            row |= {"n": own.about["n"]} | found.items.level(losses).named("loss")
            row |= ratio(losses, own.losses).named("to_own")
            yield row | ratio(losses, best).named("to_best")
    for place, each in enumerate(found.baselines.values()):
        row = {"cell": each.name, "kind": "baseline", "chosen": each.chosen, "n": 1}
        if np.isfinite(each.loss):
            row |= found.items.level(each.losses).named("loss")
            row |= ratio(each.losses, floor).named("to_baseline")
            if place == 0:  # the answer without any input
                row |= {"past": 0} | ratio(each.losses, best).named("to_best")
        yield row


def concluded(rows: pd.DataFrame, margin: float) -> dict[str, Any]:
    """What a task's rows say; ratios are of losses."""
    cells = rows[rows.kind.isin(NETWORKS)]
    simple = rows[rows.kind == "baseline"].dropna(subset="loss")
    best = cells.loc[cells.loss.idxmin()]
    floor = simple.loc[simple.loss.idxmin()]
    others = cells[cells.cell != best.cell]
    tied = others[within(others.to_best_low, others.to_best_high, margin)]
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
    cuts = rows[rows.kind == "cut"]
    found["carried"] = " ".join(
        _carried(row, cuts[cuts.cell == row["cell"]], margin) for row in records(_with_twin(cells))
    )
    naive = simple[simple.cell.isin(NAIVE)]
    nearest = naive.loc[naive.loss.idxmin()]
    found |= {"naive": nearest.cell, "naive_to_best": float(nearest.loss / best.loss)}
    return found | remembered(rows, margin)


def _with_twin(cells: pd.DataFrame) -> pd.DataFrame:
    return cells.dropna(subset="to_twin") if "to_twin" in cells else cells[:0]


def _carried(row: dict[str, Any], cuts: pd.DataFrame, margin: float) -> str:
    """What it does to a cell that its state is carried from batch to batch.

    It is trained otherwise, too (asked at every step): that the past before the window helps is
    said where the same network, cut to the window, is surely worse.
    """
    low, high = row["to_twin_low"], row["to_twin_high"]
    ends = interval(low, high, "{:.3g}")
    told = f"State carried from batch to batch: {row['cell']} has × {row['to_twin']:.3g}{ends} "
    told += f"the loss of {row['twin']}"
    if within(low, high, margin):
        return f"{told}, which is tied."
    if high < 1 / (1 + margin):
        window = cuts[cuts.past == cuts.past.max()]
        if (window.to_own_low > 1 + margin).any():
            return f"{told}: what lies before the window helps."
        return f"{told}; trained so it is better, with the past of a window, too."
    if low > 1 + margin:
        return f"{told}: it does harm."
    return f"{told}, neither tied nor surely beyond the margin."


def records(summary: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in summary.to_dict("records")]


def _called(row: dict[str, Any], margin: float) -> str:
    """How the best cell stands to the best baseline, by the whole interval."""
    low, high = row["to_baseline_low"], row["to_baseline_high"]
    if high < 1 / (1 + margin):
        return "beats"
    if low > 1 + margin:
        return "is beaten by"
    return "is tied with" if within(low, high, margin) else "cannot be told from"


def sentence(row: dict[str, Any], margin: float) -> str:
    over = interval(row["to_baseline_low"], row["to_baseline_high"], "{:.3g}")
    share = row["to_baseline_data"]
    whose = "" if pd.isna(share) else f"; {share:.0%} of its variance is the data's"
    told = [
        f"{row['task']} (T = {row['T']}): the best cell, {row['best_cell']}, "
        f"{_called(row, margin)} the best baseline, {row['best_baseline']}: its test loss is "
        f"{row['loss']:.4g} against {row['baseline_loss']:.4g} "
        f"(× {row['to_baseline']:.3g}{over}{whose})."
    ]
    if row["tied"] != row["best_cell"]:
        told.append(f"Tied within {margin:.0%}: {row['tied']}.")
    if row["behind"]:
        told.append(f"Behind by more: {row['behind']}.")
    if row["open"]:
        told.append(f"Neither tied with it nor surely behind: {row['open']}.")
    if row["memory"] == row["memory"]:
        ends = interval(row["memory_low"], row["memory_high"], "{:.3g}")
        told.append(
            f"The best window without memory has × {row['memory']:.3g}{ends} the loss of the best "
            "cell with a state."
        )
    told += [row["carried"]] if row["carried"] else []
    told.append(row["needs"])
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
        found = f"{row['best_cell']} {called[0]} the best baseline, {row['best_baseline']}"
        if pd.isna(row["needed"]):
            return found
        # the window has no longer past, and where a state was carried that was compared
        more = " or more" if row["needed"] >= row["T"] and not row["carried"] else ""
        return f"{found}; memory needed: {row['needed']:.0f} steps{more}"
    return f"A cell beats the best baseline on {beaten} of {len(called)} tasks"
