"""What the catalogue says of itself: the text of tasks, cells and experiments by name."""

from __future__ import annotations

import inspect
from typing import Any

from lstm_bench import cells, experiments, tables, tasks
from lstm_bench.errors import unknown


def catalogue() -> dict[str, dict[str, Any]]:
    """Every class by kind and name."""
    return {
        "tasks": tasks.registry(),
        "cells": cells.registry(),
        "experiments": experiments.registry(),
        "tables": tables.registry(),
    }


def first_line(cls: type) -> str:
    return inspect.cleandoc(cls.__doc__ or "").splitlines()[0]


def cell_text(name: str) -> dict[str, str]:
    """What the report says of a cell."""
    cls = cells.registry()[name]
    return {
        "about": first_line(cls),
        "equations": _equations(cls),
        "citation": cls.citation,
    }


def _equations(cls: type) -> str:
    """The indented lines of a docstring, dedented: its equations or its example."""
    lines = inspect.cleandoc(cls.__doc__ or "").splitlines()
    return inspect.cleandoc("\n".join(line for line in lines if line.startswith("    ")))


def page(name: str) -> str:
    """All there is to say of a task, cell or experiment. Raises BenchError for an unknown name."""
    found = {n: (kind, cls) for kind, names in catalogue().items() for n, cls in names.items()}
    if name not in found:
        raise unknown("name", name, found)
    kind, cls = found[name]
    parts = [f"{name} ({kind[:-1]})", "", inspect.cleandoc(cls.__doc__ or ""), ""]
    if kind == "experiments":
        return "\n".join([*parts, f"question  {cls.question}", f"method    {cls.method}"])
    if kind == "tables":
        arms = (f"arm       {arm.label} ({arm.condition.id})" for arm in cls().arms())
        known = [f"citation  {cls.citation}", f"setting   {cls.setting}", *arms]
        return "\n".join([*parts, *known, *(f"deviates  {told}" for told in cls.deviations)])
    if cls.formula:
        parts.append(f"formula   {cls.formula}")
    if kind == "tasks":
        task = cls()
        T = max(20, task.shortest)
        parts += [
            f"sizes     {task.inputs} inputs, {task.outputs} outputs, T >= {task.shortest}",
            f"floor     {task.floor(T):.6g} at T={T} ({task.loss}); ceiling {task.ceiling(T):g}",
            f"solved    {task.score_name} >= {task.solved_score:g}",
        ]
        parts += [f"preset    {name}: {dict(options)}" for name, options in cls.presets.items()]
    else:
        cell = cls()
        count = cell.parameters(2, 32, 1)
        parts.append(f"size      {count} parameters at 2 inputs, width 32, 1 output")
    for option in inspect.signature(cls).parameters.values():
        parts.append(f"option    {option.name} = {option.default!r}")
    parts.append(f"citation  {cls.citation}")
    parts.append(f"source    {inspect.getsourcefile(cls)}")
    return "\n".join(parts)
