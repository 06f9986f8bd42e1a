"""What one change does to the length that is reached: arms that differ in one factor, by seed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pandas as pd

from lstm_bench.experiments.runs import bounds, reach_of
from lstm_bench.stats.means import mean_interval

PLAIN = "elman"  # the equations without gates
USUAL = {"start": "usual", "optimiser": "adam", "curriculum": False, "gradient": "as it is"}
ARM = ["equations", "budget", *USUAL]
GATES, MAIN, CROSSED = "gates", "main effect", "gates x"

Contrast = tuple[dict[str, Any], Callable[[pd.DataFrame], pd.Series]]  # of `reaches`


def reaches(runs: pd.DataFrame) -> pd.DataFrame:
    """log2 of the length that is reached: a row a task and seed, a column an arm."""
    values = reach_of(runs)
    # tasks in the order of the config, which a pivot would sort
    order = {task: place for place, task in enumerate(dict.fromkeys(runs.task))}
    wide = values.pivot(index=["task", "seed"], columns="cell", values="value")
    return wide.sort_index(key=lambda level: level.map(order) if level.name == "task" else level)


def changes(runs: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Pairs of arms that differ in one factor, `cell` from the usual value of `against`."""
    arms = runs[["cell", *ARM]].drop_duplicates().to_dict("records")
    for arm in arms:
        for factor, usual in USUAL.items():
            wanted = {**{name: arm[name] for name in ARM}, factor: usual}
            for other in arms:
                if other is not arm and all(other[name] == wanted[name] for name in ARM):
                    yield {**arm, "factor": factor, "against": other["cell"]}


def contrasts(runs: pd.DataFrame) -> Iterator[Contrast]:
    """Every change of one factor; and, beside a plain network, main effects and interactions."""
    found = list(changes(runs))
    for of in found:
        about = {"factor": of["factor"], "cell": of["cell"], "against": of["against"]}
        yield about, partial(_difference, of)
    for gated in found:
        for plain in found:
            same = all(gated[name] == plain[name] for name in ("factor", "budget"))
            crossed = gated["factor"] in ("start", "optimiser")
            if crossed and same and plain["equations"] == PLAIN != gated["equations"]:
                yield from _crossed(gated, plain)


def _difference(of: dict[str, Any], wide: pd.DataFrame) -> pd.Series:
    return wide[of["cell"]] - wide[of["against"]]


def _crossed(gated: dict[str, Any], plain: dict[str, Any]) -> Iterator[Contrast]:
    """A 2 x 2 of gates and another factor."""
    factor, name, other = gated["factor"], gated["equations"], plain["equations"]
    g0, g1, e0, e1 = gated["against"], gated["cell"], plain["against"], plain["cell"]
    about = {"cell": name, "against": other}
    gates = {**about, "factor": f"{GATES}, over {factor}"}
    yield gates, lambda wide: (wide[g0] - wide[e0] + wide[g1] - wide[e1]) / 2
    main = {**about, "factor": f"{factor}, {MAIN}"}
    yield main, lambda wide: (wide[g1] - wide[g0] + wide[e1] - wide[e0]) / 2
    interaction = {**about, "factor": f"{CROSSED} {factor}"}
    yield interaction, lambda wide: wide[g1] - wide[g0] - (wide[e1] - wide[e0])


def table_of(runs: pd.DataFrame) -> pd.DataFrame:
    """One row a contrast and task: the mean over seeds in doublings, its interval and n."""
    wide, rows = reaches(runs), []
    for about, difference in contrasts(runs):
        for task, values in difference(wide).dropna().groupby(level="task", sort=False):
            mean = bounds("doublings", mean_interval(values))
            rows.append({**about, "task": task, "n": len(values), **mean})
    columns = ["factor", "cell", "against", "task", "n", "doublings"]
    columns += ["doublings_low", "doublings_high"]
    return pd.DataFrame(rows, columns=columns)


def changed(runs: pd.DataFrame, factor: str) -> pd.DataFrame:
    """What a factor does to every arm that has a counterpart: task, cell and seed with `value`.

    `cell` is the arm of the usual value.
    """
    wide, found = reaches(runs), []
    for of in changes(runs):
        if of["factor"] == factor:
            value = _difference(of, wide).rename("value").reset_index()
            found.append(value.assign(cell=of["against"]))
    columns = ["task", "seed", "value", "cell"]
    return pd.concat(found) if found else pd.DataFrame(columns=columns)
