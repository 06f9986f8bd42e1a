"""What every experiment starts from: one row a replicate, and the rates and times drawn from it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lstm_bench.stats.ladder import Rung
from lstm_bench.stats.rates import wilson
from lstm_bench.stats.survival import time_to_solve
from lstm_bench.store.planned import PlannedCondition

NOT_TRIED = "not tried"  # the status of a replicate of a rung that no climb came to
FROM_PLAN = {
    "parameters": "parameters",
    "state": "state_size",
    "flops_per_update": "flops_per_update",
}
MEANS = ("mean_updates", "mean_low", "mean_high")


def make_runs(
    replicates: pd.DataFrame, timing: pd.DataFrame, plan: Mapping[str, PlannedCondition]
) -> pd.DataFrame:
    """One row a replicate and place it has in the experiment.

    task, cell          labels of the config
    T, seed, condition  and a column for each factor of the experiment's arms (`sweep.Member`)
    tried               whether it was trained: False beyond the rung at which a ladder ended
    judged              whether it was, and ended otherwise than in an error of the machine
    solved              whether it solved the task within its `budget` of updates
    updates             until it solved the task, or the budget, at which it is censored
    trained             updates it was trained for
    parameters, state, flops_per_update   of its network
    train_seconds       its share of the time its seed block took
    update_seconds      mean seconds of an update of its condition, for one replicate
    and what the run files say of it: status, reason, losses, scores, learning_rate, width ...

    Rows come by task and cell, in the order of the arms, and by T.
    """
    rows = replicates.drop(columns=["task", "cell"]).rename(
        columns={"task_label": "task", "cell_label": "cell", "updates": "trained"}
    )
    entries = [plan[id] for id in rows.condition]
    rows["budget"] = [entry.spec.training.updates for entry in entries]
    for name, key in FROM_PLAN.items():
        rows[name] = [getattr(entry, key) for entry in entries]
    rows["tried"], rows["solved"] = rows.status != NOT_TRIED, rows.status == "solved"
    rows["judged"] = rows.tried & (rows.status != "error")
    rows["updates"] = rows.updates_to_solve.astype(float).where(rows.solved, rows.budget)
    rows = rows.merge(_seconds(rows, timing), on=["condition", "seed"], how="left")
    places = pd.DataFrame({name: pd.factorize(rows[name])[0] for name in ("task", "cell")})
    ordered = places.assign(T=rows["T"]).sort_values(["task", "cell", "T"], kind="stable").index
    return rows.loc[ordered].reset_index(drop=True)


def _seconds(rows: pd.DataFrame, timing: pd.DataFrame) -> pd.DataFrame:
    """By condition and seed; a replicate's own share depends on how long the others trained."""
    same = ["condition", "seed"]
    once = rows[[*same, "trained"]].drop_duplicates(same)
    spent = timing[[*same, "train_seconds"]].drop_duplicates(same)
    joined = once.merge(spent, on=same)
    total = joined.groupby("condition")[["train_seconds", "trained"]].transform("sum")
    joined["update_seconds"] = total.train_seconds / total.trained.clip(lower=1)
    return joined.drop(columns="trained")


def counted(runs: pd.DataFrame) -> pd.DataFrame:
    """Those that were judged and those that were not tried: without the errors of the machine."""
    return runs[runs.judged | ~runs.tried]


def groups(runs: pd.DataFrame, by: Sequence[str]) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """The rows of each combination of these columns, with its values, in the order of the rows."""
    for values, group in runs.groupby(list(by), sort=False, dropna=False):
        yield dict(zip(by, values)), group


def frame(rows: Sequence[Mapping[str, object]], columns: Mapping[str, type]) -> pd.DataFrame:
    """Rows as a table, which has its columns, and their types, where there is no row."""
    empty = {name: pd.Series(dtype=kind) for name, kind in columns.items()}
    return pd.DataFrame(rows) if rows else pd.DataFrame(empty)


def bounds(name: str, found: Iterable[float]) -> dict[str, float]:
    """A mean and the ends of its interval under `name`, `name`_low and `name`_high."""
    return dict(zip((name, f"{name}_low", f"{name}_high"), found))


def rate_of(runs: pd.DataFrame) -> dict[str, float]:
    """How many of the judged solved the task, and the share with its Wilson 95 % interval."""
    own = runs[runs.judged]
    n, solved = len(own), int(own.solved.sum())
    low, high = wilson(solved, n)
    share = solved / n if n else float("nan")
    return {"n": n, "solved": solved, "share": share, "low": low, "high": high}


def rungs_of(table: pd.DataFrame) -> list[Rung]:
    """The rungs of a ladder, from rows with T, n and solved, and `tried` where some were not."""
    tried = table.tried if "tried" in table else pd.Series(True, table.index)
    rows = table.assign(tried=tried).sort_values("T")
    return [
        Rung(int(row["T"]), int(row.solved), int(row.n), bool(row.tried))
        for _, row in rows.iterrows()
    ]


def ends_of(runs: pd.DataFrame) -> dict[str, int]:
    """How many of the replicates diverged, ran out of time, or ended in an error."""
    return {end: int((runs.status == end).sum()) for end in ("diverged", "timeout", "error")}


def mean_updates_of(runs: pd.DataFrame) -> dict[str, float]:
    """The mean of the updates to solve, an unsolved replicate counted at the budget."""
    own = runs[runs.judged]
    if own.empty:
        return dict.fromkeys(MEANS, float("nan"))
    budget = float(own.budget.iloc[0])
    found = time_to_solve(own.updates.to_numpy(), own.solved.to_numpy(), budget)
    return dict(zip(MEANS, (found.mean, found.mean_low, found.mean_high)))


def log2_updates(runs: pd.DataFrame) -> pd.Series:
    """log2 of the censored updates to solve, at least one of them."""
    return np.log2(runs.updates.clip(lower=1.0))


def reach_of(runs: pd.DataFrame) -> pd.DataFrame:
    """log2 of the longest sequence that a seed solves with all shorter ones, as `value`.

    Of a seed that solves none, of one a factor below the shortest of its task. What was not tried
    counts as not solved. A seed whose next length ended in an error of the machine has no row.
    """
    keys, rows = ["task", "cell", "seed"], []
    for _, group in runs.groupby("task", sort=False):
        of_cell = group.groupby("cell", sort=False)["T"].unique()  # their midpoints may differ
        shortest, common = group["T"].min(), sorted(set.intersection(*map(set, of_cell)))
        factor = common[1] / common[0] if len(common) > 1 else 2.0
        for about, own in group.groupby(keys, sort=False):
            climbed = sorted(of_cell[own.cell.iloc[0]])
            solved = dict(zip(own["T"], own.solved))
            first = next((T for T in climbed if not solved.get(T, False)), None)
            if (first is None or first in solved) and climbed[0] == shortest:
                below = [T for T in climbed if first is None or first > T]
                highest = below[-1] if below else shortest / factor
                rows.append({**dict(zip(keys, about)), "value": np.log2(highest)})
    return pd.DataFrame(rows, columns=[*keys, "value"])
