"""Which cell for data of the user's own, and does any beat a simple baseline?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
import pandas as pd

from lstm_bench import tasks
from lstm_bench.errors import BenchError
from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.baselines import measure
from lstm_bench.experiments.data_answer import concluded, finding_of, of_cells, records, sentence
from lstm_bench.experiments.runs import groups
from lstm_bench.experiments.settings import Allowed, Positive, Rates, Settings
from lstm_bench.experiments.words import spans
from lstm_bench.plotting.figure import Axis, Figure, Layer, figure, panel
from lstm_bench.plotting.palette import cell_places
from lstm_bench.sweep import Member, Sweep
from lstm_bench.tasks.from_file import FromFile

WINDOW = "feedforward_window"  # the cell that sees the last steps and remembers nothing
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
                {**about, **row, "unit": UNITS[task.loss]} for row in of_cells(group, min(known))
            ]
            for each in simple:
                row = {"cell": each.name, "kind": "baseline", "chosen": each.chosen, "n": 1}
                row |= {"loss": each.loss, "to_baseline": each.loss / min(known)}
                rows.append({**about, **row, "unit": UNITS[task.loss]})
        return pd.DataFrame(rows)

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        """One row a task and length: the best cell, the best baseline, ties, what memory buys."""
        return pd.DataFrame(
            [
                {**about, **concluded(group, self.settings.margin)}
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
                "without memory ×": spans(summary, "memory", "{:.3g}"),
            }
        )

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, Any]:
        return {"answer": " ".join(sentence(row, self.settings.margin) for row in records(summary))}

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """Losses by cell and baseline, a panel a task and length."""
        shown = table.assign(series=table.cell.where(table.kind == "network", "baseline"))
        best = summary.set_index(["task", "T"]).baseline_loss
        shown["best"] = [best[key] for key in zip(shown.task, shown["T"])]
        places = cell_places(evidence.cells)
        places["baseline"] = max(places.values()) + 1
        beyond = ("to_baseline", "to_baseline_low", "to_baseline_high")
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
                Axis("test loss / that of the best baseline"),
                Layer("cell", *beyond, only="kind == 'network'", by="series", look="points"),
                guides=(1.0,),
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
            finding=finding_of(summary, self.settings.margin),
        )
