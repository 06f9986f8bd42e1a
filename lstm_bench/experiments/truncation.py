"""How far back must the gradient reach?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Annotated, Any

import numpy as np
import pandas as pd

from lstm_bench import tasks
from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.runs import frame, groups, rate_of
from lstm_bench.experiments.settings import Allowed, Cells, Lengths, OwnTasks, Positive, Tasks
from lstm_bench.plotting.figure import SOLVED, Axis, Figure, Layer, figure, panel
from lstm_bench.spec import Condition, SeedBlock, seed_blocks
from lstm_bench.sweep import Choice, Member, Sweep

WHOLE = {"truncate": None, "carry": True}  # whatever the config trains with
ARM = ["task", "cell", "T", "k", "carry"]
TOGETHER = 12  # seeds of a block: short trainings, whose jobs cost as much as they do
SEQUENCES = 2048  # in which relevant inputs are looked for
COLUMNS = 3  # cells in the main figure
FUTILE = 0.5  # of the budget: a replicate still at the chance loss stops
# how often the last window holds the last relevant input
NOTHING, NEVER, SOMETIMES, ALWAYS = "no step", "never", "sometimes", "always"
UNCUT = "whole"
Rate = Annotated[float | None, Allowed(exclusiveMinimum=0, maximum=10)]


@dataclass(frozen=True)
class TruncationSettings(OwnTasks):
    """The gradient is cut every so many steps, with the state carried over the cut and reset."""

    tasks: Tasks = (
        Choice("adding"),
        Choice("temporal_order"),
        Choice("flip_flop", {"variant": "instructions", "bits": 1}, "flip-flop", (20,)),
        Choice("selective_copy", {"distractors": 4}, "selective copy", (20, 50)),
        Choice("adding_1997", {}, "adding (1997)", (20,)),
    )
    lengths: Annotated[Lengths, "of the tasks that name none"] = (20, 50, 100)
    cells: Cells = ("lstm (chrono)",)
    windows: Annotated[Lengths, "steps, those of at most half of T; the longest is reset, too"] = (
        *(1, 10),
        50,
    )
    updates: Annotated[Positive, "at least twice what the whole gradient takes"] = 500
    learning_rate: Annotated[Rate, "of every arm; null takes the tuned rates"] = 0.1


@dataclass(frozen=True)
class Truncation(Experiment):
    """How far back must the gradient reach?

    When the gradient is cut every k steps, which share of replicates still solves the task, and
    does it matter whether the last window holds the last input that the answer depends on?

    Truncated backpropagation through time, one update a sequence as in full BPTT: the gradient is
    cut every k steps, counted from the end, so that the loss of the last step reaches back k steps,
    and no step with k = 1. The state passes a cut (carried), or starts anew there in training
    (reset, at the longest window); validation and test read whole sequences. All arms have the same
    learning rate and budget, and stop at half of it where they are still at the loss of chance. For
    each window it is counted in how many sequences the stretch between the last two cuts before the
    last answer holds the last relevant input. Shares carry Wilson 95 % intervals. A network with
    its gradient cut may still remember: what it cannot do is learn from an error further away than
    k.
    """

    name = "truncation"
    steps = True
    measures = ("lost_by_cut",)
    settings: TruncationSettings = TruncationSettings()

    def members(self, sweep: Sweep) -> Iterable[Member]:
        for task, T, cell in self._each(sweep):
            arms: list[dict[str, Any]] = [WHOLE]
            windows = [k for k in self.settings.windows if 2 * k <= T]
            arms += [{"truncate": k, "carry": True} for k in windows]
            arms += [{"truncate": k, "carry": False} for k in windows[-1:]]
            for arm in arms:
                condition = sweep.condition(task, T, cell, **arm, **self._training())
                factors = {"k": arm["truncate"] or T, "carry": arm["carry"]}
                yield Member(task.shown, cell.shown, condition, factors)

    def _each(self, sweep: Sweep) -> Iterator[tuple[Choice, int, Choice]]:
        """Every task at each of its lengths, with every cell."""
        cells = sweep.chosen(self.settings.cells)
        return ((t, T, cell) for t in self.tasks for T in t.lengths for cell in cells)

    def _training(self) -> dict[str, Any]:
        training = {"updates": self.settings.updates, "futility_after": FUTILE}
        rate = self.settings.learning_rate
        return training if rate is None else {**training, "learning_rate": rate}

    def blocks(self, sweep: Sweep) -> list[SeedBlock]:
        size = max(TOGETHER, sweep.seed_block)
        return list(seed_blocks(sweep.replicates, size, sweep.first_seed))

    def table(self, evidence: Evidence) -> pd.DataFrame:
        """One row a task, cell, T, window and way: the share solved, and what the window holds."""
        rows = []
        for about, group in groups(evidence.runs, ARM):
            solvers = group[group.judged].updates_to_solve.dropna().astype(float)
            holds = held(evidence.plan[group.condition.iloc[0]].spec, about["k"])
            updates = {"median_updates_of_solvers": solvers.median()}
            rows.append({**about, "holds": holds, **rate_of(group), **updates})
        table = frame(rows, dict.fromkeys(ARM, object))
        table["window"] = [window_of(*row) for row in zip(table.k, table["T"], table.holds)]
        return table

    def measured(self, evidence: Evidence) -> pd.DataFrame:
        """What a cut loses of what the whole gradient solves: 1 less the share of windows that do.

        By seed and length, by whether the state is carried and, as `window`, how often the last
        window holds the last relevant input: `no step` (k = 1), `never`, `sometimes`, `always`.
        """
        rows = evidence.runs[evidence.runs.judged].astype({"solved": float, "carry": bool})
        about = self.table(evidence)[[*ARM, "window"]].astype({"carry": bool})
        rows = rows.merge(about, on=ARM)
        keys = ["task", "cell", "T", "seed"]
        whole = rows[rows.window == UNCUT].set_index(keys).solved
        cut = rows[rows.window != UNCUT].groupby([*keys, "carry", "window"]).solved.mean()
        lost = cut.reset_index().join(whole.rename("whole"), on=keys)
        return lost.assign(lost_by_cut=(1 - lost.solved).where(lost.whole > 0))

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        """One row a task, cell and T: how many replicates solve it, by what the windows hold."""
        rows = []
        for about, group in groups(table[table.n > 0], ["task", "cell", "T"]):
            row = {**about, "whole": _solved(group[group.window == UNCUT])}
            for name in (NOTHING, NEVER, SOMETIMES, ALWAYS):
                row[name] = _solved(group[(group.window == name) & group.carry])
            row["reset"] = _solved(group[~group.carry.astype(bool)])
            rows.append(row)
        return pd.DataFrame(rows)

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        told = {
            "whole": "whole gradient",
            NOTHING: "no step (k = 1)",
            NEVER: "never holds the last relevant input",
            SOMETIMES: "holds it sometimes",
            ALWAYS: "holds it always",
            "reset": "longest window, state reset",
        }
        return summary.rename(columns=told)

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, object]:
        return {"answer": f"{_finding(table)}."}

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """The share solved against what the last window holds, the state carried and reset."""
        first = list(dict.fromkeys(table.cell))[:COLUMNS]
        table = table[(table.n > 0) & table.holds.notna() & table.cell.isin(first)]
        holds = Axis("share of sequences with the last relevant input in the last window", "share")
        share = partial(
            Layer, "holds", "share", "low", "high", by="task", look="points", hollow="k == 1"
        )
        panels = [
            panel(holds, SOLVED, share(only=f"k < T and {which}"), title=title)
            for which, title in (("carry", "state carried"), ("not carry", "state reset"))
        ]
        note = (
            "A point a window and T = {T}; n = {n} replicates, Wilson 95 % intervals. Hollow: k = "
            "1, no gradient passes from step to step. Solved with the whole gradient: "
            f"{_solved(table[table.window == UNCUT])}."
        )
        order = {task: place for place, task in enumerate(dict.fromkeys(table.task))}
        finding = _finding(table)
        return figure(table, panels, order, note, ["cell"], "{cell}", finding=finding)

    def supplement(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """Share solved, and the updates it takes, against the window, by task and T."""
        table = table[table.n > 0].sort_values("k")
        table = table.assign(length="T = " + table["T"].astype(str))
        window = Axis("window / length, k / T", limits=(0, 1.05))
        line = partial(Layer, "k / T", by="length")
        panels = [
            panel(window, Axis("share solved, state carried", "share"),
                  line("share", "low", "high", only="carry")),
            panel(window, Axis("median updates of those that solve it", limits=(0, None)),
                  line("median_updates_of_solvers", only="carry"), empty="none solves it"),
        ]  # fmt: skip
        note = "n = {n} replicates a point, Wilson 95 % intervals; k / T = 1 is the whole gradient."
        order = {length: place for place, length in enumerate(dict.fromkeys(table.length))}
        return figure(table, panels, order, note, ["task", "cell"], "{task}, {cell}")


def held(condition: Condition, k: int) -> float:
    """The share of sequences whose last relevant input the last window of k steps holds.

    NaN where the task does not know which inputs are relevant.
    """
    relevant, last = _relevant(condition.task, tuple(condition.task_options.items()), condition.T)
    if relevant is None:
        return float("nan")
    L = relevant.shape[1]
    cut = L - k * np.ceil((L - last) / k)  # where the chunk of the last answer begins
    steps = np.arange(L)
    final = np.where(relevant & (steps <= last[:, None]), steps, -1).max(axis=1)
    return float((final >= cut).mean())


@lru_cache(maxsize=64)
def _relevant(
    name: str, options: tuple[tuple[str, object], ...], T: int
) -> tuple[np.ndarray | None, np.ndarray]:
    """Which inputs are relevant, (sequences, L), and the last target step of each sequence."""
    task = tasks.create(name, dict(options))
    batch = task.sample(tasks.generator("relevance", task, T), SEQUENCES, T)
    L = batch.mask.shape[1]
    return task.relevance(batch), L - 1 - (batch.mask[:, ::-1] > 0).argmax(axis=1)


def window_of(k: int, T: int, holds: float) -> str:
    """What a window holds; `unknown` where the task cannot say, `whole` of a gradient not cut."""
    if k >= T:
        return UNCUT
    if k == 1:
        return NOTHING
    if np.isnan(holds):
        return "unknown"
    return NEVER if holds == 0 else ALWAYS if holds == 1 else SOMETIMES


def _solved(rows: pd.DataFrame) -> str:
    return f"{int(rows.solved.sum())} of {int(rows.n.sum())}" if len(rows) else "–"


def _finding(table: pd.DataFrame) -> str:
    """How many solve it, by how often the last window holds the last relevant input."""
    carried = table[table.carry.astype(bool) & (table.window != UNCUT)]
    reset = table[~table.carry.astype(bool)]
    parts = [
        f"{_solved(carried[carried.window == name])} {told}"
        for name, told in (
            (ALWAYS, "where the last window always holds the last relevant input"),
            (SOMETIMES, "where it sometimes does"),
            (NEVER, "where it never does"),
            (NOTHING, "at k = 1"),
        )
        if (carried.window == name).any()
    ]
    each = ", ".join(parts) or _solved(carried)
    return (
        f"Solved with the gradient cut and the state carried: {each}; state reset: {_solved(reset)}"
    )
