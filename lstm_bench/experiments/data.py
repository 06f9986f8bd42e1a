"""Which cell for data of the user's own, and does any beat a simple baseline?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
import pandas as pd

from lstm_bench import tasks
from lstm_bench.errors import BenchError
from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.baselines import measure
from lstm_bench.experiments.runs import bounds, groups
from lstm_bench.experiments.settings import Allowed, Positive, Rates, Settings
from lstm_bench.experiments.words import interval, spans
from lstm_bench.plotting.figure import Axis, Figure, Layer, figure, panel
from lstm_bench.plotting.palette import cell_places
from lstm_bench.stats.means import mean_interval
from lstm_bench.sweep import Member, Sweep
from lstm_bench.tasks.from_file import FromFile

WINDOW = "feedforward_window"  # the cell that sees the last steps and remembers nothing
NAIVE = ("persistence", "seasonal", "frequencies")  # a forecast that fits nothing
UNITS = {
    "squared_error": "MSE / training variance",
    "cross_entropy": "nats",
}


@dataclass(frozen=True)
class DataSettings(Settings):
    """Which cell for data of one's own, beside measured baselines; tasks are those from files."""

    parameters: Annotated[Positive, "of every network: each cell takes the width nearest to it"] = (
        5000
    )
    rates: Annotated[Rates, "learning rates; each cell takes its best on validation"] = (
        *(0.002, 0.01),
    )
    margin: Annotated[
        float, Allowed(exclusiveMinimum=0, maximum=1), "losses that differ by less are tied"
    ] = 0.02


@dataclass(frozen=True)
class Data(Experiment):
    """Which cell for your own data, and does any beat a simple baseline?

    On data from a file nobody knows the best possible loss. How far does each cell come from the
    best baseline, which cells are tied, and what does memory buy?

    Every cell is trained at (nearly) the same number of parameters, with each learning rate of the
    same short list, to the end of the budget; the weights with the lowest validation loss are kept,
    and so is the rate. Baselines are fitted on the training part, choose what they choose on
    validation, and are measured on the same rows of the test part: for a series the mean,
    persistence, the value a season ago, the best affine answer from the last rows, and exponential
    smoothing; for a text the frequencies and n-grams with Kneser-Ney smoothing; for labels their
    frequencies. A cell beats the best baseline where the whole interval of its loss lies the margin
    below that of the baseline. Cells are tied with the best one where the interval of the
    difference, paired by seed, lies within the margin of its loss. What memory buys is the
    difference between the best cell with a state and the network that sees a window.

    Intervals are over seeds (initial weights and the order of batches): they say how sure the
    training is, not how another stretch of the same series would turn out.
    """

    name = "data"
    of_files = True
    settings: DataSettings = DataSettings()

    def members(self, sweep: Sweep) -> Iterable[Member]:
        if not sweep.tasks:
            raise BenchError(
                "experiments: 'data' needs a task from a file, for example "
                "{task: series, file: weather.csv}."
            )
        size = self.settings.parameters
        for member in sweep.members(sweep.tasks, sweep.cells):
            task = next(each for each in sweep.tasks if each.shown == member.task)
            cell = next(each for each in sweep.cells if each.shown == member.cell)
            spec = member.condition
            if "width" not in cell.own:
                width = sweep.sizes.nearest(task, cell, "parameters", size)
                spec = replace(spec, width=width)
            own = cell.own.get("training", {}).get("learning_rate")
            for rate in (own,) if own else self.settings.rates:
                training = replace(spec.training, learning_rate=rate)
                yield replace(
                    member, condition=replace(spec, training=training), factors={"rate": rate}
                )

    def table(self, evidence: Evidence) -> pd.DataFrame:
        """One row a cell and a baseline: its loss on the test part, against the best of both."""
        runs = evidence.runs[evidence.runs.judged & evidence.runs.test_loss.notna()]
        cells = [evidence.plan[id].spec.cell for id in runs.condition]
        runs = runs.assign(memory=[cell != WINDOW for cell in cells])
        rows: list[dict[str, Any]] = []
        for about, group in groups(runs, ["task", "T"]):
            spec = evidence.plan[group.condition.iloc[0]].spec
            task = tasks.create(spec.task, spec.task_options)
            assert isinstance(task, FromFile)
            simple = measure(task, spec.T, spec.training.test_size)
            known = [each.loss for each in simple if np.isfinite(each.loss)]
            rows += [
                {**about, **row, "unit": UNITS[task.loss]} for row in _cells(group, min(known))
            ]
            for each in simple:
                row = {"cell": each.name, "kind": "baseline", "chosen": each.chosen, "n": 1}
                row |= {"loss": each.loss, "over_baseline": each.loss / min(known) - 1}
                rows.append({**about, **row, "unit": UNITS[task.loss]})
        return pd.DataFrame(rows)

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        """One row a task and length: the best cell, the best baseline, ties, what memory buys."""
        return pd.DataFrame(
            [
                {**about, **_concluded(group, self.settings.margin)}
                for about, group in groups(table, ["task", "T"])
            ]
        )

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "task": summary.task,
                "T": summary["T"],
                "best cell": summary.best_cell,
                "loss": spans(summary, "loss", "{:.4g}"),
                "best baseline": summary.best_baseline,
                "its loss": summary.baseline_loss.map("{:.4g}".format),
                "tied": summary.tied,
                "memory buys": spans(summary, "memory", "{:.1%}"),
            }
        )

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, Any]:
        return {"answer": " ".join(_sentence(row, self.settings.margin) for row in _rows(summary))}

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """Losses by cell and baseline, a panel a task and length."""
        shown = table.assign(series=table.cell.where(table.kind == "network", "baseline"))
        best = summary.set_index(["task", "T"]).baseline_loss
        shown["best"] = [best[key] for key in zip(shown.task, shown["T"])]
        places = cell_places(evidence.cells)
        places["baseline"] = max(places.values()) + 1
        beyond = ("over_baseline", "over_baseline_low", "over_baseline_high")
        shown[[*beyond]] *= 100
        panels = [
            panel(
                Axis("", "names"),
                Axis("test loss ({unit})", "log"),
                Layer("cell", "loss", "loss_low", "loss_high", by="series", look="points"),
                guides=("best",),
                flipped=True,
            ),
            panel(
                Axis("", "names"),
                Axis("test loss beyond that of the best baseline (%)"),
                Layer("cell", *beyond, only="kind == 'network'", by="series", look="points"),
                guides=(0.0,),
                flipped=True,
            ),
        ]
        seeds = "-".join(
            map(str, dict.fromkeys(shown[shown.kind == "network"].n.agg(["min", "max"])))
        )
        note = f"n = {seeds} seeds; bars: 95 % intervals over them; grey line: the best baseline"
        return figure(
            shown,
            panels,
            places,
            note,
            ["task", "T"],
            "{task}, T = {T}",
            finding=_finding(summary, self.settings.margin),
        )


