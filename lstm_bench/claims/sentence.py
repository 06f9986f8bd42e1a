"""A verdict in words: the answer in one sentence, effects and p-values as a reader expects them."""

from __future__ import annotations

from lstm_bench.claims.judge import SUPPORTED, UNDECIDED, Comparison, Judged
from lstm_bench.claims.statistics import COLUMN, registry


def told(value: float, ratio: bool) -> str:
    """`+0.45`, or `x 1.8` where it is a ratio."""
    return f"× {2.0**value:.3g}" if ratio else f"{value:+.2f}".replace("-", "−")


def told_interval(found: Comparison, ratio: bool) -> str:
    """`[+0.40, +0.50]`, or why there is none."""
    bounds = found.bounds()
    if bounds is None:
        return "no interval"
    return "[" + ", ".join(told(each, ratio).removeprefix("× ") for each in bounds) + "]"


def told_p(p: float | None) -> str:
    """Three digits; a dash where nothing was tested."""
    return "–" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def answer(judged: Judged, claims: int, more: int | None) -> str:
    """The verdict, the effect with its interval and n, and how sure: one sentence."""
    found, claim = judged.found, judged.claim
    if found is None or found.effect is None:
        return f"Undecided: {judged.reason}"
    ratio = claim.ratio
    pattern = f"{' against '.join(found.cells)}, {{effect}} {claim.column.replace('_', ' ')}"
    if claim.told:
        pattern = claim.told
    elif claim.statistic != COLUMN:
        pattern = registry()[claim.statistic].told
    first, second = found.cells[0], found.cells[-1]
    effect = pattern.format(first=first, second=second, effect=told(found.effect, ratio))
    if claim.exact:
        spread = f"{told_interval(found, ratio)} over {found.n} lengths and widths"
        return f"{judged.verdict.capitalize()}: {effect}, {spread}; an exact count, so no test."
    bounds = told_interval(found, ratio)
    if bounds != "no interval":
        bounds = f"95 % interval {bounds}"
    seeds = f"n = {found.n} seeds"
    if judged.verdict != UNDECIDED:
        sure = f"adjusted p {_relation(judged.adjusted)}"
        side = "" if judged.verdict == SUPPORTED else "; the effect lies on the other side"
        return f"{judged.verdict.capitalize()}: {effect} ({bounds}, {seeds}, {sure}){side}."
    if more is not None:
        needed = f"about {more} more replicates needed"
    elif found.differences.std() == 0 and found.effect == claim.threshold:
        needed = "no seed shows a difference, and more seeds alone will not make one"
    else:
        needed = "more than 1,000 replicates would be needed"
    p = f", adjusted p {_relation(judged.adjusted)}" if judged.adjusted is not None else ""
    why = f" {judged.reason[0].upper()}{judged.reason[1:]}" if judged.reason else ""
    return f"Undecided ({needed}): {effect} ({bounds}, {seeds}{p}).{why}"


def _relation(p: float | None) -> str:
    shown = told_p(p)
    return shown if shown.startswith("<") else f"= {shown}"
