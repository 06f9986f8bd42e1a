"""Does the order of the cells depend on what is held equal?

Four trainings and one reading. Equal width, parameters, state and FLOPs a step are widths, and so
conditions of their own. Equal time needs no training: a cell that is so many times slower has so
many times fewer updates, and whether it had solved the task by then stands in the run at equal
width. How slow it is must be no measurement, or the same sweep would give another verdict on
another day; so the time of an update is declared, either as numbers in the config (`pace`, of the
reader's own machine) or, left out, as its floating-point operations, which is then equal
computation. Measured seconds stand beside it, in columns that end in `_seconds`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Annotated, Any

import numpy as np
import pandas as pd

from lstm_bench.errors import BenchError
from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.runs import rungs_of
from lstm_bench.experiments.settings import Allowed, ByCell, Cell, Cells, Lengths, OwnTasks, Tasks
from lstm_bench.experiments.words import interval
from lstm_bench.plotting.figure import Axis, Figure, Layer, figure, panel
from lstm_bench.stats.comparisons import sign_flip
from lstm_bench.stats.family import UNTOLD, holm, letters, seeds_to_tell_apart, ties
from lstm_bench.stats.ladder import bracket
from lstm_bench.stats.means import mean_interval
from lstm_bench.stats.rates import wilson
from lstm_bench.sweep import Choice, Member, Sweep

ALPHA = 0.05
ALL = "all tasks"
WIDTH, TIME = "width", "time"
MATCHED = ("parameters", "state", "flops")
SHOWN = {"state": "state", "parameters": "parameters", "flops": "FLOPs a step"}


@dataclass(frozen=True)
class FairnessSettings(OwnTasks):
    """The horizon again, at the reference's parameters, state and FLOPs, and computing time."""

    tasks: Tasks = (Choice("adding"), Choice("temporal_order"))
    lengths: Lengths = (20, 50, 100)
    cells: Annotated[Cells, "all pairs of more than 7 need more than ten seeds"] = (
        *("elman", "irnn", "jordan", "lstm", "gru"),
    )
    reference: Annotated[Cell, "at `width` above; null takes lstm, else the last cell"] = None
    pace: Annotated[
        Mapping[str, Annotated[float, Allowed(exclusiveMinimum=0)]] | None,
        ByCell(),
        "time of an update, e.g. {elman: 0.4, lstm: 1}; null: its FLOPs",
    ] = None


