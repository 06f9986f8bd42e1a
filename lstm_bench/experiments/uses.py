"""Are LSTMs particularly effective for language, translation and time series?"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import pandas as pd

from lstm_bench.experiments.base import NOTHING, Evidence, Experiment
from lstm_bench.experiments.known_answers import present_loss, share_learnt, window_loss
from lstm_bench.experiments.runs import bounds, frame, groups
from lstm_bench.experiments.settings import Cells, Lengths, OwnTasks, Positive, Tasks
from lstm_bench.experiments.words import at_length, counts, interval, listed, spans
from lstm_bench.plotting.figure import Axis, Figure, Layer, figure, panel
from lstm_bench.plotting.palette import BLACK, GREY, cell_places
from lstm_bench.spec import SeedBlock, seed_blocks
from lstm_bench.stats.means import mean_interval
from lstm_bench.sweep import Choice, Member, Sweep

KEYS = ["task", "T", "cell"]
TOGETHER = 12  # seeds of a block: short trainings, whose jobs cost as much as they do
MARGIN = 0.05  # of the way from the chance loss to the optimal loss: what counts as better
TRAINED, KNOWN, PLAIN = "trained", "known", "elman"
RIVALS = {PLAIN: "the Elman network", "window": "the window", "present": "the present input"}
SIZES = ("width", "parameters", "learning_rate")
TABLE: Mapping[str, type] = {
    **dict.fromkeys(("task", "cell", "kind"), object),
    **dict.fromkeys(("T", "n", "solved", "width", "parameters", "budget"), int),
    **dict.fromkeys(("share", "share_low", "share_high", "learning_rate"), float),
}
SUMMARY: Mapping[str, type] = {
    **dict.fromkeys(("task", "cell"), object),
    **dict.fromkeys(("T", "n", "solved"), int),
    **dict.fromkeys(
        (f"{name}{end}" for name in ("share", *RIVALS) for end in ("", "_low", "_high")), float
    ),
}


@dataclass(frozen=True)
class UsesSettings(OwnTasks):
    """Language, translation and time series: each cell, and windows, at equal parameters."""

    tasks: Annotated[Tasks, "language, translation, time series"] = (
        Choice("char_grammar"),
        Choice("translation"),
        Choice("mackey_glass"),
        Choice("sine_mix"),
        Choice("narma10", lengths=(60,)),
    )
    lengths: Annotated[Lengths, "of the tasks that name none"] = (40,)
    controls: Annotated[Tasks, "of which a window is known to be enough"] = (
        Choice("mackey_glass", {"preset": "short"}, "mackey_glass, 6 ahead"),
        Choice("translation", {}, "short translation", (2,)),
    )
    cells: Annotated[Cells, "the first has its own width, the others as many parameters"] = (
        *("lstm", "lstm (chrono)"),
        *("gru", "elman"),
    )
    windows: Annotated[Lengths, "inputs that feedforward networks of that size see"] = (20,)
    updates: Annotated[Positive, "every replicate is trained to the end"] = 1000


@dataclass(frozen=True)
class Uses(Experiment):
    """Are LSTMs particularly effective for language, translation and time series?

    Of what there is to learn of each of these tasks, how much does an LSTM learn, and is it more
    than an Elman network of as many parameters, than a feedforward network of as many parameters
    that sees the last inputs, and than the best answer from the present input alone?

    The measure is the share learnt: how far the held-out loss has come from that of the best
    answer without any input (0) to that of a perfect one (1), both exact, so that noise which
    nobody can predict counts for nothing. Every replicate is trained to the end of the same
    budget and tested with the weights of its lowest validation loss; one that diverged counts with
    that loss. The first cell has the width of the sweep, the others the width whose parameters are
    nearest. Learning rates are tuned by the same rule for every cell. Differences are paired by
    seed, with bootstrap 95 % intervals; against several windows it is the best of them, by seed.
    The best answer from the present input is known to the task, or a mean for each range of the
    value shown; open marks are the task's own best answer from the last inputs, of a series the
    best linear one. A window shorter than the lag cannot translate, whatever it is trained with.
    In the controls a window is enough by construction (the whole sentence) or as is known of it.
    """

    name = "uses"
    measures = ("share", "over_present", "over_window")
    settings: UsesSettings = UsesSettings()

    @property
    def tasks(self) -> tuple[Choice, ...]:
        return (*self.settings.tasks, *self.settings.controls)

    def members(self, sweep: Sweep) -> Iterable[Member]:
        """Each cell and each window on each task, at the parameters of the first cell."""
        training = {"updates": self.settings.updates, "stop": "budget", "keep": "best"}
        first, *others = sweep.chosen(self.settings.cells)
        windows = [(window_cell(k), k) for k in self.settings.windows]
        for task in self.tasks:
            rivals = [(cell, 0) for cell in others] if task in self.settings.tasks else []
            for T in task.lengths:
                usual = sweep.condition(task, T, first, **training)
                yield Member(task.shown, first.shown, usual, {"window": 0})
                most = sweep.sizes.largest(task, [first], "parameters", usual.width)
                for cell, k in (*rivals, *windows):
                    width = sweep.sizes.nearest(task, cell, "parameters", most)
                    spec = replace(sweep.condition(task, T, cell, **training), width=width)
                    yield Member(task.shown, cell.shown, spec, {"window": k})

    def blocks(self, sweep: Sweep) -> list[SeedBlock]:
        size = max(TOGETHER, sweep.seed_block)
        return list(seed_blocks(sweep.replicates, size, sweep.first_seed))

    def table(self, evidence: Evidence) -> pd.DataFrame:
        """A row a task and cell: the share learnt; then those of answers that need no training."""
        rows: list[dict[str, object]] = []
        for about, group in groups(evidence.runs, KEYS):
            shares = per_replicate(group, evidence)
            size = {name: group[name].iloc[0] for name in (*SIZES, "budget")}
            row = {**about, "kind": TRAINED, "n": len(shares), "solved": int(shares.solved.sum())}
            rows.append(row | bounds("share", mean_interval(shares.share)) | size)
        for (task, T), group in evidence.runs.groupby(["task", "T"], sort=False):
            spec = evidence.plan[group.condition.iloc[0]].spec
            known = {"best from the present input": present_loss(spec)}
            known |= {f"best from {k} inputs": window_loss(spec, k) for k in self.settings.windows}
            for cell, loss in known.items():
                row = {"task": task, "T": T, "cell": cell, "kind": KNOWN}
                rows.append(row | {"share": share_learnt(spec, loss)})
        return frame(rows, TABLE)

    def measured(self, evidence: Evidence) -> pd.DataFrame:
        """`share` learnt by every replicate, and how far it is above two rivals.

        over_present   the best answer from the present input
        over_window    the windows, the best of them by seed
        """
        return per_replicate(evidence.runs, evidence)

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        """A row a task and cell: its share, how far above each rival, and how many solved it."""
        rows = []
        for about, group in groups(self.measured(evidence), ["task", "T"]):
            plain = group[group.cell == PLAIN].set_index("seed").share
            for cell, own in group.groupby("cell", sort=False):
                by_seed = own.set_index("seed")
                gaps = {"window": by_seed.over_window, "present": by_seed.over_present}
                gaps[PLAIN] = by_seed.share - (plain if cell != PLAIN else np.nan)
                row = {**about, "cell": cell, "n": len(own), "solved": int(own.solved.sum())}
                row |= bounds("share", mean_interval(own.share))
                for name, gap in gaps.items():
                    row |= bounds(name, mean_interval(gap.dropna()))
                rows.append(row)
        return frame(rows, SUMMARY)

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "task": at_length(summary),
                "cell": summary.cell,
                "solved": counts(summary),
                "share learnt": spans(summary, "share", "{:.3f}"),
                **{
                    f"less {rival}": spans(summary, name, "{:+.3f}")
                    for name, rival in RIVALS.items()
                },
            }
        )

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, object]:
        first = summary[summary.cell == (table.cell.iloc[0] if len(table) else "")]
        if first.empty:
            return {"answer": NOTHING}
        parts = []
        for row in first.to_dict("records"):
            gaps = [
                f"{rival} {row[name]:+.2f}"
                + interval(row[f"{name}_low"], row[f"{name}_high"], "{:+.2f}")
                for name, rival in RIVALS.items()
                if not np.isnan(row[name])
            ]
            parts.append(f"{row['task']} {row['share']:.2f} ({', '.join(gaps)})")
        lead = f"Share learnt by {table.cell.iloc[0]}, and less that of"
        return {"answer": listed(lead, parts), "ahead": ahead(first)}

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """Rows are tasks: a mark a cell, and what the task says the last inputs tell."""
        shown = table.assign(place=table.task + " " + table["T"].astype(str))
        controls = [task.shown for task in self.settings.controls]
        names = {
            place: f"control: {task}" if task in controls else f"{task}, T = {T}"
            for place, task, T in zip(shown.place, shown.task, shown["T"])
        }
        learnt = panel(
            Axis("", "names", names=names),
            Axis("share of what there is to learn"),
            Layer("place", "share", "share_low", "share_high", only="kind == 'trained'",
                  look="points"),
            Layer("place", "share", only="kind == 'known'", look="points", hollow=True),
            guides=(0.0, 1.0),
            flipped=True,
        )  # fmt: skip
        note = (
            "n = {n} replicates a point, {budget} updates, equal parameters within a task; bars: "
            "95 % intervals. 0: the best answer without input, 1: a perfect one. Open: no network, "
            "the best answer from the present input, or from the last ones (of a series the best "
            "linear one)"
        )
        cells, known = (list(dict.fromkeys(table[table.kind == k].cell)) for k in (TRAINED, KNOWN))
        places = cell_places(cells) | dict(zip(known, (GREY, BLACK, *range(10, 100))))
        found = finding(summary, cells[0] if cells else "", controls)
        return figure(shown, [learnt], places, note, finding=found)

    def supplement(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """Whether the budget decided: the share learnt by update, a panel a task."""
        by_update = panel(
            Axis("updates"),
            Axis("share learnt of validation", within=(0, 1)),
            Layer("update", "share", "low", "high", look="curve", rows=curves(evidence)),
        )
        note = "n = {n} replicates a curve: median and quartiles; of the weights at that update"
        rows = table[table.kind == TRAINED]
        return figure(rows, [by_update], list(dict.fromkeys(rows.cell)), note, ["task", "T"])


def window_cell(k: int) -> Choice:
    """The feedforward network that sees the last k inputs."""
    return Choice("feedforward_window", {"window": k}, f"window of {k}")


def per_replicate(runs: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
    """One row a replicate: the share learnt, and how far it is above what needs no memory.

    Errors of the machine and time-outs are left out. A replicate that diverged is judged by the
    lowest validation loss that it had before, and has learnt nothing where it had none.
    """
    rows = runs[runs.judged & (runs.status != "timeout")]
    losses = rows.test_loss.fillna(rows.best_validation_loss)
    specs = [evidence.plan[id].spec for id in rows.condition]
    rows = rows[[*KEYS, "seed", "window", "solved"]].assign(
        share=[0.0 if np.isnan(x) else share_learnt(spec, x) for spec, x in zip(specs, losses)],
        present=[share_learnt(spec, present_loss(spec)) for spec in specs],
    )
    best = rows[rows.window > 0].groupby(["task", "T", "seed"]).share.max().rename("best")
    rows = rows.join(best, on=["task", "T", "seed"])
    over_window = (rows.share - rows.best).where(rows.window == 0)
    return rows.assign(over_present=rows.share - rows.present, over_window=over_window)


def curves(evidence: Evidence) -> pd.DataFrame:
    """Median and quartiles of the share learnt of validation, by task, cell and update."""
    rows = evidence.curves.drop(columns=["task", "cell"], errors="ignore")
    rows = rows.rename(columns={"task_label": "task", "cell_label": "cell"})
    shares = [
        share_learnt(evidence.plan[id].spec, loss)
        for id, loss in zip(rows.condition, rows.validation_loss)
    ]
    by = rows.assign(share=shares).groupby([*KEYS, "update"], sort=False).share
    found = pd.DataFrame({"low": by.quantile(0.25), "high": by.quantile(0.75)})
    return found.assign(share=by.median()).reset_index()


def ahead(rows: pd.DataFrame) -> dict[str, list[str]]:
    """By rival, the tasks on which the whole interval of the difference is above the margin."""
    return {
        name: [str(row.task) for row in rows.itertuples() if getattr(row, f"{name}_low") > MARGIN]
        for name in RIVALS
    }


def finding(summary: pd.DataFrame, cell: str, controls: Collection[str]) -> str:
    """On how many uses this cell is ahead of each rival, in a sentence."""
    first = summary[(summary.cell == cell) & ~summary.task.isin(controls)]
    if first.empty:
        return NOTHING
    by_rival = [
        f"than {RIVALS[name]} on {len(tasks)}"
        for name, tasks in ahead(first).items()
        if first[name].notna().any()
    ]
    told = ", ".join(by_rival)
    return f"On {len(first)} uses {cell} learns more by {MARGIN:g} {told}"
