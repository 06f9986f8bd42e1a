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
from typing import Any

import numpy as np
import pandas as pd

from lstm_bench.claims.base import Claim
from lstm_bench.stats.comparisons import fewest_to_decide, sign_flip
from lstm_bench.stats.family import holm
from lstm_bench.stats.intervals import FEWEST, interval
from lstm_bench.stats.power import detectable, replicates_needed

WITHIN = ("T", "size", "distinct")  # of a seed, where an experiment measures it more than once
SUPPORTED, REFUTED, UNDECIDED = "supported", "refuted", "undecided"


@dataclass(frozen=True)
class Comparison:
    """Two cells, or one against the threshold: effect, interval and what they rest on.

    differences   one a seed, means over tasks; of an exact statistic one a condition
    by_task       the effect on each task
    note          where it differs from the claim in more than its cells
    """

    cells: tuple[str, ...]
    differences: np.ndarray
    by_task: dict[str, float] = field(default_factory=dict)
    exact: bool = False
    note: str = ""

    @property
    def n(self) -> int:
        return len(self.differences)

    @property
    def effect(self) -> float | None:
        return float(np.mean(self.differences)) if self.n else None

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
    keys = [key for key in (("task", "T", "width") if exact else ("task", "seed")) if key in values]
    sides = [values[values.cell == cell].set_index(keys).value for cell in cells]
    if any(side.empty for side in sides):
        return Comparison(tuple(cells), np.array([]), exact=exact)
    gap = sides[0] if len(sides) == 1 else (sides[0] - sides[1]).dropna()
    gap = gap[~gap.index.duplicated()]
    if exact:
        wide = gap.to_numpy(dtype=float)
    else:
        complete = gap.unstack("task").dropna().sort_index()
        gap = complete.stack()
        wide = complete.mean(axis=1).to_numpy()
    by_task = {
        str(task): float(mean)
        for task, mean in gap.groupby(level="task", sort=False).mean().items()
    }
    return Comparison(tuple(cells), wide, by_task, exact)


@dataclass
class Judged:
    """A claim, what was found, and why there may be nothing to say."""

    claim: Claim
    found: Comparison | None = None
    reason: str = ""
    p: float | None = None
    adjusted: float | None = None

    def test(self, claims: int) -> None:
        """Give it a p-value, or the reason why not."""
        if self.reason or self.found is None or self.claim.exact:
            return
        fewest = fewest_to_decide(claims, self.claim.alpha)
        if self.found.n == 0:
            self.reason = "no seed has a value for it."
        elif self.found.n < fewest:
            self.reason = (
                f"{_count(self.found.n, 'seed')} can decide nothing after Holm over "
                f"{_count(claims, 'claim')}; at least {fewest} are needed."
            )
        else:
            self.p = sign_flip(self.found.differences, self.claim.threshold)

    @property
    def verdict(self) -> str:
        effect, claim = (self.found.effect if self.found else None), self.claim
        if self.reason or effect is None:
            return UNDECIDED
        if claim.exact and self.found:
            low, high = self.found.differences.min(), self.found.differences.max()
            holds, fails = low > claim.threshold, high <= claim.threshold
        else:
            decided = self.adjusted is not None and self.adjusted <= claim.alpha
            holds, fails = decided and effect > claim.threshold, decided
        return SUPPORTED if holds else REFUTED if fails else UNDECIDED

    def more(self, claims: int, block: int = 1) -> int | None:
        """About how many more replicates would decide it; None where no number is known."""
        if self.verdict != UNDECIDED or self.claim.exact or not self.found or not self.found.n:
            return None
        needed = replicates_needed(
            self.found.differences, self.claim.threshold, claims, self.claim.alpha
        )
        if needed is None:
            return None
        lacking = max(needed - self.found.n, 1)
        return int(np.ceil(lacking / block) * block)

    def smallest(self, claims: int) -> float | None:
        """The difference from the threshold that this many seeds find in four of five sweeps."""
        if self.claim.exact or not self.found or self.found.n < FEWEST:
            return None
        deviation = float(np.std(self.found.differences, ddof=1))
        found = detectable(deviation, self.found.n, self.claim.alpha / claims)
        return None if np.isnan(found) else found


def settle(judged: Sequence[Judged]) -> int:
    """Test every claim and correct over the family; returns the family's size."""
    claims = max(1, sum(not each.claim.exact for each in judged))
    for each in judged:
        each.test(claims)
    tested = [each for each in judged if each.p is not None]
    for each, adjusted in zip(tested, holm([each.p or 0.0 for each in tested], claims)):
        each.adjusted = adjusted
    return claims


def named(found: Comparison) -> str:
    """`lstm against elman`, and what else is different."""
    return " against ".join(found.cells) + (f" ({found.note})" if found.note else "")


def lies(claim: Claim, effect: float) -> int:
    """1 above the threshold, -1 below it, 0 where no digit that is shown differs from it."""
    gap = effect - claim.threshold
    tie = f"{2.0**gap:.3g}" == "1" if claim.ratio else float(f"{gap:.2f}") == 0
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
    found = [(named(each), side(claim, each, main)) for each in others]
    flips = [name for name, where in found if where == "beyond, clearly"]
    leans = [name for name, where in found if where == "beyond"]
    told = [f"on {', '.join(tasks)}"] if tasks else []
    told += [f"for {', '.join(leans)}"] if leans else []
    sentences = [f"It flips for {', '.join(flips)}."] if flips else []
    sentences += [f"It points the other way {' and '.join(told)}."] if told else []
    return " ".join(sentences)


def rows_where(table: pd.DataFrame, where: Mapping[str, object]) -> pd.DataFrame:
    """The rows with these values, one or a list of them. Raises KeyError for an unknown column."""
    for key, value in where.items():
        table = table[table[key].isin(value if isinstance(value, list | tuple) else [value])]
    return table


def column_values(table: pd.DataFrame, claim: Claim, cells: Sequence[str]) -> pd.DataFrame:
    """What an experiment measured as values: columns task, cell, seed and the claim's.

    Several rows of a seed (lengths, sizes) are averaged, where both cells have a value. Raises
    KeyError for a column that is not there, told as the reason.
    """
    rows = rows_where(table, claim.where)
    rows = rows[rows.cell.isin(list(cells))]
    values = rows.assign(value=pd.to_numeric(rows[claim.column], errors="coerce").astype(float))
    if claim.scale == "ratio":
        values = values.assign(value=np.log2(values.value.where(values.value > 0)))
    values = values.dropna(subset=["value"])
    same = [key for key in ("task", "seed", *WITHIN) if key in values]
    both = values.groupby(same, sort=False).cell.transform("nunique") == len(set(cells))
    values = values[both]
    return values.groupby(["task", "cell", "seed"], sort=False).value.mean().reset_index()


def plain(value: Any) -> Any:
    """Numbers with six significant digits, so that the same sweep gives the same bytes."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, np.floating | float):
        return float(f"{float(value):.6g}") if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
