"""Does everything in the catalogue work?"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any

import numpy as np
import pandas as pd

from lstm_bench import tasks
from lstm_bench.errors import unknown
from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.runs import ends_of, groups, rate_of
from lstm_bench.experiments.settings import Allowed, Labels, OneOf, Settings
from lstm_bench.experiments.words import at_length, counts, intervals
from lstm_bench.plotting.figure import Axis, Figure, Layer, Panel, figure, panel
from lstm_bench.plotting.palette import BLUE, GREY, RED
from lstm_bench.sweep import Member, Sweep

MARGIN = (
    0.1  # of the way from chance to optimal loss; a test set of 2,048 is within 0.03 of its mean
)
HALF, SOME, IDLE = "half or more solved it", "learnt something", "learnt nothing"


@dataclass(frozen=True)
class Pair:
    """A task and a cell of the sweep, by their labels, and how they are trained together."""

    task: str
    cell: str
    training: Annotated[Mapping[str, object], Allowed(of="#/properties/training")] = field(
        default_factory=dict
    )


@dataclass(frozen=True)
class PairsThere:
    """Pairs of a task and a cell of the sweep; defaults that are not there are left out."""

    def fit(self, value: Any, known: Labels, named: bool, where: str) -> Any:
        for pair in value if named else ():
            for kind, labels in known.items():
                if pair[kind] not in labels:
                    raise unknown(f"{where}: {kind}", pair[kind], labels)
        return [pair for pair in value if all(pair[kind] in known[kind] for kind in known)]


@dataclass(frozen=True)
class CatalogueSettings(Settings):
    """Every task with one cell, every cell on one task, and pairs of their own."""

    task: Annotated[str, OneOf("task", first=True), "has every cell"] = "adding"
    cell: Annotated[str, OneOf("cell", first=True), "has every task"] = "lstm"
    pairs: Annotated[
        tuple[Pair, ...],
        Allowed(uniqueItems=False),
        PairsThere(),
        "e.g. {task: copy, cell: gru, training: {updates: 4000}}",
    ] = ()


@dataclass(frozen=True)
class Catalogue(Experiment):
    """Does everything in the catalogue work?

    Does every cell train on one task, and is every task solved by some cell?

    Every task of the sweep is trained with one cell and every cell on one task, so that the
    number of trainings grows with the sum of the two, not with their product; other pairs,
    rates and budgets are listed in the config with their reason. A cell trains when the median
    test loss of its replicates lies below the chance loss by at least a tenth of the way
    from chance loss to optimal loss, both exact; a diverged replicate counts as no better than the
    chance loss. A task is solved when some cell solves it in at least half of the replicates.
    Shares carry Wilson 95 % intervals; replicates that ended in an error of the machine are left
    out of n. Rates are not tuned: this says what works, and ranks nothing.
    """

    name = "catalogue"
    settings: CatalogueSettings = CatalogueSettings()

    def members(self, sweep: Sweep) -> Iterable[Member]:
        """The common task with every cell, the common cell on every task, and the pairs."""
        own = {(pair.task, pair.cell): pair.training for pair in self.settings.pairs}
        for task in sweep.tasks:
            for cell in sweep.cells:
                pair = (task.shown, cell.shown)
                common = task.shown == self.settings.task or cell.shown == self.settings.cell
                if common or pair in own:
                    for T in task.lengths:
                        condition = sweep.condition(task, T, cell, **own.get(pair, {}))
                        yield Member(task.shown, cell.shown, condition)

    def table(self, evidence: Evidence) -> pd.DataFrame:
        every = groups(evidence.runs, ["task", "cell", "T"])
        rows = [_row(about, group, evidence) for about, group in every]
        learnt = [row["task"] for row in rows]
        common = max(learnt, key=learnt.count, default=None)  # the task of every cell
        kinds = ("cell" if task == common else "task" for task in learnt)
        return pd.DataFrame([{"every": kind, **row} for kind, row in zip(kinds, rows)])

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        """Every cell on the common task, then every other task with the cell that does best."""
        judged = table[table.n > 0]
        best = judged.sort_values(
            ["share", "median_updates", "way"], ascending=[False, True, False], kind="stable"
        )
        best = best.drop_duplicates("task")
        order = [task for task in evidence.tasks if task in set(best.task)]
        best = best.set_index("task", drop=False).loc[order]
        return pd.concat([judged[judged.every == "cell"], best[best.every == "task"]])

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        interval = intervals(summary.low, summary.high, "{:.2f}")
        return pd.DataFrame(
            {
                "learnt": at_length(summary),
                "cell": summary.cell,
                "solved": counts(summary, "/") + interval,
                "median updates to solve": summary.median_updates,
                "floor": summary.floor,
                "ceiling": summary.ceiling,
                "final loss": summary.final_loss,
                "trains": summary.trained,
                "learning rate": summary.learning_rate,
                "budget": summary.budget,
            }
        )

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, object]:
        cells = summary[summary.every == "cell"]
        idle = cells[~cells.trained].cell.tolist()
        common = cells.iloc[[0]].task.tolist() if (cells.share >= 0.5).any() else []
        best = summary[summary.every == "task"]
        solved = common + best[best.share >= 0.5].task.tolist()
        open_ = [name for name in dict.fromkeys(summary.task) if name not in solved]
        trained = f"{len(cells) - len(idle)} of {len(cells)} cells train on "
        trained += f"{cells.task.iloc[0]} at T={cells['T'].iloc[0]}" if len(cells) else "no task"
        told = f"{len(solved)} of {len(solved) + len(open_)} tasks are solved by some cell"
        answer = trained + (f" (not: {', '.join(idle)})" if idle else "") + "; "
        answer += told + (f" (not: {', '.join(open_)})." if open_ else ".")
        return {"answer": answer, "not_trained": idle, "not_solved": open_}

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        table = table[table.n > 0]
        cells, others = table[table.every == "cell"], table[table.every == "task"]
        usual = others.cell.mode().iloc[0] if len(others) else ""
        long = "{cell}, {T}" if cells["T"].nunique() > 1 else "{cell}"
        panels = [
            _strip(cells, usual, lambda row: long, "every cell on {task}, T = {T}", evidence),
            _strip(
                *(others, usual),
                lambda row: "{task}, {T}" if row["cell"] == usual else "{task}, {cell}, {T}",
                *("every task, with {usual}", evidence),
            ),
        ]
        note = (
            "updates to solve, a dot a replicate; crosses: the budget, where some did not. Beside "
            "them: solved of n, and where fewer than half did, how far the median replicate came "
            "from the chance loss (0 %) to the optimal loss (100 %)"
        )
        return figure(table, panels, {HALF: BLUE, SOME: GREY, IDLE: RED}, note)


def _row(about: dict[str, Any], group: pd.DataFrame, evidence: Evidence) -> dict[str, Any]:
    condition = evidence.plan[group.condition.iloc[0]].spec
    learnt = tasks.create(condition.task, condition.task_options)
    floor, ceiling = learnt.chance_loss(about["T"]), learnt.optimal_loss(about["T"])
    judged = group[group.judged]
    losses = judged.test_loss.astype(float).fillna(floor)  # a diverged one has learnt nothing
    final = float(losses.median())
    way = (floor - final) / (floor - ceiling)
    ends = ends_of(group)
    return {
        **about,
        **rate_of(group),
        "median_updates": float(judged.updates_to_solve.astype(float).fillna(np.inf).median()),
        "floor": floor,
        "ceiling": ceiling,
        "final_loss": final,
        "way": way,
        "trained": bool(way >= MARGIN),
        "diverged": ends["diverged"],
        "error": ends["error"],
        "learning_rate": group.learning_rate.iloc[0],
        "budget": int(group.budget.iloc[0]),
    }


def _strip(
    rows: pd.DataFrame,
    usual: str,
    called: Callable[[Mapping[Hashable, Any]], str],
    title: str,
    evidence: Evidence,
) -> Panel:
    """A line a row of the table: its replicates along the updates, and how many solved."""
    each = rows.to_dict("records")
    names = [called(row).format(**row) for row in each]
    told = [f"{r['solved']}/{r['n']}" + f"  {r['way']:.0%}" * (r["share"] < 0.5) for r in each]
    kind = np.select([rows.share >= 0.5, rows.trained.astype(bool)], [HALF, SOME], IDLE)
    rows = rows.assign(row=names, kind=kind, told=told, usual=usual)
    keys = ["task", "cell", "T"]
    runs = evidence.runs.merge(rows[[*keys, "row", "kind", "usual"]], on=keys)
    points = partial(Layer, "row", by="kind", look="points")
    top = float(rows.budget.max()) if len(rows) else 1.0
    first = min(top / 10, runs.updates_to_solve.astype(float).min() / 1.3)
    return panel(
        Axis("", "names", names=names),
        Axis("updates to solve", "log", limits=(first, 1.1 * top)),
        points("updates_to_solve", marker="o", size=3, rows=runs),
        points(
            "budget", marker="x", text="told", at_edge=True,
            rows=rows.assign(budget=rows.budget.where(rows.solved < rows.n)),
        ),
        title=title if len(rows) else "",
        flipped=True,
    )  # fmt: skip
