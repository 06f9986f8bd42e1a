"""Rows of the gradient probe with their replicates, and what is drawn from them."""

from __future__ import annotations

import numpy as np
import pandas as pd

from lstm_bench.experiments.base import Evidence
from lstm_bench.experiments.runs import groups
from lstm_bench.stats.ranking import auc

KEYS = ["task", "cell", "T", "seed"]
QUARTILES = {"decades": 0.5, "lower_quartile": 0.25, "upper_quartile": 0.75}
AUC = ("auc", "auc_low", "auc_high", "auc_pairs")
STEPS = 10  # what is kept of a gradient is told over so many steps


def decay_length(kept: pd.Series) -> pd.Series:
    """Steps in which a norm changes by a factor e, of what `STEPS` steps keep of it."""
    with np.errstate(divide="ignore"):
        return -STEPS / np.log(kept.astype(float).clip(upper=1 - 1e-9))


def _measured(evidence: Evidence, measure: str) -> pd.DataFrame:
    """Rows of one measure with the labels, T and end of their replicate."""
    assert evidence.probe is not None
    rows = evidence.probe[evidence.probe.measure == measure]
    known = evidence.runs[[*KEYS, "condition", "solved", "judged"]]
    joined = rows.merge(known, on=["condition", "seed"])
    return joined[joined.judged | (joined.stage == "init")]


def slopes_of(evidence: Evidence) -> pd.DataFrame:
    """One row a replicate and stage: the slope of dL/dh as `value`, and what is `kept`."""
    slopes = _measured(evidence, "slope")
    slopes = slopes[slopes.part == "h"]
    return slopes.assign(kept=10 ** (-STEPS * slopes.value.abs()))


def curves_of(evidence: Evidence) -> pd.DataFrame:
    """Quartiles of the norm at a lag relative to lag 0, in decades, at the longest T of each."""
    norms = _measured(evidence, "log_norm")
    norms = norms[norms["T"] == norms.groupby(["task", "cell", "stage"])["T"].transform("max")]
    keys = ["condition", "seed", "stage", "part"]
    start = norms[norms.lag == 0].set_index(keys).value
    at_start = start.loc[pd.MultiIndex.from_frame(norms[keys])].to_numpy()
    norms = norms.assign(value=np.maximum(norms.value, -330) - at_start)
    rows = []
    for about, group in groups(norms, ["task", "cell", "T", "stage", "part", "lag"]):
        known = group[np.isfinite(group.value)]  # a network that is not finite has none
        found = {"n": len(known), "solved": int(known.solved.sum())}
        at = np.quantile(known.value, list(QUARTILES.values())) if len(known) else [np.nan] * 3
        rows.append({**about, **found, **dict(zip(QUARTILES, at))})
    return pd.DataFrame(rows)


def outcomes_of(evidence: Evidence) -> pd.DataFrame:
    """A row a task, cell and seed: the slope at the start and the longest T it solved."""
    slopes = slopes_of(evidence)
    rows = slopes[(slopes.stage == "init") & slopes.judged]
    rows = rows.assign(longest=rows["T"].where(rows.solved.astype(bool)))
    rows = rows.assign(value=rows.value.where(np.isfinite(rows.value)))
    each = rows.groupby(["task", "cell", "seed"], sort=False)
    found = each.agg({"value": "last", "longest": "max"}).reset_index()
    return found.assign(longest=[int(T) if T == T else "none" for T in found.longest])


def prediction(rows: pd.DataFrame) -> dict[str, float]:
    if rows.empty:
        return dict(zip(AUC, (*[float("nan")] * 3, 0)))
    found = auc(
        (-rows.value.abs()).tolist(),
        rows.solved.astype(bool).tolist(),
        [(T,) for T in rows["T"]],
        rows.seed.tolist(),
    )
    return dict(zip(AUC, (found.auc, found.low, found.high, found.pairs)))


def ends(task: str, cell: str, here: pd.DataFrame) -> dict[str, object]:
    """Decay lengths: at the start at the longest T, after training at the longest half solve."""
    row: dict[str, object] = {"task": task, "cell": cell}
    able = here[(here.stage == "end") & (2 * here.solved >= here.trained)]
    for stage, rows in (("init", here[here.stage == "init"]), ("end", able)):
        known = rows.sort_values("T").tail(1)
        row[f"T_{stage}"] = known["T"].iloc[0] if len(known) else np.nan
        for end in ("", "_low", "_high"):
            value = known[f"decay_length{end}"].iloc[0] if len(known) else np.nan
            row[f"length_{stage}{end}"] = value
    return row


def exponents(evidence: Evidence, task: str, cell: str) -> dict[str, float]:
    """Means over replicates, NaN where none were asked for."""
    found = {}
    for measure, part in (("lyapunov", "1"), ("singular_value", "largest")):
        rows = _measured(evidence, measure)
        own = rows[(rows.task == task) & (rows.cell == cell) & (rows.part == part)].value
        found[measure] = own[np.isfinite(own)].mean()
    return found
