"""Which parts of an LSTM does it need?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any

import numpy as np
import pandas as pd

from lstm_bench.errors import BenchError, unknown
from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.runs import bounds, log2_updates
from lstm_bench.experiments.settings import Allowed, Lengths, OwnTasks, Positive, Rates, Tasks
from lstm_bench.experiments.words import interval, listed
from lstm_bench.plotting.figure import Axis, Figure, Layer, figure, panel
from lstm_bench.plotting.palette import BLUE, GREY
from lstm_bench.stats.comparisons import sign_flip
from lstm_bench.stats.family import holm
from lstm_bench.stats.means import mean_interval
from lstm_bench.stats.rates import wilson
from lstm_bench.sweep import Choice, Member, Sweep

ALPHA = 0.05
KEYS = ["task", "T", "cell"]
APART, TIED = "told apart from the baseline", "not told apart"
SHOWN = {
    "lstm_peephole": "peephole LSTM",
    "lstm_nig": "no input gate",
    "lstm_nfg": "no forget gate",
    "lstm_nog": "no output gate",
    "lstm_niaf": "linear input",
    "lstm_noaf": "linear output",
    "lstm_np": "no peepholes",
    "lstm_cifg": "coupled gates",
    "lstm_fgr": "gates see gates",
}


@dataclass(frozen=True)
class AblationSettings(OwnTasks):
    """Variants of a cell, each without one component, and a task for each component."""

    tasks: Annotated[Tasks, "a task for each component"] = (
        Choice("adding", lengths=(30,)),
        Choice("embedded_reber", label="Reber", lengths=(15,)),
        Choice("continual_reber", label="continual Reber", lengths=(40,)),
        Choice("timing", {"preset": "gers2002_gts", "intervals": 2}, "timed spikes", (10,)),
    )
    lengths: Lengths = (30,)
    baseline: str = "lstm_peephole"
    variants: Annotated[tuple[str, ...], Allowed(minItems=1)] = (
        *("lstm_nig", "lstm_nfg", "lstm_nog", "lstm_niaf"),
        *("lstm_noaf", "lstm_np", "lstm_cifg", "lstm_fgr"),
    )
    rates: Annotated[Rates, "half of the seeds take the rate that served the others best"] = (
        *(0.01, 0.03),
    )
    width: Annotated[int, Allowed(minimum=1, maximum=4096)] = 16
    updates: Positive = 1000
    evaluate_every: Positive = 25


@dataclass(frozen=True)
class Ablation(Experiment):
    """Which parts of an LSTM does it need?

    How many more updates does an LSTM need without its input, forget or output gate, its
    squashing or its peepholes, with coupled gates, or with gates that see each other?

    The peephole LSTM and variants of it that differ in one component (Greff et al. 2017), at
    equal width, on tasks of which each is meant to need one component: adding the input gate
    (what to store), continual Reber strings the forget gate (what to drop), Reber strings the
    output gate, generated spikes the peepholes. The measure is log2 of the updates to solve,
    unsolved at the budget, paired with the baseline by seed; a ratio is therefore a bound where
    either side left replicates unsolved. Every cell has the same learning rates to choose from;
    seeds of even place take the rate that was best for those of odd place, and the other way
    round, so that no replicate chooses its own. Ratios have bootstrap 95 % intervals;
    p-values are those of sign flips, Holm over the variants of a task. In place of ranks a
    variant is slower than the baseline, faster, or tied with it (not told apart). Sign flips of
    eight variants need nine seeds to tell any apart, and all pairs of nine cells would need
    more than ten. The search Greff et al. ran had 200 trials a variant and four
    hyperparameters: a variant may want other settings than these.
    """

    name = "ablation"
    settings: AblationSettings = AblationSettings()

    def members(self, sweep: Sweep) -> Iterable[Member]:
        settings = self.settings
        fixed = {"updates": settings.updates, "evaluate_every": settings.evaluate_every}
        for task in settings.tasks:
            for T in task.lengths:
                for cell in _chosen(settings):
                    for rate in settings.rates:
                        training = {**fixed, "learning_rate": float(rate)}
                        plain = Choice(cell, own={"width": settings.width})
                        usual = sweep.condition(task, T, plain, **training)
                        yield Member(task.shown, cell, replace(usual, network=dict(sweep.network)))

    def table(self, evidence: Evidence) -> pd.DataFrame:
        """One row a task and cell: solved, updates, ratio to the baseline, p-value, group."""
        rows: list[dict[str, object]] = []
        each = per_seed(evidence)
        baseline = self.settings.baseline
        for (task, T), group in each.groupby(["task", "T"], sort=False):
            values = group.pivot_table(index="seed", columns="cell", values="log2_updates")
            names = [cell for cell in _chosen(self.settings) if cell in values]
            p = _adjusted(values, [cell for cell in names if cell != baseline], baseline)
            for cell in names:
                own = group[group.cell == cell]
                row = {"task": task, "T": T, "cell": cell, **_counts(own)}
                if baseline in values:
                    row |= _ratio((values[cell] - values[baseline]).dropna())
                row["p_adjusted"] = p.get(cell, np.nan)
                apart = row["p_adjusted"] <= ALPHA
                row["group"] = ("slower" if row["ratio"] > 1 else "faster") if apart else "tied"
                rows.append({**row, "baseline": baseline})
        return pd.DataFrame(rows)

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        return table[table.cell != table.baseline].reset_index(drop=True)

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        """A row a variant, a column a task: times the baseline's updates, and how many solved."""
        told = [_told(row) for row in summary.itertuples()]
        wide = summary.assign(told=told).pivot_table(
            index="cell", columns="task", values="told", aggfunc="first", sort=False
        )
        return wide.reset_index()

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, object]:
        baseline = table.baseline.iloc[0]
        parts, controls = [], {}
        for task, group in table.groupby("task", sort=False):
            own = group[group.cell == baseline].iloc[0] if (group.cell == baseline).any() else None
            controls[str(task)] = bool(own is not None and own.solved * 2 >= own.n)
            apart = group[group.group != "tied"]
            told = ", ".join(
                f"{row.cell} {row.group} (× {row.ratio:.1f}, {row.solved}/{row.n} solved)"
                for row in apart.itertuples()
            )
            parts.append(f"{task}: {told or 'none'}")
        answer = listed(f"Variants told apart from {baseline} by updates to solve", parts)
        failed = [task for task, held in controls.items() if not held]
        if failed:
            answer += f" {baseline} itself does not solve {', '.join(failed)} half the time."
        return {"answer": answer, "positive_control": controls}

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """Rows are variants: dots the seeds, a square their mean, solved of n at the right."""
        sign = table.group.map({"slower": " +", "faster": " –"}).fillna("")
        shown = table.assign(
            series=np.where(table.group == "tied", TIED, APART),
            told=table.solved.astype(str) + "/" + table.n.astype(str) + sign,
        )
        each, same = per_seed(evidence).drop(columns="solved"), ["task", "T", "seed"]
        least = each.cell == table.baseline.iloc[0]
        paired = each[~least].merge(each[least][[*same, "log2_updates"]], on=same)
        points = partial(Layer, "cell", by="series", look="points")
        variants = {cell: SHOWN.get(cell, cell) for cell in dict.fromkeys(table.cell)}
        ratios = panel(
            Axis("", "names", names=variants),
            Axis("updates to solve, ratio to the baseline", "log"),
            points(
                "2 ** (log2_updates_x - log2_updates_y)", faded=True, marker="o", size=2,
                rows=paired.merge(shown[[*KEYS, "series"]], on=KEYS),
            ),
            points(
                *("ratio", "ratio_low", "ratio_high"), marker="s", text="told", at_edge=True,
                faded="solved * 2 < n", hollow="group == 'tied'",
            ),
            guides=(1.0,),
            flipped=True,
            empty="no replicate to compare with",
        )  # fmt: skip
        note = (
            "n = {n} seeds, paired with the baseline; bars: bootstrap 95 % intervals; told apart "
            "by sign flips, Holm over the variants of a task; faded: fewer than half solved, a "
            "bound. At the right: solved of n, + slower and – faster where told apart"
        )
        return figure(shown, [ratios], {APART: BLUE, TIED: GREY}, note, ["task", "T"])


