"""How far back do gradients flow, and does that tell who will learn?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

import numpy as np
import pandas as pd

from lstm_bench.errors import BenchError
from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.runs import bounds, groups
from lstm_bench.experiments.settings import Length, Positive, Settings
from lstm_bench.experiments.words import spans, told
from lstm_bench.plotting.figure import Axis, Figure, Layer, figure, panel
from lstm_bench.stats.means import mean_interval
from lstm_bench.stats.ranking import auc
from lstm_bench.sweep import Member, Sweep

ALL = "all cells"
KEYS = ["task", "cell", "T", "seed"]
QUARTILES = {"decades": 0.5, "lower_quartile": 0.25, "upper_quartile": 0.75}
AUC = ("auc", "auc_low", "auc_high", "auc_pairs")
NONE_LEFT = 16.0  # decades: what double precision can tell from nothing
SHORT_OF = 3  # decades: the lag where the gradient has fallen so far is the effective horizon


@dataclass(frozen=True)
class GradientFlowSettings(Settings):
    """What is measured on stored runs."""

    length: Annotated[Length, "long enough for a steady slope: shorter ones mislead"] = 600
    batch: Annotated[Positive, "sequences a norm is taken over"] = 32
    updates: Annotated[Positive, "the early stage"] = 100
    exponents: Annotated[Positive, "the largest Lyapunov exponents; most of the cost"] = 2
    trajectories: Annotated[Positive, "sequences a replicate they are averaged over"] = 2


@dataclass(frozen=True)
class GradientFlow(Experiment):
    """How far back do gradients flow?

    How fast do gradients vanish or explode with the lag, before, early in and after training,
    and does the slope at initialisation tell which replicates will learn?

    In float64, on sequences no training saw: the loss of the last output is differentiated with
    respect to the state at every earlier step, at the longest length the network was trained
    at. Lines are medians over replicates of the log10 norm over units and sequences, relative
    to lag 0, with quartiles. The weights at the start and after 100 updates are made again from
    the seed, which gives the same bits. Slopes (decades a step) are fitted over lags from a
    sixth to two thirds of a longer sequence. The largest Lyapunov exponent, from QR of the
    Jacobians along the forward trajectory, is the same number by another way. Prediction: among
    replicates of one task and length, the share of pairs of a solver and a non-solver in which
    the solver's slope at initialisation is nearer to 0 (AUC; 0.5 is chance), within a cell and
    over all cells; intervals resample seeds. A prediction over all cells that none of the cells
    shows says that cells differ, not that the slope matters.
    """

    name = "gradient_flow"
    probe = "gradient_flow"
    measures = ("decades_at_start", "decades_at_end")
    untrained = ("decades_at_start",)
    settings: GradientFlowSettings = GradientFlowSettings()

    def members(self, sweep: Sweep) -> Iterable[Member]:
        return sweep.every_length()

    def probe_settings(self, sweep: Sweep) -> dict[str, object]:
        for cell in sweep.cells:
            if cell.network.get("layers", 1) > 1 or cell.network.get("bidirectional", False):
                raise BenchError(
                    f"gradient_flow: cell {cell.shown!r} has a network of several layers or both "
                    "directions; it measures one layer that reads forwards."
                )
        runs = [
            [sweep.condition(task, max(task.lengths), cell).id, block.name]
            for task in sweep.tasks
            for cell in sweep.cells
            for block in sweep.blocks()
        ]
        return {
            **vars(self.settings),
            "runs": runs,
            "tasks": [task.name for task in sweep.tasks],
            "cells": [cell.name for cell in sweep.cells],
        }

    def table(self, evidence: Evidence) -> pd.DataFrame:
        """One row a point of a curve: the norm at a lag relative to lag 0, in decades."""
        norms = _measured(evidence, "log_norm")
        keys = ["condition", "seed", "stage", "part"]
        start = norms[norms.lag == 0].set_index(keys).value
        at_start = start.loc[pd.MultiIndex.from_frame(norms[keys])].to_numpy()
        norms["value"] = np.maximum(norms.value, -330) - at_start
        rows = []
        for about, group in groups(norms, ["task", "cell", "T", "stage", "part", "lag"]):
            known = group[np.isfinite(group.value)]  # a network that is not finite has none
            found = {"n": len(known), "solved": int(known.solved.sum())}
            at = np.quantile(known.value, list(QUARTILES.values())) if len(known) else [np.nan] * 3
            rows.append({**about, **found, **dict(zip(QUARTILES, at))})
        return pd.DataFrame(rows)

    def measured(self, evidence: Evidence) -> pd.DataFrame:
        """Decades the norm of dL/dh changes by in 100 steps, up or down, at most `NONE_LEFT`.

        At the start from the slope on the long sequences, that of the Lyapunov exponent; at the
        end from the curve over the lags the network was trained on, since a longer sequence is
        news to it.
        """
        slopes = _measured(evidence, "slope")
        start = slopes[(slopes.stage == "init") & (slopes.part == "h")].set_index(KEYS).value
        curves = _measured(evidence, "log_norm")
        curves = curves[(curves.stage == "end") & (curves.part == "h")]
        end = curves.groupby(KEYS, sort=False)[["lag", "value", "T"]].apply(_fitted)
        found = pd.DataFrame({"decades_at_start": start, "decades_at_end": end})
        # no slope: nothing was left of the gradient
        return (100 * found.abs()).fillna(NONE_LEFT).clip(upper=NONE_LEFT).reset_index()

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        """One row a task and cell, and one a task for all cells: slopes, exponents, AUC."""
        slopes = _measured(evidence, "slope")
        start = slopes[(slopes.stage == "init") & (slopes.part == "h")]
        judged = _with_slope(evidence, start)
        rows = []
        for task in evidence.tasks:
            for cell in evidence.cells:
                row = _cell_row(evidence, slopes, table, task, cell)
                if row:
                    own = judged[(judged.task == task) & (judged.cell == cell)]
                    rows.append({**row, **_prediction(own, ["T"])})
            here = judged[judged.task == task]
            if len(here):
                rows.append({"task": task, "cell": ALL, **_prediction(here, ["T"])})
        return pd.DataFrame(rows)

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "task": summary.task,
                "cell": summary.cell,
                "slope at the start (decades a step)": spans(summary, "slope_init", "{:.4f}", ""),
                "at the end": spans(summary, "slope_end", "{:.4f}", ""),
                "λ₁ at the start": told(summary.lyapunov_init, "{:.4f}"),
                "10³ weaker after (steps, start)": summary.effective_horizon_init,
                "(end)": summary.effective_horizon_end,
                "largest singular value of J (start)": summary.largest_singular_value_init,
                "AUC of the slope": spans(summary, "auc", "{:.2f}", ""),
            }
        )

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, object]:
        cells = summary[summary.cell != ALL].copy()
        task = cells.task.iloc[0]
        here = cells[cells.task == task].sort_values("slope_init")
        each = ", ".join(here.cell + " " + told(here.slope_init, "{:+.4f}", "none"))
        across, within = summary[summary.cell == ALL], cells[cells.auc.notna()]
        clear = within[(within.auc_low > 0.5) | (within.auc_high < 0.5)]
        known = across[across.auc.notna()]
        ranks = ", ".join(known.task + " " + spans(known, "auc", "{:.2f}", ""))
        worst = float(cells.exponent_less_slope_init.abs().max())
        differ = f" λ₁ and the slope of single sequences differ by at most {worst:.4f}."
        differ = "" if np.isnan(worst) else differ
        return {
            "answer": f"Slope of log10 ||dL/dh|| at the start on {task}, decades a step: {each}. "
            f"AUC of a flat slope for solving, over all cells: {ranks or 'not defined'}; within a "
            f"cell it differs from chance in {len(clear)} of {len(within)} comparisons "
            f"(95 % each).{differ}",
            "largest_difference_of_slope_and_exponent": worst,
        }

    def supplement(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """Norms against lag at each stage."""
        few, panels = "stage == 'end' and solved * 2 < n", []
        for stage in sorted(set(table.stage), key=lambda name: {"init": 0, "end": 2}.get(name, 1)):
            when = {"init": "at the start", "end": "at the end"}.get(stage, f"after {stage}")
            curve = partial(Layer, "lag", look="curve", faded=few)
            at = f"stage == '{stage}' and part =="
            panels.append(
                panel(
                    Axis("lag (steps before the last output)"),
                    Axis(f"{when}: log10 of the norm, relative to lag 0", within=(-17, 6)),
                    curve(*QUARTILES, only=f"{at} 'h'"),
                    curve("decades", only=f"{at} 'c'", thin=True),
                    guides=(0.0,),
                    empty="no gradient is a finite number",
                )
            )
        note = (
            "n = {n} replicates, medians with quartiles. Thick lines: dL/dh, thin lines: dL/dc. At "
            "the end, faded: fewer than half solved it. A line that ends in a fall to -17: units "
            "that died."
        )
        return figure(table, panels, evidence.cells, note, ["task"])

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """Slopes at the start against what was solved."""
        start = _measured(evidence, "slope")
        judged = _with_slope(evidence, start[(start.stage == "init") & (start.part == "h")])
        longest = [*sorted(set(judged["T"]), reverse=True), "none"]
        panels = [
            panel(
                Axis("longest T solved by a replicate", "names", names=longest),
                Axis("slope at the start (decades a step)"),
                Layer(
                    *("longest", "slope"), look="points", hollow="longest == 'none'",
                    rows=_outcomes(judged),
                ),
                flipped=True,
            )
        ]  # fmt: skip
        note = "One point a seed; hollow: it solved no length."
        return figure(table, panels, evidence.cells, note, ["task"], finding="to be written")


def _outcomes(judged: pd.DataFrame) -> pd.DataFrame:
    """A row a task, cell and seed: the slope at the start and the longest T it solved."""
    rows = judged.assign(longest=judged["T"].where(judged.solved))
    each = rows.groupby(["task", "cell", "seed"], sort=False)
    found = each.agg({"slope": "first", "longest": "max"}).reset_index()
    return found.assign(longest=[int(T) if T == T else "none" for T in found.longest])


def _measured(evidence: Evidence, measure: str) -> pd.DataFrame:
    """Rows of one measure with the labels, T and end of their replicate."""
    assert evidence.probe is not None
    rows = evidence.probe[evidence.probe.measure == measure]
    known = evidence.runs.loc[evidence.runs.judged, [*KEYS, "condition", "solved"]]
    joined = rows.merge(known, on=["condition", "seed"])
    if measure != "log_norm":  # -inf: a direction that vanished, with a network's dead units
        joined["value"] = joined.value.where(np.isfinite(joined.value))
    return joined


def _fitted(curve: pd.DataFrame) -> float:
    """Slope in decades a step over lags from a sixth to two thirds of the length; NaN if none."""
    T = curve["T"].iloc[0]
    at = curve[(curve.lag >= T // 6) & (curve.lag <= 2 * T // 3) & np.isfinite(curve.value)]
    return float(np.polyfit(at.lag, at.value, 1)[0]) if len(at) > 1 else float("nan")


def _with_slope(evidence: Evidence, start: pd.DataFrame) -> pd.DataFrame:
    """Every replicate of the sweep with the slope of its initial weights."""
    slopes = start[["task", "cell", "seed", "value"]].rename(columns={"value": "slope"})
    judged = evidence.runs[evidence.runs.judged]
    return judged.merge(slopes, on=["task", "cell", "seed"]).dropna(subset=["slope"])


def _prediction(rows: pd.DataFrame, by: list[str]) -> dict[str, float]:
    if rows.empty:
        return dict(zip(AUC, (*[float("nan")] * 3, 0)))
    found = auc(
        (-rows.slope.abs()).tolist(),
        rows.solved.tolist(),
        list(rows[by].itertuples(index=False, name=None)),
        rows.seed.tolist(),
    )
    return dict(zip(AUC, (found.auc, found.low, found.high, found.pairs)))


def _cell_row(
    evidence: Evidence, slopes: pd.DataFrame, table: pd.DataFrame, task: str, cell: str
) -> dict[str, object]:
    own = slopes[(slopes.task == task) & (slopes.cell == cell)]
    if own.empty:
        return {}
    row: dict[str, Any] = {"task": task, "cell": cell, "T": int(own["T"].iloc[0])}
    others = {
        measure: rows[(rows.task == task) & (rows.cell == cell)]
        for measure in ("slope_of_sequences", "lyapunov", "singular_value")
        for rows in [_measured(evidence, measure)]
    }
    for stage in ("init", "end"):
        at = own[(own.stage == stage) & (own.part == "h")].value.to_numpy()
        row |= {f"n_{stage}": len(at), **bounds(f"slope_{stage}", mean_interval(at))}
        here = {k: v[v.stage == stage] for k, v in others.items()}
        row[f"slope_of_sequences_{stage}"] = here["slope_of_sequences"].value.mean()
        leading = here["lyapunov"][here["lyapunov"].part == "1"]
        row[f"lyapunov_{stage}"] = leading.value.mean()
        # a gradient below the smallest number has no slope, but its replicate has an exponent
        both = leading.merge(here["slope_of_sequences"], on="seed").dropna(
            subset=["value_x", "value_y"]
        )
        row[f"exponent_less_slope_{stage}"] = (both.value_x - both.value_y).mean()
        largest = here["singular_value"][here["singular_value"].part == "largest"]
        row[f"largest_singular_value_{stage}"] = largest.value.mean()
        curve = table[(table.task == task) & (table.cell == cell) & (table.stage == stage)]
        curve = curve[curve.part == "h"].sort_values("lag")
        fallen = curve[curve.decades <= -SHORT_OF].lag
        steps = str(int(fallen.iloc[0])) if len(fallen) else f"> {row['T'] - 1}"
        row[f"effective_horizon_{stage}"] = steps if curve.decades.notna().any() else ""
    return row
