"""How much does each cell depend on its hyperparameters, and how long must one search?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
import pandas as pd

from lstm_bench import tasks
from lstm_bench.errors import BenchError
from lstm_bench.experiments.base import Evidence, Experiment
from lstm_bench.experiments.runs import bounds, groups
from lstm_bench.experiments.settings import (
    Allowed,
    Cells,
    Lengths,
    OwnTasks,
    Positive,
    Range,
    Replicates,
    Tasks,
)
from lstm_bench.experiments.words import counts, intervals, listed, spans, told
from lstm_bench.plotting.figure import Axis, Figure, Layer, figure, panel
from lstm_bench.spec import TUNING_SEEDS, Condition, SeedBlock, seed_blocks, stream_key
from lstm_bench.stats.rates import wilson
from lstm_bench.stats.search import expected_best
from lstm_bench.sweep import Choice, Member, Sweep

SHARE = ("value", "low", "high")
SEARCHED = ("learning_rate", "width", "clip_at", "init_scale")


@dataclass(frozen=True)
class SensitivitySettings(OwnTasks):
    """Random search with the same trials for every cell, log-uniform in these ranges."""

    tasks: Tasks = (Choice("adding"),)
    lengths: Lengths = (30,)
    cells: Annotated[Cells, "each has an init_scale, as elman_relu has; null: all that have"] = (
        *("elman", "lstm", "gru"),
    )
    trials: Annotated[int, Allowed(minimum=2, maximum=10_000)] = 40
    replicates: Annotated[Replicates, "tuning seeds a trial"] = 2
    updates: Positive = 1000
    learning_rate: Range = (0.0003, 0.1)
    width: Annotated[Range, Allowed(items={"maximum": 4096})] = (8, 64)
    clip_at: Range = (0.1, 10)
    init_scale: Range = (0.25, 4)


@dataclass(frozen=True)
class Sensitivity(Experiment):
    """How much does each cell depend on its hyperparameters?

    With learning rate, width, clipping and the scale of the initial weights drawn at random,
    how good is the best of n trials of each cell, and which of the four decides?

    Every cell gets the same trials: points drawn log-uniformly and independently in the ranges
    of the config (seeded; widths rounded), each trained with the same tuning seeds, which no
    experiment judges on. A trial's value is how far the lowest validation loss has come from
    the chance loss (0) to a perfect answer (1), a mean over its seeds; a replicate that
    diverged counts as 0. The expected best of n trials is the exact mean of the maximum over
    all subsets of n of the N trials (no repeats), shown up to n = N / 2, with a bootstrap 95 %
    interval over trials. Importance is functional ANOVA: a random forest is fitted to the
    trials, and the variance of its prediction over the ranges, each hyperparameter uniform on
    its logarithm, is parted exactly into main effects and interactions (Hutter et al. 2014);
    intervals refit it to resampled trials. Shares are of the forest's variance; R² out of bag
    says how much of the trials it explains, and where that is near 0 the shares mean nothing.
    """

    name = "sensitivity"
    settings: SensitivitySettings = SensitivitySettings()

    def members(self, sweep: Sweep) -> Iterable[Member]:
        trials = drawn(self.settings)
        for task in self.tasks:
            for T in task.lengths:
                for cell in _searchable(self.settings.cells, sweep):
                    for trial in trials:
                        condition = _condition(sweep, task, T, cell, trial, self.settings.updates)
                        yield Member(task.shown, cell.shown, condition)

    def blocks(self, sweep: Sweep) -> list[SeedBlock]:
        """Tuning seeds alone: nothing here is a result to be judged on."""
        replicates = self.settings.replicates
        return list(seed_blocks(replicates, replicates, TUNING_SEEDS))

    def table(self, evidence: Evidence) -> pd.DataFrame:
        """Rows of three measures: `trial`, `expected_best` (by n_trials) and `importance` (of)."""
        from lstm_bench.stats.importance import importance  # scikit-learn

        rows: list[dict[str, object]] = []
        trials = per_trial(evidence)
        for (task, cell, T), group in trials.groupby(["task", "cell", "T"], sort=False):
            about: dict[str, object] = {"task": task, "cell": cell, "T": T, "n": len(group)}
            for trial in group.to_dict("records"):
                rows.append({**trial, **about, "measure": "trial"})
            values = group.value.to_numpy()
            for k in range(1, max(len(values) // 2, 1) + 1):
                best, low, high = expected_best(values, k)
                found = {"value": best, "low": low, "high": high, "n_trials": k}
                rows.append({**about, "measure": "expected_best", **found})
            shares = importance(_unit(group, self.settings), values, SEARCHED)
            for share in shares.rows:
                ends = {"value": share.share, "low": share.low, "high": share.high}
                about |= {"of": " × ".join(share.of), "explained": shares.explained}
                rows.append({**about, "measure": "importance", **ends})
        return pd.DataFrame(rows)

    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        """A row a task and cell: solved trials, the best of 1 and of many, and main effects."""
        rows = []
        for (task, cell, T), group in table.groupby(["task", "cell", "T"], sort=False):
            trials = group[group.measure == "trial"]
            solved, n = int((trials.solved_share == 1).sum()), len(trials)
            row = {"task": task, "cell": cell, "T": T, "n": n, "solved_trials": solved}
            row |= dict(zip(("solved_low", "solved_high"), wilson(solved, n)))
            best = group[group.measure == "expected_best"].set_index("n_trials")
            for at, k in (("one", 1), ("many", int(best.index.max()))):
                names = (f"best_of_{at}", f"{at}_low", f"{at}_high")
                row |= dict(zip(names, best.loc[k, list(SHARE)]))
            row["many"] = int(best.index.max())
            shares = group[group.measure == "importance"].set_index("of")
            for name in SEARCHED:
                row |= bounds(name, shares.loc[name, list(SHARE)])
            row["interactions"] = float(shares.value.drop(list(SEARCHED)).sum())
            rows.append(row | {"explained": shares.explained.iloc[0]})
        return pd.DataFrame(rows)

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        """Shares as percentages with their intervals."""
        shown = summary[["task", "T", "cell"]].copy()
        shown["trials solved"] = counts(summary.assign(solved=summary.solved_trials), "/")
        for at in ("one", "many"):
            name = "one trial" if at == "one" else f"best of {summary.many.max()}"
            ends = summary[f"{at}_low"], summary[f"{at}_high"]
            shown[name] = told(summary[f"best_of_{at}"], "{:.2f}") + intervals(*ends, "{:.2f}")
        for name in SEARCHED:
            shown[name] = spans(summary, name, "{:.0%}")
        shown["R² out of bag"] = summary.explained
        return shown

    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, object]:
        parts = []
        for row in summary.to_dict("records"):
            first = max(SEARCHED, key=lambda name: np.nan_to_num(row[name]))
            each = f"{row['cell']} on {row['task']} (T={row['T']}): {row['solved_trials']} of "
            each += f"{row['n']} trials solved"
            if np.isfinite(row[first]) and row["explained"] > 0:
                each += f", {first.replace('_', ' ')} has {row[first]:.0%} of the variance"
            parts.append(each)
        return {"answer": listed("Random search on tuning seeds", parts)}

    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """What a search is worth, what decides, and every trial along the learning rate."""
        value = Axis("way from the chance loss to a perfect answer", "share")
        main = {name: name.replace("_", " ") for name in SEARCHED}
        panels = [
            panel(
                Axis("best of n trials", limits=(0.5, None)),
                value,
                Layer("n_trials", *SHARE, look="curve", only="measure == 'expected_best'"),
            ),
            panel(
                Axis("", "names", names=main),
                Axis("share of the variance (main effect)", "share"),
                Layer(
                    *("of", *SHARE), look="points", only=f"of in {list(SEARCHED)}",
                    faded="not explained >= 0.1",
                ),
                flipped=True,
                empty="all trials came equally far",
            ),
            panel(
                Axis("learning rate of a trial", "log"),
                value,
                Layer(
                    *("learning_rate", "value"), look="points", only="measure == 'trial'",
                    hollow="solved_share == 0",
                ),
            ),
        ]  # fmt: skip
        note = (
            "n = {n} trials a cell, the same for every cell, on tuning seeds; bands and bars: "
            "bootstrap 95 % intervals; faded: the forest explains less than a tenth of the "
            "variance out of bag; open: no seed of the trial solved the task"
        )
        return figure(table, panels, evidence.cells, note, ["task", "T"])


def drawn(settings: SensitivitySettings) -> list[dict[str, float]]:
    """The trials: the same for every cell and task, and the first N of any larger number.

    Raises BenchError for a range that is none.
    """
    for name in SEARCHED:
        low, high = getattr(settings, name)
        if not low < high:
            raise BenchError(
                f"sensitivity.{name}: [{low}, {high}] is not allowed; the first must be smaller."
            )
    found = []
    for trial in range(settings.trials):
        rng = np.random.Generator(np.random.Philox(key=stream_key("random search", trial=trial)))
        point = {}
        for name, u in zip(SEARCHED, rng.uniform(size=len(SEARCHED))):
            low, high = _logs(getattr(settings, name))
            point[name] = float(f"{np.exp(low + u * (high - low)):.3g}")
        found.append({**point, "width": max(round(point["width"]), 1)})
    return found


def _logs(ends: Sequence[float]) -> np.ndarray:
    """Of a range of the config, whose whole numbers may be too large for numpy's."""
    return np.log(np.asarray(ends, dtype=float))


