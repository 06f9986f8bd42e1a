"""Which learning rate for which cell and task? Not part of the sweep: run by `snakemake tune`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import pandas as pd

from lstm_bench import tasks
from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.runs import ends_of, groups
from lstm_bench.experiments.settings import Allowed, Length, Rates, Replicates, Settings
from lstm_bench.plotting.figure import Axis, Figure, Layer, figure, panel
from lstm_bench.spec import TUNING_SEEDS, SeedBlock, seed_blocks
from lstm_bench.sweep import Choice, Member, Sweep


@dataclass(frozen=True)
class TuningSettings(Settings):
    """How `snakemake tune` chooses learning rates: every rate, on seeds no experiment judges on."""

    length: Annotated[Length | None, "null tunes nothing"] = 30
    rates: Annotated[Rates, Allowed(minItems=3)] = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
    replicates: Replicates = 5
    replace_shipped: Annotated[bool, "write to the rates that come with the suite, too"] = False


@dataclass(frozen=True)
class Tuning(Experiment):
    """Which learning rate for which cell?

    At one middle length, which learning rate of the grid serves each cell best?

    Every cell gets the same grid of learning rates at one middle length, on seeds that no
    experiment judges on. The rate with the largest share of solved replicates is chosen; ties
    go to the smaller mean number of updates to solve (unsolved counted at the budget), then to
    the lower mean of the best validation loss. Errors of the machine are left out, and a rate
    at which every replicate diverged or ran out of time is not chosen. The test set is not
    looked at.
    """

    name = "tuning"

    on_request = True
    settings: TuningSettings = TuningSettings()

    def members(self, sweep: Sweep) -> Iterable[Member]:
        if (length := self.settings.length) is None:  # nothing is to be tuned
            return
        for task in sweep.tasks:
            T = self._length(task, length)
            for cell in sweep.cells:
                for rate in self.settings.rates:
                    condition = sweep.condition(task, T, cell, learning_rate=rate)
                    yield Member(task.key, cell.key, condition)

    def _length(self, task: Choice, T: int) -> int:
        """T, or the nearest of a task's own where T is a default that the task cannot have.

        Raises BenchError for a T that the user named.
        """
        learnt = tasks.create(task.name, task.options)
        if "length" in self.named:
            learnt.require(T)
        return T if learnt.allowed([T]) else min(task.lengths, key=lambda each: abs(each - T))

    def blocks(self, sweep: Sweep) -> list[SeedBlock]:
        replicates = self.settings.replicates
        return list(seed_blocks(replicates, replicates, TUNING_SEEDS))

    def table(self, evidence: Evidence) -> pd.DataFrame:
        """One row a trial; a rate at which no replicate was trained to an end is never chosen."""
        rows, ended = [], []
        for about, group in groups(evidence.runs, ["task", "cell", "T", "learning_rate"]):
            judged = group[group.judged]
            ended.append(bool(judged.status.isin(["solved", "unsolved"]).any()))
            rows.append(
                {
                    **about,
                    "n": len(judged),
                    "solved": int(judged.solved.sum()),
                    "diverged": ends_of(group)["diverged"],
                    "mean_updates": judged.updates.mean(),
                    "mean_best_loss": judged.best_validation_loss.astype(float).mean(),
                }
            )
        table = pd.DataFrame(rows)
        known = table[ended].assign(share=lambda rows: rows.solved / rows.n)
        order = ["share", "mean_updates", "mean_best_loss"]
        best = known.sort_values(order, ascending=[False, True, True], kind="stable")
        table["chosen"] = False
        table.loc[best.groupby(["task", "cell"], sort=False).head(1).index, "chosen"] = True
        return table

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        chosen = table[table.chosen].drop(columns="chosen")
        ends = table.groupby(["task", "cell"]).learning_rate.agg(["min", "max"])
        at = pd.MultiIndex.from_frame(chosen[["task", "cell"]])
        low, high = ends.loc[at, "min"].to_numpy(), ends.loc[at, "max"].to_numpy()
        rate = chosen.learning_rate.to_numpy()
        return chosen.assign(at_edge_of_grid=(rate == low) | (rate == high))

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, object]:
        rates: dict[str, dict[str, float]] = {}
        for row in summary.to_dict("records"):
            rates.setdefault(row["task"], {})[row["cell"]] = float(row["learning_rate"])
        edge = int(summary.at_edge_of_grid.sum())
        pairs = dict.fromkeys(zip(table.task, table.cell))
        lacking = [f"{cell} on {task}" for task, cell in pairs if cell not in rates.get(task, {})]
        none = f" None for {', '.join(lacking)}: nothing was trained to an end." if lacking else ""
        return {
            "answer": f"{len(summary)} rates chosen, {edge} of them at an edge of the grid.{none}",
            "rates": rates,
        }

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        mean = partial(Layer, "learning_rate", "mean_updates")
        top = 1.08 * table.mean_updates.max()
        rates = panel(
            Axis("learning rate", "lengths"),
            Axis("mean updates to solve (unsolved: the budget)", limits=(0, top)),
            mean(),
            mean(only="chosen", look="points", hollow=True, marker="o", size=9),
        )
        note = "n = {n} tuning seeds a point; circles: the rate chosen"
        return figure(table, [rates], list(dict.fromkeys(table.cell)), note, ["task"])
