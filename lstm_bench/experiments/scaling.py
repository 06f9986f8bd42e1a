"""How does the time to learn grow with the length?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.runs import groups
from lstm_bench.experiments.words import listed
from lstm_bench.plotting.figure import LENGTH, Axis, Figure, Layer, figure, panel
from lstm_bench.stats.scaling import EXPONENTIAL, FEWEST, POWER, Fit, Mean, compare, mean_log2
from lstm_bench.sweep import Member, Sweep

UNITS = {"updates": "updates", "flops": "operations"}
STEPS = 40  # points of a drawn curve
Z95 = 1.96
ENDS = {
    "slope": "",
    "low": "_low",
    "high": "_high",
    "scatter": "_scatter",
    "intercept": "_intercept",
}


@dataclass(frozen=True)
class Scaling(Experiment):
    """How does the time to learn grow with the length?

    Do the updates, and the operations, until a cell has solved a task grow as a power of the
    length T, or exponentially in it?

    The horizon's trainings, at the lengths that at least half of the replicates solve; cells with
    four such lengths or more are fitted. At each length the mean of log2 of the time is that of a
    normal distribution, censored at the budget where a replicate did not solve (maximum
    likelihood).
    Two curves of two parameters each, log2 u = a + b log2 T and log2 u = a + b T, are fitted to the
    means; a mean lies off the curve by its own standard error and by a scatter of the lengths that
    is estimated with the curve. Intervals of b are Student's at the lengths less two. One form is
    called the better where twice the difference of their log likelihoods, times (k - 2) / k of k
    lengths, exceeds 4: simulated, the wrong one is then called in at most one of twenty; otherwise
    either will do. A power b says: twice the length takes 2^b times the updates. Lengths beyond the
    last that half of them solve are not in the fit, so that a curve says nothing of what happens
    there. An update takes operations in proportion to the steps, hence b of operations is about one
    more than that of updates.
    """

    name = "scaling"

    def members(self, sweep: Sweep) -> Iterable[Member]:
        return sweep.every_length(between=True)

    def table(self, evidence: Evidence) -> pd.DataFrame:
        """One row a length: how many solved it, and the mean of log2 of the time."""
        rows = []
        for about, group in groups(evidence.runs[evidence.runs.judged], ["task", "cell", "T"]):
            n, solved = len(group), int(group.solved.sum())
            row = {**about, "n": n, "solved": solved, "fitted": solved >= 2 and 2 * solved >= n}
            for name in UNITS:
                mean, error = np.nan, np.nan
                if row["fitted"]:
                    mean, error = mean_log2(_time(group, name), group.solved)
                ends = [2 ** (mean + z * error) for z in (0, -Z95, Z95)]
                row |= dict(zip((name, f"{name}_low", f"{name}_high"), ends))
                row[f"{name}_error"] = error
            rows.append(row)
        return pd.DataFrame(rows)

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        """One row a pair and unit: both curves, and which is called the better."""
        rows = []
        for about, group in groups(table, ["task", "cell"]):
            own = group[group.fitted]
            for name, told in UNITS.items():
                row = {**about, "unit": told, "lengths": len(own), "n": int(group.n.sum())}
                row |= {"from": own["T"].min(), "to": own["T"].max(), "form": "not fitted"}
                if len(own) >= FEWEST:
                    power, exponential, support, called = compare(_means(own, name))
                    row |= {"form": called, "evidence_for_power": support}
                    row |= _told(power, "power") | _told(exponential, "exponential")
                rows.append(row)
        return pd.DataFrame(rows)

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        """The updates: one row a pair."""
        own = _by_updates(summary)
        if own.empty:
            return own
        shown = [f"{r.power:.2f} [{r.power_low:.2f}, {r.power_high:.2f}]" for r in own.itertuples()]
        return pd.DataFrame(
            {
                "task": own.task,
                "cell": own.cell,
                "lengths": [f"{r.lengths} ({r[6]:g}–{r.to:g})" for r in own.itertuples()],
                "power b": shown,
                "better": own.form,
                "evidence for the power": own.evidence_for_power,
                "scatter (log2)": own.power_scatter,
            }
        )

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, Any]:
        own = _by_updates(summary)
        parts = [
            f"{task}: "
            + ", ".join(
                f"{r.cell} T^{r.power:.2f} [{r.power_low:.2f}, {r.power_high:.2f}] ({r.form})"
                for r in group.itertuples()
            )
            for task, group in own.groupby("task", sort=False)
        ]
        left_out = summary[summary.unit == "updates"].form.eq("not fitted").sum()
        answer = listed("Updates to solve grow as", parts) if parts else "Nothing could be fitted."
        few = (
            f" {left_out} pairs solve fewer than {FEWEST} lengths half the time."
            if left_out
            else ""
        )
        return {"answer": answer + few}

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """A panel a task: mean updates to solve against T, with the better curve of each cell."""
        updates = Axis("updates to solve (mean of log2)", "log")
        points = Layer(
            *("T", "updates", "updates_low", "updates_high"),
            look="points",
            only="fitted",
            faded="solved < n",
        )
        curves = Layer("T", "updates", look="curve", rows=_curves(summary))
        note = (
            f"n = {{n}} replicates a point; bars: 95 % intervals; faded: some did not solve it; "
            f"curves: the form with more evidence, where half solve {FEWEST} lengths or more"
        )
        panels = [panel(LENGTH, updates, points, curves)]
        return figure(
            table, panels, evidence.cells, note, ["task"], "{task}", finding=_finding(summary)
        )


def _by_updates(summary: pd.DataFrame) -> pd.DataFrame:
    """The pairs that are fitted, a row each: the curves of their updates."""
    return summary[(summary.unit == "updates") & (summary.form != "not fitted")]


def _time(runs: pd.DataFrame, name: str) -> pd.Series:
    times = runs.updates.clip(lower=1)
    return times * runs.flops_per_update if name == "flops" else times


def _means(rows: pd.DataFrame, name: str) -> list[Mean]:
    errors = rows[f"{name}_error"].clip(lower=1e-3)  # all replicates at one evaluation: no spread
    return [Mean(*each) for each in zip(rows["T"], np.log2(rows[name]), errors)]


def _told(found: Fit, name: str) -> dict[str, float]:
    return {f"{name}{end}": getattr(found, value) for value, end in ENDS.items()}


def _curves(summary: pd.DataFrame) -> pd.DataFrame:
    """The better curve of each pair over the lengths it was fitted to."""
    found = [pd.DataFrame({"task": [], "cell": [], "T": [], "updates": []})]
    fitted = _by_updates(summary)
    for row in fitted.to_dict("records"):
        form = POWER if row["evidence_for_power"] > 0 else EXPONENTIAL
        ends = {name: float(row[f"{form}{end}"]) for name, end in ENDS.items()}
        T = np.geomspace(row["from"], row["to"], STEPS)
        curve = Fit(form, **ends, likelihood=0.0)
        at = {"task": row["task"], "cell": row["cell"]}
        found.append(pd.DataFrame({"T": T, "updates": 2 ** curve.at(T)}).assign(**at))
    return pd.concat(found)


def _finding(summary: pd.DataFrame) -> str:
    own = _by_updates(summary)
    if own.empty:
        return "No cell solves enough lengths for a curve"
    exponential = int((own.form == EXPONENTIAL).sum())
    return (
        f"Updates to solve grow as T^b, b = {own.power.min():.1f} to {own.power.max():.1f}; "
        f"an exponential fits better in {exponential} of {len(own)} pairs"
    )
