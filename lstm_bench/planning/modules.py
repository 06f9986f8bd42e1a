"""Cells of a config that are modules of torch, named by a reference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from lstm_bench import cells, experiments
from lstm_bench.cells import SequenceCell
from lstm_bench.cells.modules import Module
from lstm_bench.check import failures
from lstm_bench.errors import BenchError
from lstm_bench.references import Reference, is_reference
from lstm_bench.sweep import Choice, Sweep

KEY = "module"
SOME_LENGTH = 100  # what an option that is `T` is checked with


def with_modules(config: Mapping[str, Any]) -> dict[str, Any]:
    """The config with every `module` as a cell of that name, and its file among the plugins.

    Raises BenchError for an entry that names both, and for text that is no reference.
    """
    entries = config.get("cells")
    if not isinstance(entries, list):
        return dict(config)
    plugins = config.get("plugins", [])
    files = list(plugins) if isinstance(plugins, list) else plugins
    made = []
    for entry in entries:
        if not (text := reference_of(entry)):
            made.append(entry)
            continue
        rest = dict(entry) if isinstance(entry, dict) else {}
        if KEY in rest and "cell" in rest:
            raise BenchError(f"cells: {entry!r} is not allowed; it names a cell and a module.")
        rest.pop(KEY, None)
        reference = Reference.parse(text)
        if reference.file is not None and isinstance(files, list) and reference.module not in files:
            files.append(reference.module)
        made.append({**rest, "cell": reference.name})
    return {**config, "cells": made, **({"plugins": files} if files else {})}


def reference_of(entry: Any) -> str:
    """The reference that an entry of `cells` names, or nothing."""
    if isinstance(entry, Mapping):
        entry = entry.get(KEY, entry.get("cell"))
    return entry if is_reference(entry) else ""


def made(choice: Choice) -> cells.Cell:
    """The cell of a choice, at some length."""
    return cells.create(choice.name, choice.at(SOME_LENGTH))


def layers(sweep: Sweep) -> list[Choice]:
    """Those of its cells that read whole sequences and have no single step."""
    return [c for c in sweep.cells if is_reference(c.name) and isinstance(made(c), SequenceCell)]


def faults(sweep: Sweep) -> dict[str, list[str]]:
    """By the label of a module, the promises it does not keep: it is trained all the same."""
    found = {
        choice.shown: [each.fault for each in failures(choice.name, choice.at(SOME_LENGTH))]
        for choice in sweep.cells
        if is_reference(choice.name)
    }
    return {label: sentences for label, sentences in found.items() if sentences}


def taken(sweep: Sweep) -> Iterator[str]:
    """How each module is called, a sentence each."""
    for choice in sweep.cells:
        if is_reference(choice.name):
            module = made(choice)
            assert isinstance(module, Module)
            yield f"{choice.shown} is taken as {module.call}; shape, returns and axes overrule it."


def stepping(
    experiment: type[experiments.Experiment], sweep: Sweep, layers: Sequence[Choice]
) -> Sweep:
    """What an experiment sees of a sweep: one that goes step by step sees no layers."""
    if not experiment.steps:
        return sweep
    left = tuple(cell for cell in sweep.cells if cell not in layers)
    if not left:
        raise BenchError(
            f"experiments: {experiment.name!r} goes step by step, and "
            f"{', '.join(cell.shown for cell in layers)} read whole sequences; add another cell."
        )
    return replace(sweep, cells=left)


def without_layers(
    asked: Iterable[str],
    known: Mapping[str, type[experiments.Experiment]],
    layers: Sequence[Choice],
) -> Iterator[str]:
    by_step = [name for name in asked if known[name].steps]
    if layers and by_step:
        yield (
            f"{', '.join(by_step)} leave out {', '.join(cell.shown for cell in layers)}: they "
            "go step by step, and a layer reads whole sequences."
        )
