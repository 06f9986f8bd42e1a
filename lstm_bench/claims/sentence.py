"""A judged claim in words and as JSON: what verdicts.json says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_bench.claims.beside import against, disagreement
from lstm_bench.claims.judge import Comparison, Judged
from lstm_bench.claims.votes import DEPENDS, FEW, OPEN, REFUTED, SUPPORTED, Vote
from lstm_bench.experiments import words
from lstm_bench.stats.power import detectable

OF_THE_CLAIM = ("id", "quote", "statement", "threshold", "alpha", "family", "experiment", "caveats")


def as_json(judged: Judged) -> dict[str, object]:
    """All that is stored of a claim; `shown` has numbers as a reader expects them."""
    claim, found, measure = judged.claim, judged.found, judged.claim.measure
    ratio = measure.ratio
    content = {
        **{key: getattr(claim, key) for key in OF_THE_CLAIM},
        **_numbers(found),
        "cells": found.cells or claim.cells,
        "statistic": measure.name,
        "measured": measure.about,
        "ratio": ratio,
        "exact": measure.exact,
        "verdict": judged.verdict,
        "exploratory": judged.exploratory and found.found,
        "answer": answer(judged),
        "reason": judged.reason,
        "p_adjusted": judged.adjusted,
        "more_replicates": judged.more,
        "shown": {
            "threshold": words.effect(claim.threshold, ratio),
            "effect": "–" if found.effect is None else words.effect(found.effect, ratio),
            "interval": words.effect_interval(found.bounds(), ratio) if found.n else "–",
        },
        "by_task": [_vote(judged, vote) for vote in judged.votes],
        "beside": [_beside(judged, other) for other in judged.others if other.found],
        "not_trained": [" against ".join(pair) for pair in judged.not_trained],
        "disagreement": disagreement(claim, judged.votes, judged.others),
        "ties": judged.ties,
        "ties_need": judged.ties_need,
        "figure": f"experiments/{claim.experiment}/figure.svg" if found.cells else "",
        "conditions": judged.conditions,
    }
    rounded: dict[str, object] = plain(content)
    return rounded


def _numbers(found: Comparison) -> dict[str, object]:
    low, high = found.bounds() or (None, None)
    numbers = {"effect": found.effect, "low": low, "high": high, "n": found.n}
    return {"cells": found.cells, **numbers}


def _vote(judged: Judged, vote: Vote) -> dict[str, object]:
    """A task: its vote, effect, interval, p, and the smallest effect that so many seeds find."""
    claim, n = judged.claim, len(vote.differences)
    mean, low, high = vote.interval
    ends = (low, high) if np.isfinite(low) else None
    deviation = float(np.std(vote.differences, ddof=1)) if n > 1 else 0.0
    smallest = detectable(deviation, n, claim.alpha / judged.family)
    smallest = smallest if vote.p is not None else float("nan")
    ratio = claim.measure.ratio
    return {
        "task": vote.task,
        "vote": vote.way,
        "effect": mean,
        "low": low,
        "high": high,
        "n": n,
        "p": vote.p,
        "p_adjusted": vote.adjusted,
        "smallest_detectable": smallest,
        "shown": {
            "effect": words.effect(mean, ratio) if n else "–",
            "interval": words.effect_interval(ends, ratio) if n else "–",
            "p_adjusted": words.p_value(vote.adjusted),
            "smallest_detectable": "–" if np.isnan(smallest) else words.effect(smallest, ratio),
        },
    }


def _beside(judged: Judged, other: Comparison) -> dict[str, object]:
    claim, ratio = judged.claim, judged.claim.measure.ratio
    there = {task: float(values.mean()) for task, values in other.tasks.items() if len(values)}
    where = against(claim, judged.votes, other)
    return {
        **_numbers(other),
        "name": other.name,
        "by_task": {task: words.effect(effect, ratio) for task, effect in there.items()},
        "flips": where.flips,
        "leans": where.leans,
    }


def answer(judged: Judged) -> str:
    """The verdict, the tasks it rests on, and the mean over them with its interval and n."""
    found, measure = judged.found, judged.claim.measure
    verdict = judged.verdict.capitalize() + (" (exploratory)" if judged.exploratory else "")
    if not found.found:
        return f"{verdict}: {judged.reason}"
    average = _average(found, measure.told, measure.ratio)
    if measure.exact:
        spread = f"{words.effect_interval(found.bounds(), measure.ratio)} over {found.n} lengths"
        return f"{verdict}: {average}, {spread} and widths; an exact count, so no test."
    votes = _votes(judged)
    if judged.verdict in (SUPPORTED, REFUTED, DEPENDS):
        sure = words.p_value(judged.adjusted)
        sure = f" (adjusted p {sure if sure.startswith('<') else f'≤ {sure}'})"
        said = f"{verdict}: {votes}{'' if judged.verdict == DEPENDS else sure}."
    else:
        said = f"{verdict}{_needed(judged)}: {votes}."
        said += f" {judged.reason[0].upper()}{judged.reason[1:]}" if judged.reason else ""
    if found.effect is None:
        return said
    ends = found.bounds()
    spread = f"{'95 % interval ' if ends else ''}{words.effect_interval(ends, measure.ratio)}"
    over = "On average over tasks" if len(found.tasks) > 1 else "There"
    return f"{said} {over}, {average} ({spread}, n = {found.n} seeds)."


def _average(found: Comparison, told: str, ratio: bool) -> str:
    shown = "–" if found.effect is None else words.effect(found.effect, ratio)
    return told.format(first=found.cells[0], second=found.cells[-1], effect=shown)


def _votes(judged: Judged) -> str:
    """`up on adding, copy; down on temporal_order; no room on reverse`."""
    ways: dict[str, list[str]] = {}
    for vote in judged.votes:
        ways.setdefault(vote.way, []).append(vote.task)
    return "; ".join(f"{way} on {', '.join(tasks)}" for way, tasks in ways.items())


def _needed(judged: Judged) -> str:
    """How many more replicates would decide it, where that is what it lacks."""
    if judged.more is not None:
        return f" (about {judged.more} more replicates needed)"
    unsure = any(vote.way in (OPEN, FEW) for vote in judged.votes)
    return " (more seeds alone would hardly decide it)" if unsure and not judged.reason else ""


def plain(value: Any) -> Any:
    """Numbers with six significant digits, so that the same sweep gives the same bytes."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, np.floating | float):
        return float(f"{float(value):.6g}") if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