def per_seed(evidence: Evidence) -> pd.DataFrame:
    """One row a replicate, at the rate that the other half of the seeds chose for its cell."""
    rows = evidence.runs[evidence.runs.judged]
    rows = rows.assign(log2_updates=log2_updates(rows))
    kept = [_cross_fitted(group) for _, group in rows.groupby(KEYS, sort=False)]
    return pd.concat(kept, ignore_index=True) if kept else rows


def _cross_fitted(group: pd.DataFrame) -> pd.DataFrame:
    """Of the rows of one cell at several rates, one a seed: at the rate the other half chose.

    Chosen by the mean of log2 updates to solve, then by the lowest validation loss. One seed alone
    has no other half, and takes the first rate.
    """
    rates = list(dict.fromkeys(group.learning_rate))
    seeds = sorted(set(group.seed))
    if len(rates) == 1 or len(seeds) == 1:
        return group[group.learning_rate == rates[0]]
    kept = []
    for half in (0, 1):
        mine, others = seeds[half::2], seeds[1 - half :: 2]
        shown = group[group.seed.isin(others)].groupby("learning_rate", sort=False)
        means = shown[["log2_updates", "best_validation_loss"]].mean()
        best = means.sort_values(["log2_updates", "best_validation_loss"], kind="stable").index[0]
        kept.append(group[group.seed.isin(mine) & (group.learning_rate == best)])
    return pd.concat(kept)


