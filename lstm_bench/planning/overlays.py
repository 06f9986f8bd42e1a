"""A config and its overlays: merged as Snakemake does, and who set what.

A layer is a file (config.yaml first, then each overlay) or the command line's `--config`. What an
earlier layer says of cells is a default to a later one that chooses other cells: names of it that
the sweep lacks are left out. What a layer names beside its own `cells` is meant, and checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lstm_bench.errors import BenchError
from lstm_bench.store.yamls import read_config

Layer = tuple[str, Mapping[str, object]]  # its name for people, and what it says

EITHER = ("cells", "tasks")
# what the keys of sections depend on that are known to depend on one of them alone
CHOOSERS = {
    "cells": ("cells",),
    "reference": ("cells",),
    "pace": ("cells",),
    "cell": ("cells",),
    "task": ("tasks",),
    "length": ("tasks",),
}
DECISIVE = ("cells", "tasks", "lengths", "width", "network")  # for what an experiment can do
FILES = ("learning_rates", "plugins", "claims")  # keys of the config that name files
NAMED = 12  # keys that a sentence lists before it counts


def read_layers(
    paths: Iterable[str | Path], given: Mapping[str, object] | None = None
) -> list[Layer]:
    """The layers of these files and of `--config`, the first one first. Raises BenchError."""
    found: list[Layer] = []
    for path in paths:
        if not Path(path).exists():
            raise BenchError(
                f"{path} is not there; run this where config.yaml and the Snakefile are."
            )
        found.append((_shown(path), read_config(Path(path))))
    return [*found, ("--config", without_null_text(given))] if given else found


def without_null_text(value: Any) -> Any:
    """`null` of the command line, which Snakemake hands over as text, as what it says."""
    if isinstance(value, Mapping):
        return {key: without_null_text(each) for key, each in value.items()}
    if isinstance(value, list):
        return [without_null_text(each) for each in value]
    return None if value in ("null", "~") else value


def _shown(path: str | Path) -> str:
    """The path as a person would give it: Snakemake makes those of overlays absolute."""
    here = Path.cwd()
    return str(Path(path).relative_to(here) if Path(path).is_relative_to(here) else path)


def merged(layers: Iterable[Layer]) -> dict[str, Any]:
    """Mappings key by key, all else whole, the later layer over the earlier."""
    found: dict[str, Any] = {}
    for _, values in layers:
        _update(found, values)
    return found


def _update(onto: dict[str, Any], given: Mapping[str, Any]) -> None:
    for key, value in given.items():
        if isinstance(value, dict) and isinstance(onto.get(key), dict):
            _update(onto[key], value)
        else:
            onto[key] = _update_of(value)


def _update_of(value: Any) -> Any:
    """A copy of its own, so that no layer changes when another is laid over it."""
    return {k: _update_of(v) for k, v in value.items()} if isinstance(value, dict) else value


def beside(config: Mapping[str, Any], folder: str | Path) -> dict[str, Any]:
    """The config with the files it names taken from this folder, the workflow's, if not here."""

    def found(value: Any) -> Any:
        if isinstance(value, list):
            return [found(each) for each in value]
        if isinstance(value, str) and not Path(value).is_file():
            there = Path(folder) / value
            return str(there) if there.is_file() else value
        return value

    return {key: found(value) if key in FILES else value for key, value in config.items()}


def inherited(layers: Sequence[Layer]) -> list[str]:
    """`key` or `section.key` of what was said before a later layer chose other cells or tasks.

    `experiments.NAME` is an experiment that was asked for before, and whose section no later layer
    touches.
    """
    last: dict[str, int] = {}
    depends: dict[str, tuple[str, ...]] = {"lengths": ("tasks",)}
    for i, (_, values) in enumerate(layers):
        for section, under in values.items():
            last[section] = i
            for key in under if isinstance(under, dict) else ():
                last[f"{section}.{key}"] = i
                own_tasks = (f"{section}.tasks",) if key == "lengths" else EITHER
                depends[f"{section}.{key}"] = CHOOSERS.get(key, own_tasks)
    found = [name for name in depends if _is_later(depends[name], name, last)]
    asked = merged(layers).get("experiments") or ()
    if _is_later(DECISIVE, "experiments", last):
        here = last["experiments"]
        found += [f"experiments.{name}" for name in asked if last.get(str(name), -1) <= here]
    return sorted(found)


def _is_later(keys: Iterable[str], than: str, last: Mapping[str, int]) -> bool:
    return than in last and any(last.get(key, -1) > last[than] for key in keys)


def overridden(layers: Sequence[Layer]) -> Iterator[str]:
    """A sentence for each overlay that changes what config.yaml says."""
    if not layers:
        return
    base = _leaves(layers[0][1])
    for name, values in layers[1:]:
        changed = [key for key, value in _leaves(values).items() if base.get(key, value) != value]
        if changed:
            more = f" and {len(changed) - NAMED} more" if len(changed) > NAMED else ""
            yield f"{layers[0][0]} is overridden by {name} in {', '.join(changed[:NAMED])}{more}."


def _leaves(values: Mapping[str, object]) -> dict[str, object]:
    """`training.updates: 300`; what stands at the top, and then the keys of sections."""
    top = {key: value for key, value in values.items() if not isinstance(value, dict)}
    nested = {
        f"{section}.{key}": value
        for section, under in values.items()
        if isinstance(under, dict)
        for key, value in under.items()
    }
    return {**top, **nested}