@dataclass(frozen=True)
class Fairness(Experiment):
    """Does the order of the cells survive a fairer comparison?

    At equal width a gated cell has several times the parameters, state and computation of a
    plain one. Is it still ahead where those are equal, or where the plain one may train for as
    long?

    The horizon's trainings at the width of the sweep, and again at the widths that give every
    cell the parameters, the numbers of state or the FLOPs a step of the reference (the nearest
    width; the table has the sizes). Equal time reads the runs at equal width: the cell with the
    cheapest update has the whole budget, the others as many updates as take them that long by
    the declared time of an update (`pace`), or by its FLOPs where none is declared. The measure
    is the share of the lengths of the grid that a seed solves, a mean over tasks, as a
    difference to the reference paired by seed, with a bootstrap 95 % interval. Pairs
    of cells are told apart by sign flips, Holm over the pairs of one matching; letters are the
    groups that are not. Learning rates are those tuned at the sweep's width, which favours the
    comparison at equal width.
    """

    name = "fairness"
    shared = ("matched",)  # the reference has its own size at every match
    settings: FairnessSettings = FairnessSettings()

    def members(self, sweep: Sweep) -> Iterable[Member]:
        if not isinstance(sweep.width, int):
            raise BenchError(
                f"fairness: width: {sweep.width!r} is not allowed; it must be a whole number, "
                "which the experiment matches to by itself."
            )
        labels = [cell.shown for cell in sweep.cells]
        size_of = sweep.cells[labels.index(reference(self.settings, labels))]
        for task in self.tasks:
            budgets = {m: sweep.sizes.largest(task, [size_of], m, sweep.width) for m in MATCHED}
            for T in task.lengths:
                for cell in sweep.chosen(self.settings.cells):
                    usual = sweep.condition(task, T, cell)
                    yield Member(task.shown, cell.shown, usual, {"matched": WIDTH})
                    for match, budget in budgets.items():
                        own = replace(usual, width=sweep.sizes.nearest(task, cell, match, budget))
                        yield Member(task.shown, cell.shown, own, {"matched": match})

    def table(self, evidence: Evidence) -> pd.DataFrame:
        rows = []
        keys = ["matched", "task", "cell", "T"]
        for key, group in per_replicate(evidence, self.settings.pace).groupby(keys, sort=False):
            n, solved = len(group), int(group.solved.sum())
            low, high = wilson(solved, n)
            row = {**dict(zip(keys, key)), "n": n, "solved": solved, "share": solved / n}
            row |= {"low": low, "high": high, "budget": int(group.budget.iloc[0])}
            for name in ("width", "parameters", "state", "flops_per_update", "update_seconds"):
                row[name] = group[name].iloc[0]
            rows.append(row | {"learning_rate": group.learning_rate.iloc[0]})
        return pd.DataFrame(rows)

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        """A row a task (and all), matching and cell: share, difference, letters."""
        each = per_replicate(evidence, self.settings.pace)
        rows = []
        for task in (ALL, *dict.fromkeys(each.task)):
            own = each if task == ALL else each[each.task == task]
            for matched, group in _by(own, "matched"):
                about = {"task": task, "matched": matched}
                timed = matched == TIME
                seconds = group.assign(solved=group.solved_in_seconds.eq(True)) if timed else None
                measured = _compare(seconds, self.settings, evidence) if seconds is not None else {}
                for cell, row in _compare(group, self.settings, evidence).items():
                    shown = measured.get(cell, {}).get("difference", np.nan)
                    at = _horizon(table, task, matched, cell)
                    found = {"T_star": at, "difference_at_measured_seconds": shown}
                    rows.append({**about, **row, **found})
        return pd.DataFrame(rows)

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        """A row a cell, a column a matching: the difference, its interval and the tie groups."""
        summary = summary[summary.task == ALL]
        told = [_told(row) for row in summary.itertuples()]
        shown = summary.assign(told=told, at="equal " + summary.matched.replace(SHOWN))
        wide = shown.pivot_table(
            index="cell", columns="at", values="told", aggfunc="first", sort=False
        )
        return wide.reset_index()

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, object]:
        summary = summary[summary.task == ALL]
        orders = {matched: told_apart(group) for matched, group in _by(summary, "matched")}
        usual = orders.get(WIDTH, {})
        parts, kept = [], {}
        for matched, order in orders.items():
            if matched == WIDTH:
                continue
            same = sum(order.get(pair) == first for pair, first in usual.items())
            flipped = sum(order.get(pair, first) != first for pair, first in usual.items())
            kept[matched] = {"kept": same, "flipped": flipped, "open": len(usual) - same - flipped}
            name = SHOWN.get(matched, matched)
            lost = f" ({lost} no longer told apart)" if (lost := kept[matched]["open"]) else ""
            parts.append(f"at equal {name} {same} keep their order and {flipped} flip{lost}")
        answer = (
            f"Of {len(usual)} pairs of cells told apart at equal width: {', '.join(parts)}."
            if usual
            else "No two cells are told apart at equal width, so there is no order to survive."
        )
        if (summary.letters == UNTOLD).all():
            need, n = int(summary.seeds_to_tell_apart.max()), int(summary.n.max())
            answer = f"{n} seeds cannot tell any two cells apart; {need} or more could."
        groups = {
            matched: dict(zip(group.cell, group.letters))
            for matched, group in _by(summary, "matched")
        }
        return {"answer": answer, "pairs": kept, "letters": groups}

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        shown = summary if summary.task.nunique() > 2 else summary[summary.task == ALL]
        named = {**SHOWN, TIME: "computing time"}
        held = {matched: named.get(matched, matched) for matched in dict.fromkeys(shown.matched)}
        differences = panel(
            Axis("held equal", "names", names=held),
            Axis("share of lengths solved, less that of {reference}"),
            Layer(
                *("matched", "difference", "low", "high"), look="points", text="letters",
                faded="share_of_lengths < 0.5",
            ),
            guides=(0.0,),
            flipped=True,
        )  # fmt: skip
        known = summary.low.notna().any()
        note = "n = {n} seeds, paired; " + (
            "bars: bootstrap 95 % intervals" if known else "too few seeds for intervals"
        )
        note += (
            ". Letters: of one thing held equal, cells that share one are not told apart (sign "
            "flips, Holm); faded: it solves less than half of the lengths"
        )
        return figure(shown, [differences], evidence.cells, note, ["task"], "{task}")


