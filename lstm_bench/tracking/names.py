"""What conditions are called: by cell, task and length, and by what sets them apart beyond that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import count

from lstm_bench.plotting.palette import PALETTE, cell_style
from lstm_bench.spec import Condition, canonical
from lstm_bench.tracking.known import Known, Pair
from lstm_bench.tracking.records import flat_params

# first what a reader thinks in; the first settings that set all apart are told
ORDER = (
    *("width", "truncate", "carry", "train_size", "train_distinct", "weight_decay"),
    *("curriculum", "gradient_decay", "stateful"),
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
    "curriculum": "after T = {}",
    "gradient_decay": "gradient set to {}",
    "stateful": "state handed on",
    "learning_rate": "lr {}",
    "updates": "{} updates",
    "optimiser": "{}",
}


def names(known: Known, runs: Iterable[Pair]) -> dict[Pair, str]:
    """The names of (condition, purpose) runs: `lstm, k = 5, reset, adding T20`; no two are alike.

    What sets a run apart comes first: MLflow cuts the end off.
    """
    shown = {}
    for (cell, task, T, _), group in _groups(known, runs).items():
        told = _apart({id: flat_params(known.conditions[id].spec.to_json()) for id, _ in group})
        shared = Counter(told.values())
        for run in group:
            words = told[run[0]]
            alike = shared[words] > 1  # the hash decides
            name = f"{cell}{words}{',' if words else ''} {task} T{T}"
            shown[run] = name + (f" {run[0].rsplit('-', 1)[-1]}" if alike else "")
    return shown


def colours(known: Known, runs: Iterable[Pair]) -> dict[Pair, str]:
    """The cell's colour for the first run of each cell, task and length.

    The others have other colours, as different as can be from those of the same experiment.
    """
    found = {}
    for (cell, *_), group in _groups(known, runs).items():
        own = PALETTE.index(cell_style(cell, known.cells)["color"])
        places: dict[str, Iterator[int]] = {}
        for run in group:
            asks = (ask.experiment for ask in known.asks if run[0] in ask.labels)
            mine = places.setdefault(next(asks, ""), count(1))
            place = 0 if run is group[0] else next(mine)
            found[run] = PALETTE[(own + place) % len(PALETTE)]
    return found


def _groups(known: Known, runs: Iterable[Pair]) -> dict[tuple[str, str, int, str], list[Pair]]:
    """The runs of each cell, task and length, of one purpose."""
    found: dict[tuple[str, str, int, str], list[Pair]] = {}
    for id, purpose in runs:
        task, cell = known.labels[id]
        group = cell, task, known.conditions[id].spec.T, purpose
        found.setdefault(group, []).append((id, purpose))
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