def _condition(
    sweep: Sweep, task: Choice, T: int, cell: Choice, trial: Mapping[str, float], updates: int
) -> Condition:
    training = {"learning_rate": trial["learning_rate"], "updates": updates}
    usual = sweep.condition(task, T, cell, clip="norm", clip_at=trial["clip_at"], **training)
    options = {**usual.cell_options, "init_scale": trial["init_scale"]}
    return replace(usual, width=int(trial["width"]), cell_options=options)


def _searchable(labels: Sequence[str] | None, sweep: Sweep) -> list[Choice]:
    """The chosen cells that have an `init_scale`. Raises BenchError for a named one without."""
    from lstm_bench import cells  # torch, which only a plan needs

    able = [c for c in sweep.chosen(labels) if hasattr(cells.named(c.name), "init_scale")]
    for label in labels or ():
        if label not in [cell.shown for cell in able]:
            raise BenchError(f"sensitivity.cells: {label!r} is not allowed; it has no init_scale.")
    if not able:
        raise BenchError("sensitivity: no cell of this config has an init_scale, as lstm has.")
    return able


def per_trial(evidence: Evidence) -> pd.DataFrame:
    """One row a trial: its point, its value and the share of its seeds that solved the task."""
    rows = []
    judged = evidence.runs[evidence.runs.judged]
    for about, group in groups(judged, ["task", "cell", "T", "condition"]):
        condition = evidence.plan[about.pop("condition")].spec
        learnt = tasks.create(condition.task, condition.task_options)
        floor, ceiling = group.floor.astype(float), learnt.optimal_loss(condition.T)
        lowest = group.best_validation_loss.astype(float)
        way = ((floor - lowest) / (floor - ceiling)).clip(0, 1)
        way = way.where(group.status != "diverged", 0.0).fillna(0.0)
        rows.append(
            {
                **about,
                "learning_rate": condition.training.learning_rate,
                "width": condition.width,
                "clip_at": condition.training.clip_at,
                "init_scale": condition.cell_options.get("init_scale", 1.0),
                "value": float(way.mean()),
                "solved_share": float(group.solved.mean()),
            }
        )
    return pd.DataFrame(rows)


def _unit(trials: pd.DataFrame, settings: SensitivitySettings) -> np.ndarray:
    """(trials, 4): each hyperparameter's place in its range, 0 to 1 on the logarithm."""
    columns = []
    for name in SEARCHED:
        low, high = _logs(getattr(settings, name))
        columns.append((np.log(trials[name].to_numpy(dtype=float)) - low) / (high - low))
    return np.clip(np.stack(columns, axis=1), 0, 1)
