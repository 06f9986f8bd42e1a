"""The lecture sentence by sentence, from the stored verdicts: the first page and its sections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from lstm_bench.claims.votes import ABSENT, DEPENDS, OPEN, REFUTED, SUPPORTED
from lstm_bench.experiments.run import read_csv
from lstm_bench.experiments.words import effect, effect_interval
from lstm_bench.report.tables import html_table
from lstm_bench.store.checksums import read_checked_json
from lstm_bench.store.paths import Results

ORDER = (SUPPORTED, REFUTED, DEPENDS, OPEN, ABSENT)
MARKS = {"up": "▲", "down": "▼", "open": "○"}  # of a task's vote; those without one have a dash


def first_page(results: Results, sections: Mapping[str, object]) -> dict[str, object]:
    """Sentences with their claims, the tally and the sizes of families. Raises DamagedFile.

    sections   the experiments of the page by name: a sentence holds those its claims rest on
    """
    stored = read_checked_json(results.claims / "verdicts.json")
    seconds = _seconds(results, stored["claims"])
    claims = [_shown(claim, seconds.get(claim["id"], "")) for claim in stored["claims"]]
    further, sentences = dict(sections), []
    for quote in dict.fromkeys(claim["quote"] for claim in claims):
        own = [claim for claim in claims if claim["quote"] == quote]
        names = dict.fromkeys(claim["experiment"] for claim in own)
        experiments = [further.pop(name) for name in names if name in further]
        sentences.append({"quote": quote, "claims": own, "experiments": experiments})
    return {
        "sentences": sentences,
        "further": list(further.values()),
        "tally": _tally(claims),
        "level": _level(stored["families"]),
    }


def _tally(claims: Sequence[Mapping[str, Any]]) -> str:
    """How many claims have each verdict, by family where there are several."""
    by_family: dict[str, list[str]] = {}
    for claim in claims:
        by_family.setdefault(claim["family"], []).append(claim["verdict"])
    parts = []
    for family, verdicts in by_family.items():
        counts = Counter(verdicts)
        told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in ORDER if counts[verdict])
        of = f" of the family “{family}”" if len(by_family) > 1 else ""
        parts.append(f"{len(verdicts)} claim{'' if len(verdicts) == 1 else 's'}{of}: {told}.")
    return " ".join(parts)


def _level(families: Mapping[str, int]) -> str:
    """What alpha is divided by: the claims of a family that have a test."""
    sizes = {name: f"{n} claim{'' if n == 1 else 's'}" for name, n in families.items()}
    if len(sizes) < 2:
        return f"{next(iter(sizes.values()), '1 claim')} with a test"
    told = ", ".join(f"{size} of “{name}”" for name, size in sizes.items())
    return f"the claims of its family with a test ({told})"


def _shown(claim: dict[str, Any], seconds: str) -> dict[str, Any]:
    """The verdict as a badge, and the sentence without the word that the badge says."""
    _, _, rest = claim["answer"].partition(": ")
    return {
        **claim,
        "kind": claim["verdict"].split()[0],
        "told": rest[:1].upper() + rest[1:],
        "seconds": seconds,
        "votes": [_vote(vote) for vote in claim["by_task"]],
        "holds": _holds(claim),
        "votes_table": _votes_table(claim),
        "beside_table": _beside_table(claim),
    }


def _vote(vote: Mapping[str, Any]) -> dict[str, str]:
    """A task as a mark with its numbers behind it."""
    shown, way = vote["shown"], vote["vote"]
    numbers = f"{way}: {shown['effect']} {shown['interval']}, n = {vote['n']}"
    if vote["p"] is not None:
        numbers += f", adjusted p {shown['p_adjusted']}"
    kind = way if way in MARKS else "mute"
    mark = f"{MARKS.get(way, '–')} {vote['task']}"
    return {"kind": kind, "mark": mark, "numbers": numbers}


def _votes_table(claim: Mapping[str, Any]) -> str:
    rows = [
        {
            "task": vote["task"].replace("_", " "),
            "vote": vote["vote"],
            "effect": vote["shown"]["effect"],
            "95 % interval": vote["shown"]["interval"],
            "n": vote["n"],
            "adjusted p": vote["shown"]["p_adjusted"],
            "smallest distance found in 4 of 5 sweeps": vote["shown"]["smallest_detectable"],
        }
        for vote in claim["by_task"]
    ]
    return html_table(pd.DataFrame(rows)) if rows else ""


def _beside_table(claim: Mapping[str, Any]) -> str:
    rows = [
        {
            "beside it": each["name"],
            **{task.replace("_", " "): shown for task, shown in each["by_task"].items()},
            "mean over tasks": "–"
            if each["effect"] is None
            else f"{effect(each['effect'], claim['ratio'])} {_interval(each, claim['ratio'])}",
            "n": each["n"],
            "against the claim": _where(each),
        }
        for each in claim["beside"]
    ]
    return html_table(pd.DataFrame(rows).fillna("–")) if rows else ""


def _interval(each: Mapping[str, Any], ratio: bool) -> str:
    return "" if each["low"] is None else effect_interval((each["low"], each["high"]), ratio)


def _where(each: Mapping[str, Any]) -> str:
    """`flips on copy; other side on adding`, or the same side everywhere."""
    parts = [f"flips on {', '.join(each['flips'])}"] if each["flips"] else []
    parts += [f"other side on {', '.join(each['leans'])}"] if each["leans"] else []
    return "; ".join(parts) or "nowhere on the other side"


def _holds(claim: Mapping[str, Any]) -> str:
    """`agrees in 4 of 6; flips on a task: gru against elman`, in a few words."""
    beside = claim["beside"]
    if not beside:
        return "not trained here" if claim["not_trained"] and claim["figure"] else "–"
    if not any(vote["vote"] in ("up", "down") for vote in claim["by_task"]):
        return "–"
    same = sum(not each["flips"] and not each["leans"] for each in beside)
    parts = [f"agrees in {same} of {len(beside)}"]
    flips = [each["name"] for each in beside if each["flips"]]
    leans = [each["name"] for each in beside if each["leans"] and not each["flips"]]
    parts += [f"flips on a task: {', '.join(flips)}"] if flips else []
    parts += [f"other side on a task: {', '.join(leans)}"] if leans else []
    return "; ".join(parts)


def _seconds(results: Results, claims: list[dict[str, Any]]) -> dict[str, str]:
    """By claim, the time of an update of its first cell as a multiple of its second's."""
    table, found = read_csv(results.claims / "measured_seconds.csv"), {}
    pairs = {claim["id"]: claim["cells"] for claim in claims}
    for claim, rows in table.groupby("claim", sort=False):
        wide = rows.pivot_table(
            index=["task", "T", "width"], columns="cell", values="seconds_per_update"
        ).dropna()
        first, second = pairs[claim]
        if {first, second} <= set(wide.columns) and len(wide):
            ratio = wide[first] / wide[second]
            found[str(claim)] = (
                f"An update of {first} takes × {ratio.min():.2g} to {ratio.max():.2g} the time of "
                f"one of {second}, backend {', '.join(sorted(set(rows.backend)))}."
            )
    return found
