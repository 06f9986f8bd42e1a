"""Which cell for data of the user's own, and does any beat a simple baseline?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
import pandas as pd

from lstm_bench.errors import BenchError
from lstm_bench.experiments.base import Evidence, Experiment, stored_weights
from lstm_bench.experiments.data_answer import concluded, finding_of, records, rows_of, sentence
from lstm_bench.experiments.data_figure import drawn
from lstm_bench.experiments.data_losses import WINDOW, Losses, losses_of
from lstm_bench.experiments.data_memory import steps_cut
from lstm_bench.experiments.runs import groups
from lstm_bench.experiments.settings import Allowed, Lengths, Positive, Rates, Settings
from lstm_bench.experiments.words import spans, told
from lstm_bench.plotting.figure import Figure
from lstm_bench.sweep import Choice, Member, Sweep
from lstm_bench.tasks.series import FOLDS

LONGEST = 64  # inputs of the window of all T: at equal parameters a longer one has hardly a unit
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
    windows: Annotated[
        Lengths | None, "inputs of feedforward networks, trained for the memory needed; null: none"
    ] = (1, 2, 4, 8, 16, 32)
    folds: Annotated[
        int, Allowed(minimum=1, maximum=FOLDS), "of a series: test parts, each after a longer past"
    ] = 1


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
    below that of the baseline. Cells are tied with the best one where the interval of the ratio
    lies within the margin.

    Memory: window networks of the same size are trained to answer from the last k inputs, and the
    cells that have a state answer with their history cut to the last k, the state starting there.
    Needed is the smallest k of which one of these answers, or none at all, is enough: the upper
    bound of its loss over that of the best network stays below the margin.

    The variance of an interval has two parts, which add: that over seeds (initial weights and the
    order of batches), and that of the data, by a bootstrap of contiguous blocks of the test part
    (of groups or sequences where they are labelled). All answers are compared on the same seeds and
    the same blocks. With several folds a series is tested on as many stretches, each by networks
    and baselines that were fitted on what came before it.
    """

    name = "data"
    of_files = True
    probe = "item_losses"
    measures = ("share", "over_baseline", "over_window")
    settings: DataSettings = DataSettings()

    def members(self, sweep: Sweep) -> Iterable[Member]:
        if not sweep.tasks:
            raise BenchError(
                "experiments: 'data' needs a task from a file, for example "
                "{task: series, file: weather.csv}."
            )
        for choice in sweep.tasks:
            folds = self.settings.folds if choice.name == "series" else 1
            for fold in range(folds):
                # the last rows are tested in fold 0, which needs no option to say so
                options = {**choice.options, "fold": fold} if fold else choice.options
                yield from self._fold(sweep, replace(choice, options=options), fold)

    def _fold(self, sweep: Sweep, task: Choice, fold: int) -> Iterable[Member]:
        for T in task.lengths:
            for cell in self._cells(sweep, T):
                spec = sweep.condition(task, T, cell)
                if "width" not in cell.own:
                    width = sweep.sizes.nearest(task, cell, "parameters", self.settings.parameters)
                    spec = replace(spec, width=width)
                own = cell.own.get("training", {}).get("learning_rate")
                for rate in (own,) if own else self.settings.rates:
                    training = replace(spec.training, learning_rate=rate)
                    yield Member(
                        task.shown,
                        cell.shown,
                        replace(spec, training=training),
                        {"rate": rate, "fold": fold},
                    )

    def _cells(self, sweep: Sweep, T: int) -> list[Choice]:
        """Those of the sweep, windows of the settings, and one of T where that is at most 64."""
        known = {cell.key for cell in sweep.cells}
        wanted = self.settings.windows or ()
        whole = {T} if wanted and T <= LONGEST else set()
        lengths = sorted({k for k in wanted if k < T} | whole)
        windows = [Choice(WINDOW, {"window": k}, f"window of {k}") for k in lengths]
        return [*sweep.cells, *(each for each in windows if each.key not in known)]

    def probe_settings(self, sweep: Sweep) -> dict[str, object]:
        members = list(self.members(sweep))
        past = {
            m.condition.id: steps_cut(m.condition.T, m.condition.training.stateful)
            for m in members
            if m.condition.cell != WINDOW
        }
        return {**stored_weights(self, sweep, members), "past": past}

    def table(self, evidence: Evidence) -> pd.DataFrame:
        """One row a cell, a cut history and a baseline: see `data_answer.rows_of`."""
        rows: list[dict[str, Any]] = []
        for about, found in self._losses(evidence):
            for row in rows_of(found):
                if row["kind"] == "network" and row["cell"] not in evidence.cells:
                    row["kind"] = "window"
                rows.append({**about, **row, "unit": UNITS[found.unit]})
        return pd.DataFrame(rows)

    def measured(self, evidence: Evidence) -> pd.DataFrame:
        """One row a seed: the `share` learnt, 0 without input and 1 at the best baseline's loss.

        over_baseline   the share above 1
        over_window     above that of the windows, the best of them by seed; of cells with a state
        """
        rows: list[dict[str, Any]] = []
        for about, found in self._losses(evidence):
            chance = found.chance.loss
            # where no baseline knows more than the mean there is no share of it
            span = chance - found.floor.loss or np.nan
            shares = {label: (chance - found.by_seed(label)) / span for label in found.networks}
            windows = [shares[label] for label, own in found.networks.items() if own.window]
            rival = np.max(windows, axis=0) if windows else np.nan
            for label, own in found.networks.items():
                over = shares[label] - rival if not own.window else shares[label] * np.nan
                for seed, share, above in zip(found.seeds, shares[label], over):
                    row = {"cell": label, "seed": seed, "share": share}
                    rows.append({**about, **row, "over_baseline": share - 1, "over_window": above})
        return pd.DataFrame(rows).dropna(subset="share")

    def _losses(self, evidence: Evidence) -> Iterable[tuple[dict[str, Any], Losses]]:
        runs = evidence.runs[evidence.runs.judged & evidence.runs.test_loss.notna()]
        for about, group in groups(runs, ["task", "T"]):
            yield about, losses_of(group, evidence)

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
                "memory needed": told(summary.needed, "{:.0f}"),
                "variance of the data": told(summary.to_baseline_data, "{:.0%}"),
            }
        )

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, Any]:
        return {"answer": " ".join(sentence(row, self.settings.margin) for row in records(summary))}

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """Losses by cell and baseline, and by past steps seen, for each task and length."""
        return drawn(table, summary, evidence.cells, finding_of(summary, self.settings.margin))
