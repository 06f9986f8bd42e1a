"""The figure of `data`: losses of cells and baselines, and losses by the past steps seen."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from lstm_bench.plotting.figure import Axis, Figure, Layer, figure, panel
from lstm_bench.plotting.palette import cell_places

WINDOWS = "windows, trained for k"


def drawn(table: pd.DataFrame, summary: pd.DataFrame, cells: Sequence[str], finding: str) -> Figure:
    """Three panels a task and length, from the table and summary of `data`."""
    shown = table.assign(series=table.cell.where(table.kind.isin(["network", "cut"]), WINDOWS))
    shown.loc[shown.kind == "baseline", "series"] = "baseline"
    best = summary.set_index(["task", "T"]).baseline_loss
    shown["best"] = [best[key] for key in zip(shown.task, shown["T"])]
    windows = shown[shown.kind == "window"]
    least = windows.groupby(["task", "T"]).loss.transform("min")
    shown["compared"] = shown.kind.isin(["network", "baseline"])
    shown.loc[windows.index[windows.loss == least], "compared"] = True  # the best of them
    shown["trained"] = shown.compared & (shown.kind != "baseline")
    shown["remembers"] = shown.memory.eq(True)
    pasts = sorted(int(k) for k in shown.past.dropna().unique() if k > 0)
    known = shown[shown.past > 0].sort_values("past").assign(k=lambda rows: rows.past.astype(int))
    places = cell_places(cells)
    places |= {WINDOWS: max(places.values()) + 1, "baseline": max(places.values()) + 2}
    beyond = ("to_baseline", "to_baseline_low", "to_baseline_high")
    over_best = ("k", "to_best", "to_best_low", "to_best_high")
    panels = [
        panel(
            Axis("", "names"),
            Axis("test loss ({unit})", "log"),
            Layer("cell", "loss", "loss_low", "loss_high", only="compared", by="series",
                  look="points"),
            guides=("best",),
            flipped=True,
        ),
        panel(
            Axis("", "names"),
            Axis("test loss / that of the best baseline"),
            Layer("cell", *beyond, only="trained", by="series", look="points"),
            guides=(1.0,),
            flipped=True,
        ),
        panel(
            Axis("past steps k that are seen", "names", names=pasts),
            Axis("test loss / that of the best network", "log"),
            Layer(*over_best, only="remembers", by="series", rows=known),
            Layer(*over_best, only="kind == 'window'", by="series", rows=known),
            guides=(1.0,),
            empty="no network was trained or cut to fewer steps",
        ),
    ]  # fmt: skip
    seeds = "-".join(map(str, dict.fromkeys(shown[shown.kind == "network"].n.agg(["min", "max"]))))
    note = (
        f"n = {seeds} seeds; bars: 95 % intervals over seeds and blocks of the test part; grey "
        "line: the best baseline, or the best network. By past steps: "
        "windows trained for k, and cells whose history is cut to the last k"
    )
    title = "{task}, T = {T}"
    return figure(shown, panels, places, note, ["task", "T"], title, finding=finding)
