"""Do gated cells overfit when data are few or lack diversity?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
import pandas as pd

from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.runs import bounds, frame
from lstm_bench.experiments.settings import Allowed, Cells, Lengths, OwnTasks, Positive, Tasks
from lstm_bench.experiments.words import interval, listed
from lstm_bench.plotting.figure import Axis, Figure, Layer, Panel, figure, panel
from lstm_bench.stats.means import mean_interval
from lstm_bench.stats.rates import wilson
from lstm_bench.sweep import Choice, Member, Sweep

SEQUENCES = Axis("distinct training sequences", "lengths")
KEYS = ["task", "T", "cell", "comparison", "size", "distinct", "weight_decay"]
ABOUT = (*KEYS, "seed", "width", "parameters")
REPLICATE: Mapping[str, type] = {
    **dict.fromkeys(("task", "cell", "comparison"), object),
    **dict.fromkeys(("T", "size", "distinct", "seed", "width", "parameters"), int),
    **dict.fromkeys(("weight_decay", "threshold"), float),
    "fitted": bool,
    **dict.fromkeys(("matched_score", "matched_gap", "score", "gap", "stopped_score"), float),
}
MEASURES = ("matched_score", "matched_gap", "score", "gap", "stopped_score")


@dataclass(frozen=True)
class OverfittingSettings(OwnTasks):
    """The gap between training and test, against how many sequences a network learns from."""

    tasks: Tasks = (Choice("temporal_order"),)
    cells: Cells = ("elman", "lstm")
    sizes: Annotated[Lengths, "with more cells, the costliest part of a sweep"] = (64, 512)
    weight_decay: Annotated[
        float, Allowed(exclusiveMinimum=0), "of the regularised arm; the other has none"
    ] = 1.0
    fitted: Annotated[
        float,
        Allowed(exclusiveMinimum=0, exclusiveMaximum=1),
        "share of the chance loss at which training losses are compared",
    ] = 0.05
    updates: Annotated[Positive, "every replicate is trained to the end"] = 2000


@dataclass(frozen=True)
class Overfitting(Experiment):
    """Do gated cells overfit?

    Trained on few sequences, or on many of which few differ: how far does each cell's loss on
    new sequences lie above its training loss, and is one cell worse than another where both fit
    their training set equally well?

    Finite training sets, each replicate its own; every replicate is trained to the end of the
    budget, solved or not. Same training loss: both scores and losses are read at the first
    evaluation at which the training loss (the mean over the updates since the evaluation
    before) is below a share of the chance loss, and only replicates that get there are
    compared; that reading chooses nothing by the held-out sequences, so that validation serves
    as held-out. End: at the last update. Early stopping: the test score of the weights with the
    lowest validation loss, from the same trainings. Weight decay is decoupled. Equal
    parameters: the width whose parameters are nearest those of the largest cell at the equal
    width; rates are those of the equal width. Diversity: the training set keeps its size, but
    repeats its first sequences; since an epoch then shows each of them several times, this
    equals a smaller set up to the order in which sequences come. Gaps are in units of the
    chance loss. Replicates that diverged or ended in an error are left out of n. Student's 95 %
    intervals.
    """

    name = "overfitting"
    measures = ("matched_score", "gap", "gap_beyond_plenty")
    shared = ("comparison",)  # the largest cell is as it is
    settings: OverfittingSettings = OverfittingSettings()

    def members(self, sweep: Sweep) -> Iterable[Member]:
        """Every size at equal width and equal parameters; decay and repeats at equal width."""
        sizes, decay = sorted(self.settings.sizes), float(self.settings.weight_decay)
        fixed = {"updates": self.settings.updates, "stop": "budget", "keep": "best"}
        usual_arm = {"train_distinct": None, "weight_decay": 0.0}  # whatever the config trains with
        for task in self.tasks:
            for T in task.lengths:
                for cell in sweep.chosen(self.settings.cells):
                    arms: list[dict[str, float]] = [{"train_size": size} for size in sizes]
                    arms += [{"train_size": size, "weight_decay": decay} for size in sizes]
                    arms += [{"train_size": sizes[-1], "train_distinct": d} for d in sizes[:-1]]
                    for arm in arms:
                        usual = sweep.condition(task, T, cell, **fixed, **{**usual_arm, **arm})
                        factors = {
                            "comparison": "equal width",
                            "size": arm["train_size"],
                            "distinct": arm.get("train_distinct", arm["train_size"]),
                            "weight_decay": arm.get("weight_decay", 0.0),
                        }
                        yield Member(task.shown, cell.shown, usual, factors)
                        if len(arm) == 1 and isinstance(sweep.width, int):
                            budget = sweep.sizes.largest(
                                task, sweep.cells, "parameters", sweep.width
                            )
                            width = sweep.sizes.nearest(task, cell, "parameters", budget)
                            matched = replace(usual, width=width)
                            equal = {**factors, "comparison": "equal parameters"}
                            yield Member(task.shown, cell.shown, matched, equal)

    def table(self, evidence: Evidence) -> pd.DataFrame:
        rows = []
        for key, group in per_replicate(evidence, self.settings.fitted).groupby(KEYS, sort=False):
            n, fitted = len(group), int(group.fitted.sum())
            row = {**dict(zip(KEYS, key)), "n": n, **bounds("fitted", (fitted, *wilson(fitted, n)))}
            for measure in MEASURES:
                row |= bounds(measure, mean_interval(group[measure]))
            row |= {"width": group.width.iloc[0], "parameters": group.parameters.iloc[0]}
            rows.append(row | {"share_of_floor": group.threshold.iloc[0]})
        return pd.DataFrame(rows)

    def measured(self, evidence: Evidence) -> pd.DataFrame:
        """`gap_beyond_plenty`: the gap less that of the same seed with the most sequences.

        `data` says how many sequences there were: `plenty`, the most; `few`, fewer; `repeated`,
        as many as plenty, of which as many differ as of few. Without weight decay.
        """
        rows = per_replicate(evidence, self.settings.fitted)
        rows = rows[rows.weight_decay == 0]
        few = rows["size"] < rows["size"].max()
        repeated = ~few & (rows.distinct < rows["size"])
        rows = rows.assign(data=np.select([few, repeated], ["few", "repeated"], "plenty"))
        same = ["task", "T", "cell", "comparison", "seed"]
        plenty = rows[rows.data == "plenty"].set_index(same).gap.rename("least")
        rows = rows.join(plenty, on=same)
        rows["gap_beyond_plenty"] = rows.gap - rows.least
        return rows[[*same, "size", "distinct", "data", *self.measures]]

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        """Against the first cell, by seed: the held-out score where both reached the same loss."""
        rows = []
        each = per_replicate(evidence, self.settings.fitted)
        plain = each[(each.weight_decay == 0) & (each["size"] == each.distinct) & each.fitted]
        for (task, T, comparison), group in plain.groupby(["task", "T", "comparison"], sort=False):
            cells = [cell for cell in evidence.cells if (group.cell == cell).any()]
            for cell in cells[1:]:
                rows.append(
                    {"task": task, "T": T, "comparison": comparison, "cell": cell}
                    | _difference(group, cell, cells[0])
                )
        return pd.DataFrame(
            rows, columns=[*KEYS[:1], "T", "comparison", "cell", *_difference_columns()]
        )

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        """The difference and its interval in one cell."""
        told = [_told(row) for row in summary.itertuples()]
        shown = summary[["task", "comparison", "cell", "against", "sizes", "n"]].copy()
        shown["held-out score, difference"] = told
        return shown

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, object]:
        parts = [
            f"{row.cell} minus {row.against} on {row.task} at {row.comparison}: {_told(row)}"
            for row in summary.itertuples()
            if row.n > 1
        ]
        if not parts:
            return {"answer": "No two cells reached the same training loss on the same sizes."}
        return {"answer": listed("Held-out score at the same training loss", parts)}

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """Six panels a task: at the same training loss, at the end, and in what ways else."""
        whole, width = "size == distinct", "comparison == 'equal width'"
        plain = f"{whole} and weight_decay == 0 and {width}"
        equal = f"{whole} and weight_decay == 0 and not {width}"
        repeated = f"size == {table['size'].max()} and weight_decay == 0 and {width}"
        few, final = "fitted * 2 < n", "held-out score at the end"
        decay = _layer("score", f"{whole} and weight_decay > 0", hollow=True)
        gap = Axis("loss at the end, held-out minus training, per chance loss")

        def score(label: str, *layers: Layer) -> Panel:
            return panel(SEQUENCES, Axis(label, "share"), *layers)

        panels = [
            score(
                "held-out score at the same training loss",
                _layer("matched_score", plain, faded=few),
            ),
            score("the same, at equal parameters", _layer("matched_score", equal, faded=few)),
            panel(SEQUENCES, gap, _layer("gap", plain)),
            score(f"{final} (open: with weight decay)", _layer("score", plain), decay),
            score("test score with early stopping", _layer("stopped_score", plain)),
            score(f"{final}, repeated up to {{size}}", _layer("score", repeated, "distinct")),
        ]
        note = (
            "n = {n} replicates a point; bars: 95 % intervals; same training loss: "
            "{share_of_floor} of the chance loss, faded: fewer than half reach it"
        )
        return figure(table, panels, evidence.cells, note, ["task", "T"])


def _layer(measure: str, only: str, x: str = "size", **look: Any) -> Layer:
    return Layer(x, measure, f"{measure}_low", f"{measure}_high", only=only, **look)


def per_replicate(evidence: Evidence, share: float) -> pd.DataFrame:
    """One row a replicate: what it is, and scores and gaps at the three readings.

    matched_*   at the first evaluation with a training loss below this share of the chance loss,
                NaN where there was none; score, gap at the last; stopped_score of the best weights
    """
    runs = evidence.runs[~evidence.runs.status.isin(["error", "diverged"])]
    curves = dict(iter(evidence.curves.groupby(["condition", "seed"])))
    rows = []
    for row in runs.to_dict("records"):
        curve = curves[row["condition"], row["seed"]].drop_duplicates("update")
        curve = curve[curve["update"] > 0].sort_values("update")
        reached = curve[curve.train_loss <= share * row["floor"]]
        rows.append(
            {
                **{name: row[name] for name in ABOUT},
                "threshold": share,
                "fitted": len(reached) > 0,
                **_reading("matched_", reached.head(1), row["floor"]),
                **_reading("", curve.tail(1), row["floor"]),
                "stopped_score": row["test_score"],
            }
        )
    return frame(rows, REPLICATE)


def _reading(prefix: str, at: pd.DataFrame, floor: float) -> dict[str, float]:
    """Held-out score, and held-out minus training loss over the chance loss, at one evaluation."""
    if at.empty:
        return {f"{prefix}score": np.nan, f"{prefix}gap": np.nan}
    point = at.iloc[0]
    gap = (point.validation_loss - point.train_loss) / floor
    return {f"{prefix}score": float(point.validation_score), f"{prefix}gap": float(gap)}


def _difference_columns() -> list[str]:
    return ["against", "sizes", "n", "difference", "low", "high"]


def _difference(group: pd.DataFrame, cell: str, other: str) -> dict[str, object]:
    """The mean over sizes of the score differences of a seed, then over seeds with an interval."""
    scores = group.pivot_table(index=["seed", "size"], columns="cell", values="matched_score")
    paired = (scores[cell] - scores[other]).dropna()
    mean, low, high = mean_interval(paired.groupby("seed").mean())
    sizes = sorted(paired.index.get_level_values("size").unique())
    values = [other, ", ".join(map(str, sizes)), paired.index.get_level_values("seed").nunique()]
    return dict(zip(_difference_columns(), [*values, mean, low, high]))


def _told(row: Any) -> str:
    if not row.n:
        return "no size that both fit"
    return f"{row.difference:+.3f}{interval(row.low, row.high, '{:+.3f}')}, n = {row.n}"
