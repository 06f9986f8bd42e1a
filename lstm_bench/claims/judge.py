"""From values to verdicts. One p-value a claim, Holm over all declared claims, then a sentence.

1. The difference of the two cells of every seed, a mean over tasks: the seed is the unit.
2. Sign flips of these differences against the threshold: p, two-sided (stats.comparisons).
3. Holm over every declared claim that needs a test, those that could not be judged included.
4. Supported: adjusted p <= alpha and the effect above the threshold; refuted: below it; else
   undecided, with the number of replicates that would decide it were the effect seen the true one.
With fewer replicates than Holm's first step can ever need, there is no p-value to report. A count
without sampling error is judged without one: supported where it holds in every condition.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from lstm_bench.claims.base import Claim
from lstm_bench.stats.comparisons import fewest_to_decide, sign_flip
from lstm_bench.stats.family import holm
from lstm_bench.stats.intervals import FEWEST, interval
from lstm_bench.stats.power import detectable, replicates_needed

SUPPORTED, REFUTED, UNDECIDED = "supported", "refuted", "undecided"


@dataclass(frozen=True)
class Comparison:
    """Two cells, or one against the threshold: effect, interval and what they rest on.

    differences   one a seed, means over tasks; of an exact statistic one a condition
    by_task       the effect on each task
    note          where it differs from the claim in more than its cells
    """

    cells: tuple[str, ...] = ()
    differences: np.ndarray = field(default_factory=lambda: np.array([]))
    by_task: Mapping[str, float] = field(default_factory=dict)
    exact: bool = False
    note: str = ""

    @property
    def n(self) -> int:
        return len(self.differences)

    @property
    def effect(self) -> float | None:
        return float(np.mean(self.differences)) if self.n else None

    @property
    def name(self) -> str:
        """`lstm against elman`, and what else is different."""
        return " against ".join(self.cells) + (f" ({self.note})" if self.note else "")

    def bounds(self) -> tuple[float, float] | None:
        """The 95 % interval of the mean; of an exact statistic the smallest and the largest."""
        if self.exact and self.n:
            return float(self.differences.min()), float(self.differences.max())
        if self.n < FEWEST:
            return None
        low, high = interval([self.differences])
        return float(low), float(high)


def compare(values: pd.DataFrame, cells: Sequence[str], exact: bool = False) -> Comparison:
    """Values of these cells joined by task and seed (by task, T and width where exact)."""
    keys = ["task", "T", "width"] if exact else ["task", "seed"]
    sides = [values[values.cell == cell].set_index(keys).value for cell in cells]
    if any(side.empty for side in sides):
        return Comparison(tuple(cells), exact=exact)
    gap = sides[0] if len(sides) == 1 else (sides[0] - sides[1]).dropna()
    gap = gap[~gap.index.duplicated()]
    differences = gap.to_numpy(dtype=float)
    if not exact:
        complete = gap.unstack("task").dropna().sort_index()
        gap, differences = complete.stack(), complete.mean(axis=1).to_numpy()
    means = gap.groupby(level="task", sort=False).mean()
    by_task = {str(task): float(mean) for task, mean in means.items()}
    return Comparison(tuple(cells), differences, by_task, exact)


@dataclass
class Judged:
    """A claim, what was found, and why there may be nothing to say.

    found         the comparison of its cells; without cells where none could be made
    others        those beside it: other pairs of cells, other values of `where`
    not_trained   pairs of `beside` that the sweep has not
    ties          all cells of the sweep in groups that cannot be told apart, best first
    conditions    what the effect is conditional on
    family        how many claims are tested
    block         seeds of a seed block: as many replicates come at once
    """

    claim: Claim
    found: Comparison = field(default_factory=Comparison)
    reason: str = ""
    others: Sequence[Comparison] = ()
    not_trained: Sequence[Sequence[str]] = ()
    ties: Sequence[Sequence[str]] = ()
    conditions: Mapping[str, object] = field(default_factory=dict)
    family: int = 1
    block: int = 1
    p: float | None = None
    adjusted: float | None = None

    def test(self) -> None:
        """Give it a p-value, or the reason why not."""
        if self.reason:
            return
        fewest = fewest_to_decide(self.family, self.claim.alpha)
        if self.found.n == 0:
            measured = "length and width" if self.claim.measure.exact else "seed"
            self.reason = f"no {measured} has a value for it."
        elif self.claim.measure.exact:
            return
        elif self.found.n < fewest:
            self.reason = (
                f"{_count(self.found.n, 'seed')} can decide nothing after Holm over "
                f"{_count(self.family, 'claim')}; at least {fewest} are needed."
            )
        else:
            self.p = sign_flip(self.found.differences, self.claim.threshold)

    @property
    def verdict(self) -> str:
        effect, claim = self.found.effect, self.claim
        if self.reason or effect is None:
            return UNDECIDED
        if claim.measure.exact:
            holds = self.found.differences.min() > claim.threshold
            fails = self.found.differences.max() <= claim.threshold
        else:
            decided = self.adjusted is not None and self.adjusted <= claim.alpha
            holds, fails = decided and effect > claim.threshold, decided
        return SUPPORTED if holds else REFUTED if fails else UNDECIDED

    @property
    def more(self) -> int | None:
        """About how many more replicates would decide it; None where no number is known."""
        found, claim = self.found, self.claim
        if self.verdict != UNDECIDED or claim.measure.exact or not found.n:
            return None
        needed = replicates_needed(found.differences, claim.threshold, self.family, claim.alpha)
        if needed is None:
            return None
        return int(np.ceil(max(needed - found.n, 1) / self.block) * self.block)

    @property
    def smallest(self) -> float | None:
        """The difference from the threshold that this many seeds find in four of five sweeps."""
        if self.claim.measure.exact or self.found.n < FEWEST:
            return None
        deviation = float(np.std(self.found.differences, ddof=1))
        found = detectable(deviation, self.found.n, self.claim.alpha / self.family)
        return None if np.isnan(found) else found


def settle(judged: Sequence[Judged]) -> int:
    """Test every claim and correct over the family; returns the family's size."""
    family = max(1, sum(not each.claim.measure.exact for each in judged))
    for each in judged:
        each.family = family
        each.test()
    tested = [each for each in judged if each.p is not None]
    for each, adjusted in zip(tested, holm([each.p or 0.0 for each in tested], family)):
        each.adjusted = adjusted
    return family


