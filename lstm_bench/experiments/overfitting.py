"""Do gated cells overfit when data are few or lack diversity?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Annotated, Any, Final, Literal

import numpy as np
import pandas as pd

from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.runs import bounds, frame
from lstm_bench.experiments.settings import Allowed, Cells, Lengths, OwnTasks, Positive, Tasks
from lstm_bench.experiments.words import at_length, interval, listed, spans
from lstm_bench.plotting.figure import Axis, Figure, Layer, figure, panel
from lstm_bench.stats.means import mean_interval
from lstm_bench.stats.rates import wilson
from lstm_bench.sweep import Choice, Member, Sweep

SEQUENCES = Axis("distinct training sequences", "lengths")
KEYS = ["task", "T", "cell", "comparison", "size", "weight_decay"]
ABOUT = (*KEYS, "seed", "width", "parameters")
REPLICATE: Mapping[str, type] = {
    **dict.fromkeys(("task", "cell", "comparison"), object),
    **dict.fromkeys(("T", "size", "seed", "width", "parameters"), int),
    **dict.fromkeys(("weight_decay", "threshold"), float),
    "fitted": bool,
    **dict.fromkeys(("matched_score", "matched_gap", "score", "gap", "stopped_score"), float),
}
MEASURES = ("matched_score", "matched_gap", "score", "gap", "stopped_score")
PARAMETERS: Final = "equal parameters"
END, MATCHED = "end", "same training loss"
FEW, GAP = 32, 0.1  # sequences, and the gap in chance losses, of the claims
ENDS = ("gap", "gap_low", "gap_high", "difference", "difference_low", "difference_high")
SUMMARY: Mapping[str, type] = {
    **dict.fromkeys(("task", "comparison", "reading", "cell", "against"), object),
    **dict.fromkeys(("T", "size", "n", "pairs"), int),
    **dict.fromkeys(ENDS, float),
}


@dataclass(frozen=True)
class OverfittingSettings(OwnTasks):
    """The gap between training and test, against how many sequences a network learns from."""

    tasks: Annotated[Tasks, "without noise, with noisy targets, and real data"] = (
        Choice("temporal_order"),
        Choice("adding"),
        Choice("two_sequence", {"preset": "hochreiter1997_3c"}, "noisy two-sequence"),
        Choice("digits", lengths=(64,)),
    )
    cells: Cells = ("elman", "lstm")
    sizes: Annotated[Lengths, "the claims are about 32"] = (8, 32, 256)
    comparisons: Annotated[
        tuple[Literal["equal parameters", "equal width"], ...],
        Allowed(minItems=1),
        "equal parameters, equal width or both",
    ] = (PARAMETERS,)
    weight_decay: Annotated[
        float | None,
        Allowed(exclusiveMinimum=0),
        "of a second, regularised training of everything; null: none",
    ] = None
    fitted: Annotated[
        float,
        Allowed(exclusiveMinimum=0, exclusiveMaximum=1),
        "share of the chance loss at which training losses are compared",
    ] = 0.05
    updates: Annotated[Positive, "every replicate is trained to the end"] = 500


@dataclass(frozen=True)
class Overfitting(Experiment):
    """Do gated cells overfit?

    Trained on few sequences: how far does each cell's loss on new sequences lie above its
    training loss, and further than that of a plain cell of as many parameters?

    Finite training sets, each replicate its own; every replicate is trained to the end of the
    budget, solved or not. Equal parameters: the width whose parameters are nearest those of the
    largest cell at the width of the sweep; learning rates are those of that width, tuned where
    they were on endless data. The gap is the held-out loss less the training loss (the mean over
    the updates since the evaluation before), in units of the chance loss. End: at the last
    update. Same training loss: scores and gaps are also read at the first evaluation at which
    the training loss is below a share of the chance loss, of replicates that get there; that
    reading chooses nothing by the held-out sequences, so that validation serves as held-out.
    Early stopping: the test score of the weights with the lowest validation loss, from the same
    trainings. Weight decay is decoupled. Replicates that diverged or ended in an error are left
    out of n. Intervals: 95 %.
    """

    name = "overfitting"
    measures = ("gap", "score")
    shared = ("comparison",)  # the largest cell is as it is
    settings: OverfittingSettings = OverfittingSettings()

    def members(self, sweep: Sweep) -> Iterable[Member]:
        """Every size at each comparison, plain and, where the settings say so, with decay."""
        settings = self.settings
        # whatever the config trains with
        fixed = {"updates": settings.updates, "stop": "budget", "keep": "best"}
        fixed |= {"train_distinct": None}
        decays = [0.0, *([float(settings.weight_decay)] if settings.weight_decay else [])]
        arms = list(product(sorted(settings.sizes), decays, settings.comparisons))
        for task in self.tasks:
            for T, cell in product(task.lengths, sweep.chosen(settings.cells)):
                for size, decay, comparison in arms:
                    spec = sweep.condition(
                        task, T, cell, **fixed, train_size=size, weight_decay=decay
                    )
                    if comparison == PARAMETERS and isinstance(sweep.width, int):
                        most = sweep.sizes.largest(task, sweep.cells, "parameters", sweep.width)
                        width = sweep.sizes.nearest(task, cell, "parameters", most)
                        spec = replace(spec, width=width)
                    factors = {"comparison": comparison, "size": size, "weight_decay": decay}
                    yield Member(task.shown, cell.shown, spec, factors)

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
        """`gap` and held-out `score` of every replicate, without weight decay, at two readings.

        `reading` says when: at the `end`, or at the `same training loss`, where it was reached.
        """
        rows = per_replicate(evidence, self.settings.fitted)
        rows = rows[rows.weight_decay == 0]
        matched = rows.assign(reading=MATCHED, gap=rows.matched_gap, score=rows.matched_score)
        columns = ["task", "T", "cell", "comparison", "size", "seed", "reading", *self.measures]
        return pd.concat([rows.assign(reading=END), matched[matched.fitted]])[columns]

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        """Each size and cell: its gap, and how far that of the same seed of the first cell is."""
        measured = self.measured(evidence)
        at = ["task", "T", "comparison", "size", "reading"]
        rows = []
        for key, group in measured.groupby(at, sort=False):
            gaps = group.pivot_table(index="seed", columns="cell", values="gap")
            cells = [cell for cell in evidence.cells if cell in gaps]
            for cell in cells:
                row = {**dict(zip(at, key)), "cell": cell, "n": int(gaps[cell].notna().sum())}
                row |= bounds("gap", mean_interval(gaps[cell]))
                paired = (gaps[cell] - gaps[cells[0]]).dropna()
                compared = (np.nan, np.nan, np.nan)
                if cell != cells[0] and len(paired):
                    compared = mean_interval(paired)
                row |= {"against": cells[0], "pairs": len(paired)}
                rows.append({**row, **bounds("difference", compared)})
        return frame(rows, SUMMARY)

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        """Numbers with their intervals in one cell each."""
        return pd.DataFrame(
            {
                "task": at_length(summary),
                "comparison": summary.comparison,
                "sequences": summary["size"],
                "read at": summary.reading,
                "cell": summary.cell,
                "n": summary.n,
                "gap": spans(summary, "gap", "{:.2f}"),
                "against": summary.against.where(summary.difference.notna(), ""),
                "difference": spans(summary, "difference", "{:+.2f}", unknown=""),
            }
        )

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, object]:
        rows = summary[(summary.reading == END) & summary.difference.notna()]
        if rows.empty:
            return {"answer": "No two cells were trained to the end on the same sequences."}
        row, parts = rows.iloc[0], []
        for (comparison, task), group in rows.groupby(["comparison", "task"], sort=False):
            told = ", ".join(
                f"{row.cell} {row.difference:+.2f}"
                f"{interval(row.difference_low, row.difference_high, '{:+.2f}')} at {row.sequences}"
                for row in group.rename(columns={"size": "sequences"}).itertuples()
            )
            parts.append(f"{task}, {comparison}: {told}")
        lead = f"Gap at the end less that of {row.against}, in chance losses, by sequences"
        return {"answer": listed(lead, parts)}

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """A panel a task: the gap at the end, at the first comparison of the settings."""
        comparison = self.settings.comparisons[0]
        shown = table[(table.comparison == comparison) & (table.weight_decay == 0)]
        gap = Axis("held-out less training loss, per chance loss")
        panels = [panel(SEQUENCES, gap, _layer("gap"), guides=(0.0, 1.0))]
        note = (
            f"{comparison}; n = {{n}} replicates a point; bars: 95 % intervals; grey "
            "lines: no gap, and the loss of an answer without memory"
        )
        found = finding(summary[summary.comparison == comparison])
        return figure(shown, panels, evidence.cells, note, ["task", "T"], finding=found)

    def supplement(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """A column a task, for each comparison: scores at the end, when stopped, and matched."""
        few, final = "fitted * 2 < n", "held-out score at the end"
        comparisons = list(dict.fromkeys(table.comparison))
        panels = []
        for comparison in comparisons:
            title = comparison if len(comparisons) > 1 else ""
            plain = f"comparison == '{comparison}' and weight_decay == 0"
            decay = _layer("score", plain.replace("== 0", "> 0"), hollow=True)
            scores = {
                f"{final} (open: with weight decay)": [_layer("score", plain), decay],
                "test score with early stopping": [_layer("stopped_score", plain)],
                "score at the same training loss": [_layer("matched_score", plain, faded=few)],
            }
            for label, layers in scores.items():
                panels.append(panel(SEQUENCES, Axis(label, "share"), *layers, title=title))
            matched = Axis("gap at the same training loss, per chance loss")
            panels.append(
                panel(SEQUENCES, matched, _layer("matched_gap", plain, faded=few), title=title)
            )
        note = (
            "n = {n} replicates a point; bars: 95 % intervals; same training loss: "
            "{share_of_floor} of the chance loss, faded: fewer than half reach it"
        )
        return figure(table, panels, evidence.cells, note, ["task", "T"])


def finding(summary: pd.DataFrame) -> str:
    """What the figure shows, in a sentence, of the size that most resembles the claims' 32."""
    at = summary[summary.reading == END]
    if at.empty:
        return "No replicate was trained to the end"
    size = min(set(at["size"]), key=lambda size: abs(np.log2(size / FEW)))
    at = at[at["size"] == size]
    compared = at[at.difference.notna()]
    cell = (compared if len(compared) else at).cell.iloc[-1]
    own = at[at.cell == cell]
    above = int((own.gap_low > GAP).sum())
    told = f"With {size} sequences {cell} overfits on {above} of {len(own)} tasks"
    if len(compared):
        more = int((own.difference_low > 0).sum())
        told += f", more than {own.against.iloc[0]} on {more}, less on "
        told += f"{int((own.difference_high < 0).sum())}"
    return told


def _layer(measure: str, only: str = "", **look: Any) -> Layer:
    return Layer("size", measure, f"{measure}_low", f"{measure}_high", only=only, **look)


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
