"""Where what stands beside a verdict, other cells and starts, lies on the other side of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from lstm_bench.claims.base import Claim
from lstm_bench.claims.judge import Comparison
from lstm_bench.stats.means import mean_interval


@dataclass(frozen=True)
class Against:
    """The tasks on which another comparison lies on the other side of the threshold.

    flips   with its whole interval
    leans   with its mean alone
    """

    flips: tuple[str, ...] = ()
    leans: tuple[str, ...] = ()


def lies(claim: Claim, effect: float) -> int:
    """1 above the threshold, -1 below it, 0 where no digit that is shown differs from it."""
    gap = effect - claim.threshold
    tie = f"{2.0**gap:.3g}" == "1" if claim.measure.ratio else float(f"{gap:.2f}") == 0
    return 0 if tie else int(np.sign(gap))


def against(claim: Claim, main: Comparison, other: Comparison) -> Against:
    """Task by task; one on which either reads as the threshold is on neither side."""
    flips: list[str] = []
    leans: list[str] = []
    for task, values in other.tasks.items():
        own = main.tasks.get(task, np.array([]))
        if not len(own) or not len(values):
            continue
        theirs, *ends = mean_interval(values)
        way = lies(claim, theirs)
        if way * lies(claim, float(own.mean())) < 0:
            clear = np.isfinite(ends).all() and {lies(claim, end) for end in ends} == {way}
            (flips if clear else leans).append(task)
    return Against(tuple(flips), tuple(leans))


def disagreement(claim: Claim, main: Comparison, others: Iterable[Comparison]) -> str:
    """One sentence for those that flip, one for those that only point the other way."""
    found = [(other.name, against(claim, main, other)) for other in others]
    flips = [f"{name} on {', '.join(each.flips)}" for name, each in found if each.flips]
    leans = [f"{name} on {', '.join(each.leans)}" for name, each in found if each.leans]
    said = [f"It flips for {'; '.join(flips)}."] if flips else []
    said += [f"It points the other way for {'; '.join(leans)}."] if leans else []
    return " ".join(said)
