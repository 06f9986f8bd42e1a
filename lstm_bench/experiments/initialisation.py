"""How much does the initial gate bias matter?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated

import pandas as pd

from lstm_bench.errors import BenchError
from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.runs import MEANS, ends_of, groups, mean_updates_of, rate_of
from lstm_bench.experiments.settings import Allowed, Lengths, OwnTasks, Tasks
from lstm_bench.experiments.words import at_length, counts, intervals, listed, told
from lstm_bench.plotting.figure import SOLVED, Axis, Figure, Layer, figure, panel
from lstm_bench.sweep import Choice, Member, Sweep

BIAS = {"lstm": "forget_bias", "gru": "update_bias"}  # option with the initial bias


@dataclass(frozen=True)
class InitialisationSettings(OwnTasks):
    """Initial biases of the LSTM's forget and the GRU's update gate; chrono takes T_max = T."""

    tasks: Tasks = (Choice("adding"), Choice("temporal_order"))
    lengths: Lengths = (100,)
    biases: Annotated[
        tuple[float, ...], Allowed(minItems=1), "of the LSTM's forget gate, the GRU's update gate"
    ] = (0, 1, 3, 5)


@dataclass(frozen=True)
class Initialisation(Experiment):
    """How much does the initial gate bias matter?

    How do the share of replicates that solve a long task and the time they need change with the
    start value of the LSTM's forget bias, and of the GRU's update bias?

    The runs share cell, seeds and data and differ in the initial bias b of the gate that keeps
    the state: b = 0 keeps half of it each step, 1 keeps 73 %, 3 keeps 95 %, 5 keeps 99.3 %;
    chrono draws it as log U[1, T - 1] for each unit (and for the LSTM sets the input bias to
    minus that), which spreads time constants up to T. Every start takes the learning rate that
    was tuned for the cell's default start, which favours the default. Shares have Wilson 95 %
    intervals. A replicate that did not solve enters the mean number of updates with the whole
    budget (restricted mean); that mean has a bootstrap interval.
    """

    name = "initialisation"
    settings: InitialisationSettings = InitialisationSettings()

    def members(self, sweep: Sweep) -> Iterable[Member]:
        for task in self.tasks:
            for T in task.lengths:
                for cell in _plain(sweep):
                    usual = sweep.condition(task, T, cell)
                    for start, options in _starts(cell.name, self.settings.biases, T):
                        condition = replace(usual, cell_options=options)
                        yield Member(task.shown, cell.name, condition, {"start": start})

    def table(self, evidence: Evidence) -> pd.DataFrame:
        return pd.DataFrame(
            [
                {
                    **about,
                    **rate_of(group),
                    **mean_updates_of(group),
                    "budget": int(group.budget.iloc[0]),
                    "diverged": ends_of(group)["diverged"],
                    "median_test_score": group[group.judged].test_score.astype(float).median(),
                    "learning_rate": group.learning_rate.iloc[0],
                }
                for about, group in groups(evidence.runs, ["task", "cell", "start", "T"])
            ]
        )

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        return table

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        """Shares and times with their intervals."""
        mean = told(summary.mean_updates, "{:.0f}")
        mean += intervals(summary.mean_low, summary.mean_high, "{:.0f}")
        return pd.DataFrame(
            {
                "task": at_length(summary),
                "cell": summary.cell,
                "start": summary.start,
                "solved": counts(summary) + intervals(summary.low, summary.high, "{:.2f}"),
                "mean updates": mean,
            }
        )

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, object]:
        parts = []
        for (task, T, cell), group in table.groupby(["task", "T", "cell"], sort=False):
            each = ", ".join(f"{row.start} {row.solved}/{row.n}" for row in group.itertuples())
            parts.append(f"{cell} on {task} (T={T}): {each}")
        return {"answer": listed("Solved by start of the gate that keeps", parts)}

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        start = Axis("initial bias of the gate that keeps the state", "names")
        updates = Axis("mean updates to solve, unsolved as the budget", limits=(0, None))
        mean = Layer("start", *MEANS, look="points", faded="share < 0.5")
        panels = [
            panel(start, SOLVED, Layer("start", "share", "low", "high", look="points")),
            panel(start, updates, mean, guides=("budget",)),
        ]
        note = (
            "n = {n} replicates a point; 95 % intervals (of shares Wilson, of means bootstrap); "
            "grey line: the budget; faded: fewer than half solved"
        )
        return figure(table, panels, evidence.cells, note, ["task", "T"])


def _plain(sweep: Sweep) -> list[Choice]:
    """The sweep's LSTM and GRU, each without options where listed so, else its first entry.

    Raises BenchError where the sweep has neither.
    """
    chosen = []
    for name in BIAS:
        variants = [cell for cell in sweep.cells if cell.name == name]
        if variants:
            chosen.append(next((cell for cell in variants if not cell.options), variants[0]))
    if not chosen:
        raise BenchError(
            "initialisation: cells has neither 'lstm' nor 'gru'; it needs one of them."
        )
    return chosen


def _starts(cell: str, biases: Iterable[float], T: int) -> Iterator[tuple[str, dict[str, object]]]:
    """Label and cell options of every start.

    A bias at its default is left out: the condition then has the id other experiments give it.
    """
    default = {"lstm": 1.0, "gru": 0.0}[cell]
    for bias in biases:
        value = float(bias)
        yield f"b = {bias:g}", {} if value == default else {BIAS[cell]: value}
    yield "chrono", {"chrono": T}
