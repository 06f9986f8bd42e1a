"""What the catalogue says of itself: the text of its entries by name."""

from __future__ import annotations

import inspect
from typing import Any

from lstm_bench import cells, experiments, published, tasks
from lstm_bench.catalogue import cell_page, task_page
from lstm_bench.catalogue.docstrings import drawn, first_line, text
from lstm_bench.errors import unknown
from lstm_bench.experiments.settings import section_text, settings_of
from lstm_bench.references import is_reference

__all__ = ["catalogue", "cell_text", "first_line", "page"]


def catalogue() -> dict[str, dict[str, Any]]:
    """Every class by kind and name."""
    return {
        "tasks": tasks.known(),
        "cells": cells.registry(),
        "experiments": experiments.registry(),
        "tables": published.registry(),
    }


def cell_text(name: str) -> dict[str, str]:
    """What the report says of a cell."""
    cls = cells.named(name)
    if is_reference(name):  # its docstring may draw anything
        return {"about": first_line(cls), "equations": f"module {name}", "citation": ""}
    return {"about": first_line(cls), "equations": drawn(cls), "citation": cls.citation}


def page(name: str) -> str:
    """All there is to say of an entry. Raises BenchError for an unknown name."""
    if is_reference(name):
        return _page("cells", name, cells.named(name))
    found = [(kind, names[name]) for kind, names in catalogue().items() if name in names]
    if not found:
        raise unknown("name", name, [n for names in catalogue().values() for n in names])
    return "\n\n\n".join(_page(kind, name, cls) for kind, cls in found)


def _page(kind: str, name: str, cls: Any) -> str:
    head = [f"{name} ({kind[:-1]})", "", text(cls), ""]
    if kind == "experiments":
        settings = type(cls.settings)
        said = ["", section_text(name, settings)] if settings_of(settings) else []
        return "\n".join([*head, *said])
    if kind == "tables":
        arms = (f"arm       {arm.label} ({arm.condition.id})" for arm in cls().arms())
        known = [f"citation  {cls.citation}", f"setting   {cls.setting}", *arms]
        return "\n".join([*head, *known, *(f"deviates  {told}" for told in cls.deviations)])
    lines = (task_page if kind == "tasks" else cell_page).lines(cls)
    return "\n".join([*head, *lines, f"citation   {cls.citation}", f"source     {_source(cls)}"])


def _source(cls: type) -> str:
    """The module of a class of the suite, the file of a plugin's, the reference of a module."""
    if hasattr(cls, "reference"):
        return str(cls.reference)
    inside = cls.__module__.startswith("lstm_bench.")
    return cls.__module__ if inside else str(inspect.getsourcefile(cls))
