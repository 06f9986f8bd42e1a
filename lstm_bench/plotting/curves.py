"""Learning curves of runs: a thin line a replicate, the loss above, the score below."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lstm_bench.plotting.palette import place_style

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 7.0, 4.6
LOWEST = 1e-8  # what a loss of 0 is drawn at


@dataclass(frozen=True)
class Curve:
    """A run to draw: see `Trained` for `replicates` and `curves`.

    place    of its colour, see `palette.place_style`
    score_name, solved_score   of its task
    """

    label: str
    place: int
    replicates: pd.DataFrame
    curves: pd.DataFrame
    score_name: str
    solved_score: float


def curves_figure(title: str, runs: Sequence[Curve]) -> Figure:
    """Validation loss and score of every replicate by update; a dot where one was solved."""
    import matplotlib.pyplot as plt

    figure, (losses, scores) = plt.subplots(2, 1, sharex=True, figsize=(WIDTH, HEIGHT))
    for run in runs:
        style: dict[str, Any] = {**place_style(run.place), "marker": ""}
        label = f"{run.label}: {_outcomes(run.replicates)}"
        for _, row in run.replicates.iterrows():
            points = run.curves[run.curves.seed == row.seed].sort_values("update")
            loss = np.maximum(points.validation_loss.astype(float), LOWEST)
            losses.plot(points["update"], loss, linewidth=0.9, alpha=0.8, label=label, **style)
            scores.plot(
                points["update"], points.validation_score, linewidth=0.9, alpha=0.8, **style
            )
            _solved(scores, row, points, style["color"])
            label = "_"  # one entry a run
    _guides(losses, scores, runs)
    losses.set_yscale("log")
    losses.set_ylabel("validation loss")
    names = dict.fromkeys(run.score_name for run in runs)
    scores.set_ylabel("validation " + " or ".join(names))
    scores.set_xlabel("updates")
    scores.set_xlim(left=0)
    figure.legend(loc="outside lower left", ncols=1)
    figure.suptitle(title, fontsize=8.5, fontweight="bold", x=0.01, ha="left")
    return figure


def _outcomes(replicates: pd.DataFrame) -> str:
    """`5 seeds: 4 solved, median 350 updates; 1 unsolved`."""
    counts = Counter(replicates.status)
    solved = replicates.updates_to_solve.dropna()
    told = [f"{count} {status}" for status, count in sorted(counts.items())]
    if len(solved):
        told.append(f"median of the solved {solved.median():g} updates")
    seeds = f"{len(replicates)} seed{'s' * (len(replicates) > 1)}"
    return f"{seeds}, {', '.join(told)}"


def _solved(axes: Axes, row: Any, points: pd.DataFrame, colour: str) -> None:
    at = points[points["update"] == row.updates_to_solve]
    axes.plot(at["update"], at.validation_score, "o", color=colour, markersize=4.5, zorder=3)


def _guides(losses: Axes, scores: Axes, runs: Sequence[Curve]) -> None:
    """The chance loss and the criterion, once each where runs have the same."""
    chances = {f"{float(c):.3g}": float(c) for r in runs for c in r.replicates.floor.dropna()}
    for place, chance in enumerate(chances.values()):
        told = "chance loss (of the best answer without memory)" if place == 0 else "_"
        losses.axhline(chance, color="#6b6b6b", linestyle=":", linewidth=1, label=told)
    for place, score in enumerate(dict.fromkeys(run.solved_score for run in runs)):
        told = "solved from here on; a dot where a replicate was" if place == 0 else "_"
        scores.axhline(score, color="#6b6b6b", linestyle="--", linewidth=1, label=told)
