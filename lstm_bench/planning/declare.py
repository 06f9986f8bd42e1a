"""What verdicts rest on, as a digest, and the first seed that follows from it.

A run on these seeds cannot precede the digest: whoever changes a claim, a rate or a length after
seeing results gets other seeds, or verdicts that are called exploratory.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from lstm_bench.claims import LECTURE
from lstm_bench.spec import DEVELOPMENT_SEEDS, Condition, canonical, digest
from lstm_bench.store.declarations import DECLARATIONS, declarations
from lstm_bench.store.planned import (
    PlannedClaim,
    PlannedDeclaration,
    PlannedExperiment,
    PlannedLadder,
)
from lstm_bench.sweep import Sweep

PROSE = ("quote", "statement", "caveats", "order", "measured", "told")
DECIDE_NOTHING = (*PROSE, "beside", "variants")
SPAN = 980_000  # with 10,000 below it, and room for 10,000 seeds before those of tuning
GRAIN = 100  # so that two declarations of up to so many seeds share all of them or none
# of a `Choice` or a claim, added after the first declarations: left out at its default, it changes
# no digest
ADDED_LATER: Mapping[str, object] = {
    **{"midpoints": 0, "between": [], "training": {}},
    "family": LECTURE,
}
_BLOCK = re.compile(r"seeds-(\d+)-(\d+)")


def declaration(
    claims: Mapping[str, PlannedClaim],
    experiments: Mapping[str, PlannedExperiment],
    conditions: Mapping[str, Condition],
    ladders: Mapping[str, PlannedLadder],
    sweep: Sweep,
) -> PlannedDeclaration:
    """The digest of a sweep, its seed, its line in the file, and why it is none."""
    judged = {name: claim for name, claim in claims.items() if not claim.not_judged}
    read = sorted({claim.declared["experiment"] for claim in judged.values()})
    content = {
        "family": _families(claims),
        "claims": {name: _decisive(claim) for name, claim in judged.items()},
        "experiments": {name: _drawn_from(experiments[name], conditions) for name in read},
        "ladders": sorted(_climbed(each) for each in ladders.values()),
        "replicates": sweep.replicates,
        "seed_block": sweep.seed_block,
    }
    found = digest(_without_seeds(json.loads(canonical(content)), sweep.first_seed), 16)
    seed = first_seed(found)
    lines = [each for each in declarations() if each.digest == found]
    reasons = []
    if sweep.first_seed != seed:
        reasons.append(_other_seed(sweep.first_seed, seed, found))
    if not lines:
        reasons.append(f"{DECLARATIONS.as_posix()} has no line for {found}")
    number, date = (lines[0].number, lines[0].date) if lines else (0, "")
    return PlannedDeclaration(found, seed, number, date, "; ".join(reasons))


def first_seed(digest: str) -> int:
    """The first seed of a digest: from 10,000 to 989,900."""
    drawn = DEVELOPMENT_SEEDS + int(digest, 16) % SPAN
    return drawn // GRAIN * GRAIN


def _other_seed(given: int, seed: int, found: str) -> str:
    """Whose seeds these are, if they are a declaration's."""
    of = [str(each.number) for each in declarations() if each.first_seed == given]
    if of:
        return (
            f"its seeds are those of declaration {', '.join(of)}, and what verdicts rest on was "
            f"changed since ({found}, whose first seed is {seed})"
        )
    return f"first_seed is {given}, and that of {found} is {seed}"


def _families(claims: Mapping[str, PlannedClaim]) -> list[str]:
    """The claims that share an alpha with one that is judged: those that are not count, too."""
    judged = {_family(claim) for claim in claims.values() if not claim.not_judged}
    names = {name: _family(claim) for name, claim in claims.items() if _family(claim) in judged}
    return sorted(
        name if family == LECTURE else f"{family}: {name}" for name, family in names.items()
    )


def _family(claim: PlannedClaim) -> str:
    return str(claim.declared["family"])


def _decisive(claim: PlannedClaim) -> dict[str, Any]:
    """A claim without its prose, and without what stands beside it."""
    return {key: value for key, value in claim.declared.items() if key not in DECIDE_NOTHING}


def _drawn_from(entry: PlannedExperiment, conditions: Mapping[str, Condition]) -> dict[str, Any]:
    members = [
        {
            "task": member.task,
            "cell": member.cell,
            "factors": member.factors,
            "condition": conditions[member.condition].to_json(),
        }
        for member in entry.members
    ]
    probe = {key: value for key, value in entry.probe_settings.items() if key != "device"}
    return {
        "members": sorted(members, key=canonical),
        "blocks": entry.blocks,
        "settings": entry.settings,
        "probe": [entry.probe, probe],
    }


def _climbed(ladder: PlannedLadder) -> tuple[object, ...]:
    told = (ladder.task, ladder.cell, ladder.lengths)
    return (*told, ladder.midpoints) if ladder.midpoints else told


def _without_seeds(value: Any, first: int) -> Any:
    """Names of seed blocks, counted from the first seed of the sweep."""
    if isinstance(value, dict):
        kept = {k: v for k, v in value.items() if k not in ADDED_LATER or v != ADDED_LATER[k]}
        return {key: _without_seeds(each, first) for key, each in kept.items()}
    if isinstance(value, list):
        return [_without_seeds(each, first) for each in value]
    if isinstance(value, str) and (match := _BLOCK.fullmatch(value)):
        return f"seeds {int(match[1]) - first} to {int(match[2]) - first}"
    return value