def reference(settings: FairnessSettings, labels: Sequence[str]) -> str:
    """The label of the cell whose size is given to the others: of these, where none is named."""
    return settings.reference or ("lstm" if "lstm" in labels else labels[-1])


def per_replicate(evidence: Evidence, declared: Mapping[str, float] | None = None) -> pd.DataFrame:
    """One row a replicate and matching; those at equal width once more at equal time.

    declared            the time of an update by cell; without, its FLOPs

    solved              whether the task was solved within `budget` updates
    solved_in_seconds   the same at equal time by the seconds measured, which differ by machine
    """
    rows = evidence.runs[evidence.runs.judged]
    usual = rows[rows.matched == WIDTH]
    pace = usual.cell.map(declared) if declared else usual.flops_per_update.clip(lower=1)
    by_seconds = usual.updates_to_solve <= _updates(usual, usual.update_seconds)
    timed = usual.assign(matched=TIME, budget=_updates(usual, pace).to_numpy())
    timed = timed.assign(
        solved=timed.solved & (timed.updates_to_solve <= timed.budget),
        solved_in_seconds=(timed.solved & by_seconds).to_numpy(),
    )
    return pd.concat([rows, timed], ignore_index=True)


def _updates(rows: pd.DataFrame, pace: pd.Series) -> pd.Series:
    """The updates each cell makes while the cheapest makes its budget, at every task and length."""
    cheapest = pace.groupby([rows.task, rows["T"]]).transform("min")
    return np.floor(rows.budget * cheapest / pace)


def _compare(
    rows: pd.DataFrame, settings: FairnessSettings, evidence: Evidence
) -> dict[str, dict[str, object]]:
    """By cell, of the rows of one matching: what its seeds solve, less that of the reference."""
    names = [cell for cell in evidence.cells if (rows.cell == cell).any()]
    values = _shares(rows)[names]
    pairs = list(combinations(names, 2))
    enough = len(values) > 1
    p = holm([sign_flip(values[a] - values[b]) for a, b in pairs]) if enough else []
    apart = [pair for pair, each in zip(pairs, p) if each <= ALPHA]
    best_first = sorted(names, key=lambda name: -values[name].mean())
    need = seeds_to_tell_apart(len(names), ALPHA)
    able = len(values) >= need
    told = letters(ties(best_first, apart)) if able else dict.fromkeys(names, UNTOLD)
    other = reference(settings, names)
    found = {}
    for cell in names:
        mean, low, high = mean_interval(values[cell] - values[other])
        found[cell] = {
            "cell": cell,
            "n": len(values),
            "share_of_lengths": float(values[cell].mean()),
            "reference": other,
            "difference": mean,
            "low": low,
            "high": high,
            "letters": told[cell],
            "seeds_to_tell_apart": need,
        }
    return found


def _shares(rows: pd.DataFrame) -> pd.DataFrame:
    """Seeds by cells: the share of lengths solved, mean over tasks; whole seeds only."""
    solved = rows.astype({"solved": float})
    wide = solved.pivot_table(index="seed", columns=["cell", "task", "T"], values="solved")
    whole = wide.dropna()
    return whole.T.groupby(level=["cell", "task"]).mean().groupby(level="cell").mean().T


def told_apart(summary: pd.DataFrame) -> dict[tuple[str, str], str]:
    """By pair of cells without a letter in common: the one that solves more."""
    rows = list(summary.itertuples())
    return {
        (a.cell, b.cell): a.cell if a.share_of_lengths > b.share_of_lengths else b.cell
        for a, b in combinations(rows, 2)
        if not set(a.letters) & set(b.letters)
    }


def _horizon(table: pd.DataFrame, task: str, matched: str, cell: str) -> str:
    """T* of a cell on a task; nothing for all of them."""
    rows = table[(table.task == task) & (table.matched == matched) & (table.cell == cell)]
    if rows.empty:
        return ""
    return bracket(rungs_of(rows)).shown


def _by(rows: pd.DataFrame, column: str) -> Iterable[tuple[str, pd.DataFrame]]:
    return ((str(name), group) for name, group in rows.groupby(column, sort=False))


def _told(row: Any) -> str:
    if row.cell == row.reference:
        return f"reference ({row.letters})"
    if pd.isna(row.difference):
        return "no seed has every length"
    return f"{row.difference:+.2f}{interval(row.low, row.high, '{:+.2f}')} ({row.letters})"
