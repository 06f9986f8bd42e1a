"""The lecture sentence by sentence, from the stored verdicts: the first page and its sections."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from lstm_bench.experiments.run import read_csv
from lstm_bench.experiments.words import effect, effect_interval
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
    counts = Counter(claim["verdict"] for claim in claims)
    tally = ", ".join(f"{counts[verdict]} {verdict}" for verdict in ORDER if counts[verdict])
    further, sentences = dict(sections), []
    for quote in dict.fromkeys(claim["quote"] for claim in claims):
        own = [claim for claim in claims if claim["quote"] == quote]
        names = dict.fromkeys(claim["experiment"] for claim in own)
        experiments = [further.pop(name) for name in names if name in further]
        sentences.append({"quote": quote, "claims": own, "experiments": experiments})
    return {
        "sentences": sentences,
        "further": list(further.values()),
        "tally": f"{len(claims)} claim{'' if len(claims) == 1 else 's'}: {tally}.",
        "family": stored["family"],
    }


def _shown(claim: dict[str, Any], seconds: str) -> dict[str, Any]:
    """The verdict as a badge, and the sentence without the word that the badge says."""
    word, _, rest = claim["answer"].partition(": ")
    beside = [
        {
            "beside it": each["name"],
            "effect": effect(each["effect"], claim["ratio"]),
            "95 % interval": "–"
            if each["low"] is None
            else effect_interval((each["low"], each["high"]), claim["ratio"]),
            "n": each["n"],
            "against the verdict": SIDES[each["side"]],
        }
        for each in claim["beside"]
    ]
    return {
        **claim,
        "badge": word,
        "told": rest[:1].upper() + rest[1:],
        "seconds": seconds,
        "holds": _holds(claim),
        "beside_table": html_table(pd.DataFrame(beside)) if beside else "",
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
