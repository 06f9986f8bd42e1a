"""The first page: the lecture sentence by sentence, from the stored verdicts."""

from __future__ import annotations

from typing import Any

from lstm_bench.experiments.run import read_csv
from lstm_bench.store.paths import Results
from lstm_bench.store.seals import read_sealed_json

ORDER = ("supported", "refuted", "undecided")


def first_page(results: Results) -> dict[str, Any]:
    """Claims, their tally and the size of the family. Raises DamagedFile."""
    stored = read_sealed_json(results.claims / "verdicts.json")
    seconds = _seconds(results, stored["claims"])
    claims = [_shown(claim, seconds.get(claim["id"], "")) for claim in stored["claims"]]
    counts = {verdict: sum(c["verdict"] == verdict for c in claims) for verdict in ORDER}
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    total = f"{len(claims)} claim{'' if len(claims) == 1 else 's'}"
    return {"claims": claims, "tally": f"{total}: {told}.", "family": stored["family"]}


def _shown(claim: dict[str, Any], seconds: str) -> dict[str, Any]:
    """The verdict as a badge, and the sentence without the word that the badge says."""
    word, _, rest = claim["answer"].partition(": ")
    return {
        **claim,
        "badge": word,
        "told": rest[:1].upper() + rest[1:]
        if rest.startswith(("the ", "this ", "an ", "no "))
        else rest,
        "seconds": seconds,
    }


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