def lies(claim: Claim, effect: float) -> int:
    """1 above the threshold, -1 below it, 0 where no digit that is shown differs from it."""
    gap = effect - claim.threshold
    tie = f"{2.0**gap:.3g}" == "1" if claim.measure.ratio else float(f"{gap:.2f}") == 0
    return 0 if tie else int(np.sign(gap))


def side(claim: Claim, other: Comparison, main: Comparison) -> str:
    """Where the other effect lies: on the `same` side of the threshold as the main one, `beyond`
    it, or `beyond, clearly` with its whole interval; `level` where either lies on the threshold.
    """
    if other.effect is None or main.effect is None:
        return ""
    mine, theirs = lies(claim, main.effect), lies(claim, other.effect)
    if not mine or not theirs:
        return "level"
    if mine == theirs:
        return "same"
    bounds = other.bounds()
    clear = bounds is not None and {lies(claim, end) for end in bounds} == {theirs}
    return "beyond, clearly" if clear else "beyond"


def agreement(claim: Claim, main: Comparison, others: Iterable[Comparison]) -> str:
    """Names the pairs and tasks on which the effect lies on the other side of the threshold."""
    mine = lies(claim, main.effect) if main.effect is not None else 0
    if not mine:
        return ""
    tasks = [task for task, effect in main.by_task.items() if lies(claim, effect) == -mine]
    found = [(each.name, side(claim, each, main)) for each in others]
    flips = [name for name, where in found if where == "beyond, clearly"]
    leans = [name for name, where in found if where == "beyond"]
    told = [f"on {', '.join(tasks)}"] if tasks else []
    told += [f"for {', '.join(leans)}"] if leans else []
    sentences = [f"It flips for {', '.join(flips)}."] if flips else []
    sentences += [f"It points the other way {' and '.join(told)}."] if told else []
    return " ".join(sentences)


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
