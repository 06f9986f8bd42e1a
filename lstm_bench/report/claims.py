"""The lecture sentence by sentence, from the stored verdicts: the first page and its sections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from lstm_bench.experiments.run import read_csv
from lstm_bench.report.tables import html_table
from lstm_bench.store.checksums import read_checked_json
from lstm_bench.store.paths import Results

ORDER = ("supported", "refuted", "undecided")
SIDES = {
    "same": "",
    "level": "no difference",
    "beyond": "other side",
    "beyond, clearly": "flips",
    "": "–",
}


def first_page(results: Results, sections: Mapping[str, object]) -> dict[str, object]:
    """Sentences with their claims, the tally and the size of the family. Raises DamagedFile.

    sections   the experiments of the page by name: a sentence holds those its claims rest on
    """
    stored = read_checked_json(results.claims / "verdicts.json")
    seconds = _seconds(results, stored["claims"])
    claims = [_shown(claim, seconds.get(claim["id"], "")) for claim in stored["claims"]]
    counts = {verdict: sum(c["verdict"] == verdict for c in claims) for verdict in ORDER}
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    total = f"{len(claims)} claim{'' if len(claims) == 1 else 's'}"
    sentences: dict[str, dict[str, Any]] = {}
    placed: set[str] = set()
    for claim in claims:
        own = sentences.setdefault(claim["quote"], {"claims": [], "experiments": []})
        own["claims"].append(claim)
        name = claim["experiment"]
        if name in sections and name not in placed:
            placed.add(name)
            own["experiments"].append(sections[name])
    return {
        "sentences": [{"quote": quote, **own} for quote, own in sentences.items()],
        "further": [section for name, section in sections.items() if name not in placed],
        "tally": f"{total}: {told}.",
        "family": stored["family"],
    }


def _shown(claim: dict[str, Any], seconds: str) -> dict[str, Any]:
    """The verdict as a badge, and the sentence without the word that the badge says."""
    word, _, rest = claim["answer"].partition(": ")
    rest = rest[:1].upper() + rest[1:]
    beside = [_row(each) for each in claim["beside"]]
    return {
        **claim,
        "badge": word,
        "told": rest,
        "seconds": seconds,
        "holds": _holds(claim),
        "beside_table": html_table(pd.DataFrame(beside)) if beside else "",
    }


def _row(beside: dict[str, Any]) -> dict[str, object]:
    effect, _, interval = beside["shown"].rpartition(" [")
    return {
        "beside it": beside["name"],
        "effect": effect or beside["shown"].removesuffix(" no interval"),
        "95 % interval": f"[{interval}" if effect else "–",
        "n": beside["n"],
        "against the verdict": SIDES[beside["side"]],
    }


def _holds(claim: dict[str, Any]) -> str:
    """`as it stands for 4 of 6; flips for ...`: what stands beside the verdict, in a few words."""
    beside = claim["beside"]
    if not beside:
        return "not trained here" if claim["not_trained"] and claim["figure"] else "–"
    same = sum(each["side"] == "same" for each in beside)
    parts = [f"same side in {same} of {len(beside)}"]
    for side in ("beyond, clearly", "beyond", "level"):
        names = [each["name"] for each in beside if each["side"] == side]
        if names:
            parts.append(f"{SIDES[side]}: {', '.join(names)}")
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
