"""A judged claim in words and as JSON: what verdicts.json says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_bench.claims.judge import SUPPORTED, UNDECIDED, Comparison, Judged, agreement, side
from lstm_bench.experiments import words

OF_THE_CLAIM = ("id", "quote", "statement", "threshold", "alpha", "experiment", "caveats")


def as_json(judged: Judged) -> dict[str, object]:
    """All that is stored of a claim; `shown` has numbers as a reader expects them."""
    claim, found, measure = judged.claim, judged.found, judged.claim.measure
    ratio, p = measure.ratio, words.p_value(judged.adjusted)
    smallest = judged.smallest
    content = {
        **{key: getattr(claim, key) for key in OF_THE_CLAIM},
        **_numbers(found),
        "cells": found.cells or claim.cells,
        "statistic": measure.name,
        "measured": measure.about,
        "ratio": ratio,
        "exact": measure.exact,
        "verdict": judged.verdict,
        "answer": answer(judged),
        "reason": judged.reason,
        "p": judged.p,
        "p_adjusted": judged.adjusted,
        "more_replicates": judged.more,
        "smallest_detectable": smallest,
        "shown": {
            "threshold": words.effect(claim.threshold, ratio),
            "effect": "–" if found.effect is None else words.effect(found.effect, ratio),
            "interval": words.effect_interval(found.bounds(), ratio) if found.n else "–",
            "p_adjusted": "exact" if measure.exact and found.cells else p,
            "smallest_detectable": "–" if smallest is None else words.effect(smallest, ratio),
        },
        "by_task": [
            {"task": task, "effect": effect, "shown": words.effect(effect, ratio)}
            for task, effect in found.by_task.items()
        ],
        "beside": [
            {
                **_numbers(each),
                "name": each.name,
                "side": side(claim, each, found),
                "shown": f"{words.effect(each.effect, ratio)} "
                f"{words.effect_interval(each.bounds(), ratio)}",
            }
            for each in judged.others
            if each.effect is not None
        ],
        "not_trained": [" against ".join(pair) for pair in judged.not_trained],
        "disagreement": agreement(claim, found, judged.others),
        "ties": judged.ties,
        "figure": f"experiments/{claim.experiment}/figure.svg" if found.cells else "",
        "conditions": judged.conditions,
    }
    rounded: dict[str, object] = plain(content)
    return rounded


def _numbers(found: Comparison) -> dict[str, object]:
    low, high = found.bounds() or (None, None)
    numbers = {"effect": found.effect, "low": low, "high": high, "n": found.n}
    return {"cells": found.cells, **numbers}


def answer(judged: Judged) -> str:
    """The verdict, the effect with its interval and n, and how sure: one sentence."""
    found, claim, measure = judged.found, judged.claim, judged.claim.measure
    if found.effect is None:
        return f"Undecided: {judged.reason}"
    shown, ends = words.effect(found.effect, measure.ratio), found.bounds()
    effect = measure.told.format(first=found.cells[0], second=found.cells[-1], effect=shown)
    interval, verdict = words.effect_interval(ends, measure.ratio), judged.verdict.capitalize()
    if measure.exact:
        spread = f"{interval} over {found.n} lengths and widths"
        return f"{verdict}: {effect}, {spread}; an exact count, so no test."
    spread = f"{'95 % interval ' if ends else ''}{interval}, n = {found.n} seeds"
    if judged.adjusted is not None:
        p = words.p_value(judged.adjusted)
        spread += f", adjusted p {p if p.startswith('<') else f'= {p}'}"
    if judged.verdict != UNDECIDED:
        lies = "" if judged.verdict == SUPPORTED else "; the effect lies on the other side"
        return f"{verdict}: {effect} ({spread}){lies}."
    if judged.more is not None:
        needed = f"about {judged.more} more replicates needed"
    elif found.differences.std() == 0 and found.effect == claim.threshold:
        needed = "no seed shows a difference, and more seeds alone will not make one"
    else:
        needed = "more than 1,000 replicates would be needed"
    why = f" {judged.reason[0].upper()}{judged.reason[1:]}" if judged.reason else ""
    return f"Undecided ({needed}): {effect} ({spread}).{why}"


def plain(value: Any) -> Any:
    """Numbers with six significant digits, so that the same sweep gives the same bytes."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, np.floating | float):
        return float(f"{float(value):.6g}") if np.isfinite(value) else None
    return int(value) if isinstance(value, np.integer) else value
