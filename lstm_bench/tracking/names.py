"""What conditions are called: by cell, task and length, and by what sets them apart beyond that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from lstm_bench.plotting.panels import PALETTE, cell_style
from lstm_bench.spec import Condition, canonical
from lstm_bench.tracking.known import Known, Pair
from lstm_bench.tracking.records import flat_params

# first what a reader thinks in; the first settings that set all apart are told
ORDER = (
    *("width", "truncate", "carry", "train_size", "train_distinct", "weight_decay"),
    *("learning_rate", "updates", "batch", "optimiser", "clip", "clip_at"),
)
USUAL = flat_params(Condition("", 0, "").to_json())
ALWAYS = ("width", "learning_rate")  # told of every condition, the others where not as usual
WORDS = {
    "truncate": "k = {}",
    "carry": "reset",
    "recompute": "recomputed",
    "train_size": "{} sequences",
    "train_distinct": "{} different",
    "weight_decay": "decay {}",
    "learning_rate": "lr {}",
    "updates": "{} updates",
    "optimiser": "{}",
}


def names(known: Known, runs: Iterable[Pair]) -> dict[Pair, str]:
    """The names of (condition, purpose) runs: `lstm adding T20, k = 5, reset`; no two are alike."""
    shown = {}
    for (plain, _), group in _groups(known, runs).items():
        told = _apart({id: flat_params(known.conditions[id]["spec"]) for id, _ in group})
        count = Counter(told.values())
        for run in group:
            words = told[run[0]]
            alike = count[words] > 1  # the hash decides
            shown[run] = f"{plain}{words}" + (f" {run[0].rsplit('-', 1)[-1]}" if alike else "")
    return shown


def colours(known: Known, runs: Iterable[Pair]) -> dict[Pair, str]:
    """The cell's colour for the first run of each cell, task and length, others for the rest."""
    found = {}
    for group in _groups(known, runs).values():
        own = PALETTE.index(cell_style(known.labels[group[0][0]][1], known.cells)["color"])
        for place, run in enumerate(group):
            found[run] = PALETTE[(own + place) % len(PALETTE)]
    return found


def _groups(known: Known, runs: Iterable[Pair]) -> dict[tuple[str, str], list[Pair]]:
    """The runs of a cell, a task and a length, by the name they share and their purpose."""
    found: dict[tuple[str, str], list[Pair]] = {}
    for id, purpose in runs:
        task, cell = known.labels[id]
        plain = f"{cell} {task} T{known.conditions[id]['spec']['T']}"
        found.setdefault((plain, purpose), []).append((id, purpose))
    return found


def _apart(settings: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """For each condition the settings that set it apart from the others, in words."""
    keys = [*ORDER, *sorted({key for flat in settings.values() for key in flat} - {*ORDER})]
    seen = dict.fromkeys(settings, "")
    told = dict.fromkeys(settings, "")
    for key in keys:
        values = {id: flat.get(key, USUAL.get(key, "")) for id, flat in settings.items()}
        finer = {id: seen[id] + canonical([values[id]]) for id in settings}
        if len(set(finer.values())) > len(set(seen.values())):
            seen = finer
            for id, value in values.items():
                if key in ALWAYS or value != USUAL.get(key, ""):
                    told[id] += f", {_words(key, value)}"
    return told


def _words(key: str, value: str) -> str:
    text = value.removesuffix(".0")
    return WORDS[key].format(text) if key in WORDS else f"{key} {text}"
