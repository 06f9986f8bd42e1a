"""From values to verdicts: differences by seed and task, a vote of every task, and what they say.

Cells see the same data for the same seed, so they are compared seed by seed. `claims.votes` has the
test. A count without sampling error is judged without one: supported where it holds in every
condition, refuted where it does in none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from lstm_bench.claims.base import Claim, tested
from lstm_bench.claims.votes import (
    ABSENT,
    FEW,
    FEWEST_TASKS,
    OPEN,
    PILOT,
    REFUTED,
    SUPPORTED,
    Vote,
    cast,
    count,
    verdict,
)
from lstm_bench.spec import DEVELOPMENT_SEEDS
from lstm_bench.stats.comparisons import fewest_to_decide
from lstm_bench.stats.means import mean_interval
from lstm_bench.stats.power import replicates_needed


@dataclass(frozen=True)
class Comparison:
    """Two cells, or one against the threshold.

    tasks         by task its differences, one a seed; of an exact statistic one a condition
    differences   means over tasks, one a seed that has them all; of an exact statistic all of them
    note          where it differs from the claim in more than its cells
    """

    cells: tuple[str, ...] = ()
    tasks: Mapping[str, np.ndarray] = field(default_factory=dict)
    differences: np.ndarray = field(default_factory=lambda: np.array([]))
    exact: bool = False
    note: str = ""

    @property
    def n(self) -> int:
        return len(self.differences)

    @property
    def found(self) -> bool:
        """Whether some task has a difference."""
        return any(len(values) for values in self.tasks.values())

    @property
    def effect(self) -> float | None:
        """The mean over tasks, which decides nothing."""
        return float(np.mean(self.differences)) if self.n else None

    @property
    def name(self) -> str:
        """`lstm against elman`, and what else is different."""
        return " against ".join(self.cells) + (f" ({self.note})" if self.note else "")

    def bounds(self) -> tuple[float, float] | None:
        """The 95 % interval of the mean; of an exact statistic the smallest and the largest."""
        if self.exact and self.n:
            return float(self.differences.min()), float(self.differences.max())
        _, low, high = mean_interval(self.differences)
        return (low, high) if np.isfinite(low) else None


def compare(values: pd.DataFrame, cells: Sequence[str], exact: bool = False) -> Comparison:
    """Values of these cells joined by task and seed (by task, T and width where exact)."""
    keys = ["task", "T", "width"] if exact else ["task", "seed"]
    sides = [values[values.cell == cell].set_index(keys).value for cell in cells]
    if any(side.empty for side in sides):
        return Comparison(tuple(cells), exact=exact)
    gap = sides[0] if len(sides) == 1 else (sides[0] - sides[1]).dropna()
    gap = gap[~gap.index.duplicated()].astype(float)
    tasks = {
        str(task): each.sort_index().to_numpy()
        for task, each in gap.groupby(level="task", sort=False)
    }
    differences = gap.to_numpy()
    if not exact:
        differences = gap.unstack("task").dropna().sort_index().mean(axis=1).to_numpy()
    return Comparison(tuple(cells), tasks, differences, exact)


@dataclass
class Judged:
    """A claim, what was found, and why there may be nothing to say.

    found         the comparison of its cells; without cells where none could be made
    trained       whether the sweep trains what it takes; open is what it left undecided
    votes         of every task
    others        comparisons beside it: other pairs of cells, other values of `where`
    not_trained   pairs of `beside` that the sweep has not
    ties          by task, all cells of the sweep in groups that cannot be told apart, best first
    ties_need     how many seeds such groups take, where there are too few
    conditions    what the effect is conditional on
    pilot         whether its seeds are for development: nothing is tested
    exploratory   whether it was not declared before it ran
    family        how many claims of its family are tested
    block         seeds of a seed block: as many replicates come at once
    """

    claim: Claim
    found: Comparison = field(default_factory=Comparison)
    trained: bool = True
    reason: str = ""
    others: Sequence[Comparison] = ()
    not_trained: Sequence[Sequence[str]] = ()
    ties: Mapping[str, Sequence[Sequence[str]]] = field(default_factory=dict)
    ties_need: int | None = None
    conditions: Mapping[str, object] = field(default_factory=dict)
    pilot: bool = False
    exploratory: bool = False
    family: int = 1
    block: int = 1
    votes: Sequence[Vote] = ()

    def test(self) -> None:
        """Have every task vote, or say why there is no verdict."""
        if self.reason:
            return
        claim = self.claim
        if not self.found.found:
            self.reason = f"no {'length and width' if claim.measure.exact else 'seed'} has a value."
        elif claim.measure.exact:
            self.votes = count(self.found.tasks, claim.threshold)
        elif self.pilot:
            self.votes = [Vote(task, each, PILOT) for task, each in self.found.tasks.items()]
            self.reason = f"seeds below {DEVELOPMENT_SEEDS:,} are for development."
        else:
            self.votes = cast(self.found.tasks, claim.threshold, claim.alpha, self.family)
            self.reason = self._too_few()

    def _too_few(self) -> str:
        """Why those that can vote are no verdict, or nothing."""
        voting = sum(vote.counts for vote in self.votes)
        if voting >= FEWEST_TASKS:
            return ""
        said = f"{voting} of {len(self.votes)} tasks can vote, and a verdict takes {FEWEST_TASKS}"
        if any(vote.way == FEW for vote in self.votes):
            fewest = fewest_to_decide(self.family, self.claim.alpha)
            said += f"; a vote takes at least {fewest} seeds at {self.family} tested claims"
        return f"{said}."

    @property
    def verdict(self) -> str:
        claim = self.claim
        if self.reason:
            return OPEN if self.trained else ABSENT
        if not claim.measure.exact:
            return verdict(self.votes)
        if self.found.differences.min() > claim.threshold:
            return SUPPORTED
        return REFUTED if self.found.differences.max() <= claim.threshold else OPEN

    @property
    def adjusted(self) -> float | None:
        """The largest adjusted p of a task that votes: that of "on all of them"."""
        found = [vote.adjusted for vote in self.votes if vote.adjusted is not None]
        return max(found, default=None)

    @property
    def more(self) -> int | None:
        """About how many more replicates would make every task vote up or down.

        None where the effects seen would not decide it, or are not known.
        """
        claim = self.claim
        unsure = [vote for vote in self.votes if vote.way in (OPEN, FEW)]
        able = [vote for vote in self.votes if vote.counts or vote.way == FEW]
        if self.verdict != OPEN or not unsure or len(able) < FEWEST_TASKS:
            return None
        lacking = []
        for vote in unsure:
            needed = replicates_needed(vote.differences, claim.threshold, self.family, claim.alpha)
            if needed is None:
                return None
            lacking.append(needed - len(vote.differences))
        return int(np.ceil(max(*lacking, 1) / self.block) * self.block)


def settle(judged: Sequence[Judged]) -> dict[str, int]:
    """Judge every claim, those of a family that are tested at alpha together.

    Returns by family how many these are.
    """
    families = tested(each.claim for each in judged)
    for each in judged:
        each.family = families.get(each.claim.family, 1)  # counts alone are not tested
        each.test()
    return families
