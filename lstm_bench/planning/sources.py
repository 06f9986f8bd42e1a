"""Which files of the package decide a result: a module with all that it imports, lazily or not."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Collection, Iterable, Iterator
from functools import cache
from pathlib import Path

from lstm_bench.registry import code_version, source_file

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.name
DATA = (".html", ".css", ".js", ".yaml")  # what a room reads beside its modules


def closure(*modules: str, without: Collection[str] = ()) -> set[Path]:
    """The files of these modules and of every module of the package they import, in turn.

    `without` names rooms that are left out, with what only they import.
    """
    found: set[Path] = set()
    open_ = [file for module in modules for file in _files(module)]
    while open_:
        file = open_.pop()
        if file not in found and file.relative_to(PACKAGE).parts[0] not in without:
            found.add(file)
            open_ += [each for module in _imports(file) for each in _files(module)]
    return found


def digest_of(files: Iterable[Path]) -> str:
    """Of these files of the package by name and content, with the data of rooms that hold some."""
    total = hashlib.sha256()
    files = set(files)
    rooms = {file.parent for file in files} - {PACKAGE}
    data = {f for room in rooms for f in room.glob("[!.]*") if f.suffix in DATA}
    for file in sorted(files | data):
        total.update(file.relative_to(PACKAGE).as_posix().encode() + file.read_bytes())
    return total.hexdigest()[:12]


def code_of(experiment: type, without: Collection[str] = ()) -> str:
    """The digest of all that an experiment's tables (or with plotting, its figure) come from."""
    files = closure("lstm_bench.experiments.run", experiment.__module__, without=without)
    plugin = source_file(experiment)
    if plugin is None:
        return digest_of(files)
    files |= closure(*_imports(plugin), without=without)
    return f"{digest_of(files)} {code_version(experiment)}"


def stages_code(experiments: Iterable[str]) -> dict[str, str]:
    """The digests of the stages that read all experiments; `experiments` are their modules."""
    every = list(experiments)
    entries = {
        "card": ["report.card.page"],
        "judge": ["claims.run"],
        "report": ["report.page", "report.explorer"],
        "tables": ["report.published"],
        "track": ["tracking.importer"],
    }
    return {
        stage: digest_of(closure(*(f"{ROOT}.{name}" for name in names), *every))
        for stage, names in entries.items()
    }


@cache
def _files(module: str) -> tuple[Path, ...]:
    """The file of a module, and those of the packages it lies in, which run first.

    That of the whole package names what users may import, and decides nothing.
    """
    root, *parts = module.split(".")
    found, at = [], PACKAGE
    for part in parts if root == ROOT else ():
        at = at / part
        found += [f for f in (at / "__init__.py", at.with_suffix(".py")) if f.is_file()]
    return tuple(found)


@cache
def _imports(file: Path) -> tuple[str, ...]:
    """What a file names in import statements, as modules; names within a module do no harm."""
    found = []
    for node in _statements(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(found)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """What lies in it, at whatever depth, but expressions: most of a tree, and without imports."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.expr):
            yield child
            yield from _statements(child)
