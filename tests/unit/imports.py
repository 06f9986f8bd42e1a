"""Reading the imports of the package, lazy ones included, and the rules they obey."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "lstm_bench"
ROOT = Path(__file__).parents[2] / PACKAGE

# From the bottom to the top: a room may import itself and the rooms below, not those beside it.
FLOORS: list[set[str]] = [
    {"errors", "typed"},
    {"spec", "environment"},
    {"sweep", "registry", "references", "stats", "data"},
    {"tasks"},
    {"store"},
    {"cells"},
    {"engine"},
    {"training"},
    {"jobs", "check"},
    {"speed"},
    {"probes"},
    {"plotting"},
    {"experiments"},
    {"published", "claims"},
    {"catalogue"},
    {"report", "tracking", "planning"},
    {"stages"},
    {"cli"},
    {"__main__"},
]
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}

# Who may import what, anywhere in the file; all other rooms may not.
RESERVED: dict[str, set[str]] = {
    "torch": {"cells", "engine", "training", "check", "speed", "probes"},
    "mlflow": {"tracking"},
    "matplotlib": {"plotting", "report"},
    "seaborn": {"plotting"},
    "snakemake": set(),
    "statsmodels": {"experiments"},
}
# Rooms that may import these third-party packages and no other.
ONLY: dict[str, set[str]] = {
    "errors": set(),
    "typed": set(),
    "spec": set(),
    "sweep": set(),
    "references": set(),
    "registry": set(),
    "data": {"numpy", "pandas"},
    "tasks": {"numpy"},
    "cells": {"numpy", "torch"},
}


@dataclass(frozen=True)
class Import:
    """One imported module, in full, and where."""

    module: str
    line: int

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]

    @property
    def room(self) -> str | None:
        """The room of the package it names; "" for the package itself, None for anything else."""
        parts = self.module.split(".")
        if parts[0] != PACKAGE:
            return None
        return parts[1] if len(parts) > 1 else ""


def imports_of(source: str, module: str, is_package: bool = False) -> Iterator[Import]:
    """Every import statement of a module, at whatever depth, and `import_module("…")`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, module, is_package)
            if base == PACKAGE:
                yield from (Import(f"{base}.{alias.name}", node.lineno) for alias in node.names)
            else:
                yield Import(base, node.lineno)
        elif isinstance(node, ast.Call) and node.args and _name(node.func) in DYNAMIC:
            text = _leading_text(node.args[0])
            if text:
                yield Import(text.strip("."), node.lineno)


DYNAMIC = {"import_module", "__import__"}


def _name(function: ast.expr) -> str:
    return getattr(function, "attr", getattr(function, "id", ""))


def _leading_text(argument: ast.expr) -> str:
    """A literal, or the part of an f-string before its first hole."""
    if isinstance(argument, ast.JoinedStr) and argument.values:
        argument = argument.values[0]
    return str(argument.value) if isinstance(argument, ast.Constant) else ""


def _base(node: ast.ImportFrom, module: str, is_package: bool) -> str:
    if not node.level:
        return node.module or ""
    parts = module.split(".")
    parts = parts[: len(parts) - node.level + is_package]
    return ".".join([*parts, node.module] if node.module else parts)


def room_of(module: str) -> str:
    return module.partition(".")[2].partition(".")[0]


def violations(sources: Mapping[str, str]) -> list[str]:
    """A sentence for every import that breaks a rule; `sources` by module, packages with .__init__.

    The package's own __init__ is exempt: it exposes `train` when it is asked for it.
    """
    found = []
    for module, source in sources.items():
        is_package = module.endswith(".__init__")
        module = module.removesuffix(".__init__")
        room = room_of(module)
        if not room:
            continue
        if room not in LEVEL:
            found.append(f"{module}: room {room!r} has no place in the order of rooms")
            continue
        for item in imports_of(source, module, is_package):
            found += [f"{module}:{item.line} {why}" for why in _judge(room, item)]
    return found


def _judge(room: str, item: Import) -> Iterator[str]:
    if item.room is None:
        if item.top in RESERVED and room not in RESERVED[item.top]:
            yield f"imports {item.top}, which room {room!r} may not"
        third_party = item.top not in sys.stdlib_module_names
        if third_party and room in ONLY and item.top not in ONLY[room]:
            yield f"imports {item.top}; room {room!r} may use {sorted(ONLY[room])} only"
    elif item.room and not item.room.startswith("__") and item.room != room:
        if item.room not in LEVEL:
            yield f"imports {item.module}, a room without a place in the order"
        elif LEVEL[item.room] >= LEVEL[room]:
            yield f"imports {item.module}, which does not lie below room {room!r}"


def package_sources() -> dict[str, str]:
    """The text of every module of the package by its dotted name."""
    found = {}
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT.parent).with_suffix("").parts
        found[".".join(parts)] = path.read_text()
    return found
