"""Which learning rate for which cell and task? Not part of the sweep: run by `snakemake tune`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import pandas as pd

from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.settings import Allowed, Rates, Replicates, Settings
from lstm_bench.plotting.figure import Axis, Figure, Layer, figure, panel
from lstm_bench.spec import Condition
from lstm_bench.sweep import Choice, Sweep


@dataclass(frozen=True)
class TuningSettings(Settings):
    """How `snakemake tune` chooses learning rates: every cell alike, on seeds nobody judges on."""

    rates: Annotated[Rates, Allowed(minItems=3), "tried at the shortest length of a task"] = (
        *(0.001, 0.002, 0.004, 0.008, 0.016),
        *(0.032, 0.064, 0.128, 0.256),
    )
    first: Annotated[Replicates, "seeds of each of them"] = 2
    later: Annotated[
        Replicates, "of a quarter, half, once and twice the last best, at every second length on"
    ] = 3
    more: Annotated[Replicates, "further seeds of the two best at each length"] = 3
    replace_shipped: Annotated[bool, "write to the rates that come with the suite, too"] = False


@dataclass(frozen=True)
class Tuning(Experiment):
    """Which learning rate for which cell?

    Which learning rate serves each cell best, at short lengths and at long ones?

    Every cell gets the same rates and the same seeds, which no experiment judges on. At the
    shortest length of a task the whole grid is tried; at every second length from there a quarter,
    half, once and twice the rate chosen before. The two best get further seeds. The rate with the
    largest share of solved replicates is chosen, then that with the smallest median of updates to
    solve; medians within 10 %, or within one evaluation of each other (5 updates), are a tie, which
    goes to the smaller rate. Where no rate solves the
    task, the search of the pair ends, and says so. A sweep that trains every replicate to the end
    of its budget (`stop: budget`) chooses the rate of the lowest validation loss, a mean over
    replicates. A training takes the rate tuned at the length
    nearest to its own. The test set is not looked at.
    """

    name = "tuning"

    on_request = True
    settings: TuningSettings = TuningSettings()

    def searches(self, sweep: Sweep) -> Iterable[tuple[Choice, Choice, list[Condition]]]:
        any_rate = self.settings.rates[0]  # each trial has its own
        for task in sweep.tasks:
            for cell in sweep.cells:
                if "learning_rate" not in cell.own.get("training", {}):
                    yield (
                        task,
                        cell,
                        [
                            sweep.condition(task, T, cell, learning_rate=any_rate)
                            for T in anchors(task)
                        ],
                    )

    def table(self, evidence: Evidence) -> pd.DataFrame:
        """One row a trial: a rate at a length."""
        return evidence.trials

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        chosen = table[table.chosen].drop(columns="chosen")
        ends = table.groupby(["task", "cell", "T"]).learning_rate.agg(["min", "max"])
        at = pd.MultiIndex.from_frame(chosen[["task", "cell", "T"]])
        low, high = ends.loc[at, "min"].to_numpy(), ends.loc[at, "max"].to_numpy()
        rate = chosen.learning_rate.to_numpy()
        return chosen.assign(at_edge_of_grid=(rate == low) | (rate == high))

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, object]:
        solved = summary[summary.solved > 0]
        edge = int(solved.at_edge_of_grid.sum())
        unsolved = summary[summary.solved == 0]
        told = ", ".join(f"{r.cell} on {r.task} at T = {r.T}" for r in unsolved.itertuples())
        none = f" No rate solves {told}." if told else ""
        return {
            "answer": f"{len(solved)} rates chosen for {solved.groupby(['task', 'cell']).ngroups} "
            f"pairs, {edge} of them at an edge of what was tried.{none}"
        }

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        chosen = panel(
            Axis("T", "lengths"),
            Axis("learning rate chosen", "lengths"),
            Layer("T", "learning_rate", only="chosen", faded="solved == 0"),
        )
        note = "faded: no rate solves the task at this length, and the search ends"
        return figure(table, [chosen], list(dict.fromkeys(table.cell)), note, ["task"])


def anchors(task: Choice) -> tuple[int, ...]:
    """Every second length of a task, from the shortest on."""
    return tuple(sorted(task.lengths)[::2])
