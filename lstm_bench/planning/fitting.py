"""What a section of the config chooses among the cells and tasks of the sweep.

A name that the sweep lacks is an error where the user named it. One that is a default, of the
experiment or of a config file below the user's own, is left out: who narrows `cells` has not asked
for it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from lstm_bench import experiments
from lstm_bench.sweep import Choice


def fitting(
    name: str,
    section: Mapping[str, Any],
    inherited: Collection[str],
    tasks: Sequence[Choice],
    cells: Sequence[Choice],
) -> dict[str, Any]:
    """The section without the names that are defaults and not in the sweep."""
    defaults = experiments.registry()[name].defaults
    known = {"cells": [c.shown for c in cells], "tasks": [t.shown for t in tasks]}
    found = dict(section)
    for key in (key for key in _KEPT if key in section):
        if f"{name}.{key}" in inherited or section[key] == defaults.get(key):
            found[key] = _KEPT[key](section[key], known)
        if key == "cells" and found[key]:
            known["cells"] = found[key]  # what the other keys choose among
    return found


def _cells(chosen: Any, known: Mapping[str, list[str]]) -> Any:
    """Those that are there; every cell where none is, or none was named."""
    return [label for label in chosen or () if label in known["cells"]] or None


def _one(kind: str, otherwise: int | None) -> Callable[[Any, Mapping[str, list[str]]], Any]:
    """The name itself, or the first of the sweep, or None to leave the choice open."""

    def kept(chosen: Any, known: Mapping[str, list[str]]) -> Any:
        if chosen in known[kind]:
            return chosen
        return None if otherwise is None else known[kind][otherwise]

    return kept


def _pace(chosen: Any, known: Mapping[str, list[str]]) -> Any:
    """The time of an update by cell; open where a cell of the sweep has none."""
    if not chosen or set(known["cells"]) - set(chosen):
        return None
    return {label: pace for label, pace in chosen.items() if label in known["cells"]}


def _pairs(chosen: Any, known: Mapping[str, list[str]]) -> Any:
    return [p for p in chosen if p["task"] in known["tasks"] and p["cell"] in known["cells"]]


_KEPT: dict[str, Callable[[Any, Mapping[str, list[str]]], Any]] = {
    "cells": _cells,
    "reference": _one("cells", None),
    "pace": _pace,
    "cell": _one("cells", 0),
    "task": _one("tasks", 0),
    "pairs": _pairs,
}