def _cells(runs: pd.DataFrame, baseline: float) -> Iterator[dict[str, Any]]:
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
        row |= bounds("over_baseline", mean_interval(own / baseline - 1))
        row |= bounds("over_best", mean_interval((own - losses[best]) / losses[best].mean()))
        if state:
            least = losses[state]
            row |= bounds("over_memory", mean_interval((own - least) / least.mean()))
        yield row


def _concluded(rows: pd.DataFrame, margin: float) -> dict[str, Any]:
    """What a task's rows say; shares are of the loss of what they are compared with."""
    cells, simple = (
        rows[rows.kind == "network"],
        rows[rows.kind == "baseline"].dropna(subset="loss"),
    )
    best = cells.loc[cells.loss.idxmin()]
    floor = simple.loc[simple.loss.idxmin()]
    others = cells[cells.cell != best.cell]
    tied = others[(others.over_best_low > -margin) & (others.over_best_high < margin)]
    behind = others[others.over_best_low > margin]
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
    found |= {f"over_baseline{end}": float(best[f"over_baseline{end}"]) for end in ENDS}
    window = cells[~cells.memory.astype(bool)]
    if len(window) and "over_memory" in cells:
        row = window.loc[window.loss.idxmin()]
        found |= {f"memory{end}": float(row[f"over_memory{end}"]) for end in ENDS}
    else:
        found |= {f"memory{end}": float("nan") for end in ENDS}
    naive = simple[simple.cell.isin(NAIVE)]
    nearest = naive.loc[naive.loss.idxmin()]
    return found | {"naive": nearest.cell, "naive_over_best": float(nearest.loss / best.loss - 1)}


ENDS = ("", "_low", "_high")


def _rows(summary: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in summary.to_dict("records")]


def _called(row: dict[str, Any], margin: float) -> str:
    """How the best cell stands to the best baseline, by the whole interval."""
    if row["over_baseline_high"] < -margin:
        return "beats"
    if row["over_baseline_low"] > margin:
        return "is beaten by"
    within = row["over_baseline_low"] > -margin and row["over_baseline_high"] < margin
    return "is tied with" if within else "cannot be told from"


def _sentence(row: dict[str, Any], margin: float) -> str:
    over = interval(row["over_baseline_low"], row["over_baseline_high"], "{:+.1%}")
    told = [
        f"{row['task']} (T = {row['T']}): the best cell, {row['best_cell']}, "
        f"{_called(row, margin)} the best baseline, {row['best_baseline']}: its test loss is "
        f"{row['loss']:.4g} against {row['baseline_loss']:.4g} "
        f"({row['over_baseline']:+.1%}{over})."
    ]
    together = row["tied"].split(", ")
    if len(together) > 1:
        told.append(f"Tied within {margin:.0%}: {row['tied']}.")
    if row["behind"]:
        told.append(f"Behind by more: {row['behind']}.")
    if row["open"]:
        told.append(f"Neither tied with it nor surely behind: {row['open']}.")
    if row["memory"] == row["memory"]:
        ends = interval(row["memory_low"], row["memory_high"], "{:+.1%}")
        told.append(f"The window without memory loses {row['memory']:+.1%}{ends}.")
    told.append(
        f"The naive answer ({row['naive']}) loses {row['naive_over_best']:+.1%} to the best cell."
    )
    return " ".join(told)


def _finding(summary: pd.DataFrame, margin: float) -> str:
    called = [_called(row, margin) for row in _rows(summary)]
    beaten = called.count("beats")
    if len(called) == 1:
        row = _rows(summary)[0]
        return f"{row['best_cell']} {called[0]} the best baseline, {row['best_baseline']}"
    return f"A cell beats the best baseline on {beaten} of {len(called)} tasks"
