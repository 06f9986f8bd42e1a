"""Where what stands beside a verdict, other cells and starts, lies on the other side of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lstm_bench.claims.base import Claim
from lstm_bench.claims.judge import Comparison
from lstm_bench.claims.votes import DOWN, UP, Vote
from lstm_bench.stats.means import mean_interval


@dataclass(frozen=True)
class Against:
    """The tasks that voted and on which another comparison lies on the other side.

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


def against(claim: Claim, votes: Iterable[Vote], other: Comparison) -> Against:
    """On the tasks that voted up or down; what reads as the threshold is on neither side."""
    flips: list[str] = []
    leans: list[str] = []
    for vote in votes:
        mine = {UP: 1, DOWN: -1}.get(vote.way, 0)
        theirs, *ends = mean_interval(other.tasks.get(vote.task, ()))
        if np.isfinite(theirs) and lies(claim, theirs) * mine < 0:
            clear = np.isfinite(ends).all() and {lies(claim, end) for end in ends} == {-mine}
            (flips if clear else leans).append(vote.task)
    return Against(tuple(flips), tuple(leans))


def disagreement(claim: Claim, votes: Sequence[Vote], others: Iterable[Comparison]) -> str:
    """One sentence for those that flip, one for those that only point the other way."""
    found = [(other.name, against(claim, votes, other)) for other in others]
    flips = [f"{name} on {', '.join(each.flips)}" for name, each in found if each.flips]
    leans = [f"{name} on {', '.join(each.leans)}" for name, each in found if each.leans]
    said = [f"It flips for {'; '.join(flips)}."] if flips else []
    said += [f"It points the other way for {'; '.join(leans)}."] if leans else []
    return " ".join(said)
