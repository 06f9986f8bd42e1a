"""What conditions are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from lstm_bench.store.plans import Plan


@dataclass(frozen=True)
class Names:
    """What conditions are called: `lstm adding T100`, with the learning rate where that is two."""

    labels: Mapping[str, tuple[str, str]]
    shown: Mapping[str, str]

    @classmethod
    def of(cls, plan: Plan) -> Names:
        labels: dict[str, tuple[str, str]] = {}
        for name in [*plan.asked, *plan.experiments]:
            for member in plan.experiments[name]["members"]:
                labels.setdefault(member["condition"], (member["task"], member["cell"]))
        specs = {id: plan.conditions[id]["spec"] for id in labels}
        plain = {id: f"{cell} {task} T{specs[id]['T']}" for id, (task, cell) in labels.items()}
        rated = {
            id: f"{plain[id]} lr {spec['training']['learning_rate']:g}"
            for id, spec in specs.items()
        }
        hashed = {id: f"{plain[id]} {id.rsplit('-', 1)[-1]}" for id in specs}
        return cls(labels, _first_unique(plain, rated, hashed))


def _first_unique(*choices: Mapping[str, str]) -> dict[str, str]:
    """For every id the first of its names that no other id has."""
    counts = [Counter(names.values()) for names in choices]
    return {
        id: next(
            (names[id] for names, count in zip(choices, counts) if count[names[id]] == 1),
            choices[-1][id],
        )
        for id in choices[0]
    }