def _chosen(settings: AblationSettings) -> list[str]:
    """Baseline and variants. Raises BenchError for a name that is no cell or is given twice."""
    from lstm_bench import cells  # torch, which only a plan needs

    known, names = cells.registry(), [settings.baseline, *settings.variants]
    for key, name in zip(["baseline", *["variants"] * len(names)], names):
        if name not in known:
            raise unknown(f"ablation.{key}: cell", name, known)
    if len(set(names)) < len(names):
        raise BenchError(
            f"ablation.variants: {settings.baseline!r} is not allowed; it is the baseline."
        )
    return names


def _adjusted(values: pd.DataFrame, variants: list[str], baseline: str) -> dict[str, float]:
    """p-values of the variants of one task against the baseline, Holm over them."""
    if baseline not in values:
        return {}
    differences = {cell: (values[cell] - values[baseline]).dropna() for cell in variants}
    tested = {cell: sign_flip(each) for cell, each in differences.items() if len(each) > 1}
    return dict(zip(tested, holm(list(tested.values()))))


def _counts(own: pd.DataFrame) -> dict[str, object]:
    n, solved = len(own), int(own.solved.sum())
    rates = sorted(set(own.learning_rate))
    return {
        "n": n,
        "solved": solved,
        **dict(zip(("share_low", "share_high"), wilson(solved, n))),
        "diverged": int((own.status == "diverged").sum()),
        "mean_updates": float(2 ** own.log2_updates.mean()),
        "median_test_score": own.test_score.astype(float).median(),
        "learning_rates": "/".join(f"{rate:g}" for rate in rates),
    }


def _ratio(differences: pd.Series) -> dict[str, float]:
    """The geometric mean of the ratios of updates and its interval."""
    return bounds("ratio", [2.0**each for each in mean_interval(differences)])


def _told(row: Any) -> str:
    told = "–" if pd.isna(row.ratio) else f"× {row.ratio:.2f}"
    told += interval(row.ratio_low, row.ratio_high, "{:.2f}")
    return f"{told}, {row.solved}/{row.n}, {row.group}"
