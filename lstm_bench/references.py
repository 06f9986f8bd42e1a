"""Code named as `package.module:Name` or `file.py:Name`, and what identifies it. Standard library.

What identifies code is found by reading imports, never by importing: a plan asks for it in
processes without torch, and the answer cannot depend on what else was loaded before.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import site
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from lstm_bench.errors import BenchError


class Reference(NamedTuple):
    """`module` is a dotted name, or the path of a file; `attribute` a name in it."""

    module: str
    attribute: str

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Raises BenchError for text that names no attribute of a module."""
        module, _, attribute = text.rpartition(":")
        plain = module.endswith(".py") or all(map(str.isidentifier, module.split(".")))
        if not plain or not all(map(str.isidentifier, attribute.split("."))):
            raise BenchError(
                f"module: {text!r} is not allowed; it must be package.module:Name or file.py:Name."
            )
        return cls(module, attribute)

    @property
    def file(self) -> Path | None:
        """The file it names by a path; None for a dotted name."""
        return Path(self.module) if self.module.endswith(".py") else None

    @property
    def name(self) -> str:
        """Without the folders of a file: what ids are made of."""
        module = self.module if self.file is None else self.file.stem
        return f"{module}:{self.attribute}"


def is_reference(name: object) -> bool:
    return isinstance(name, str) and ":" in name


def found_here() -> None:
    """Let modules of the working folder be imported, after all others, so that none is hidden."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)


def file_of(module: str) -> Path | None:
    """The file of a dotted name, without importing it: that of its outermost package is looked for.

    None where nothing is found, or what is found is no Python file.
    """
    top, *rest = module.split(".")
    found_here()
    if top in sys.modules:
        origin = getattr(sys.modules[top], "__file__", None)
    else:
        spec = importlib.util.find_spec(top)
        origin = spec.origin if spec else None
    if not origin or not Path(origin).is_file():
        return None
    at = Path(origin)
    if not rest:
        return at
    place = at.parent.joinpath(*rest)
    return next((p for p in (place / "__init__.py", place.with_suffix(".py")) if p.is_file()), at)


@cache
def _library_folders() -> tuple[Path, ...]:
    """Where the interpreter keeps what is installed: of such code the version counts."""
    paths = {*sysconfig.get_paths().values(), *site.getsitepackages(), site.getusersitepackages()}
    return tuple(Path(p).resolve() for p in paths if "packages" in p or "python" in Path(p).name)


def _installed(file: Path) -> bool:
    return any(file.resolve().is_relative_to(folder) for folder in _library_folders())


def code_of_reference(text: str, file: Path | None = None) -> str:
    """The digest of the code behind a reference; nothing where it is not found.

    It is taken of the module's own files, those of its package, or of its folder where it lies in
    none, that its import statements lead to, by their paths as seen from there; and of the versions
    of installed packages. `file` is where a dotted name was loaded from by its path.
    """
    reference = Reference.parse(text)
    at = file or reference.file
    if at is not None:
        return _digest(at.parent, [at]) if at.is_file() else ""
    found, top = file_of(reference.module), reference.module.split(".")[0]
    root = file_of(top)
    if found is None or root is None:
        return ""
    if _installed(found):
        return _digest(found.parent, [], [top])
    return _digest(root.parent.parent if root.name == "__init__.py" else root.parent, [found])


def own_files(folder: Path, files: Iterable[Path]) -> tuple[set[Path], set[str]]:
    """The files below `folder` that these import, in turn, and the names of what lies elsewhere."""
    found: set[Path] = set()
    elsewhere: set[str] = set()
    open_ = [file.resolve() for file in files]
    folder = folder.resolve()
    while open_:
        file = open_.pop()
        if file in found:
            continue
        found.add(file)
        for module in _imports(file, folder):
            inside = list(_inside(folder, module))
            open_ += inside
            if not inside:
                elsewhere.add(module.split(".")[0])
    # the suite has versions of its own in what identifies a run
    return found, elsewhere - sys.stdlib_module_names - {"lstm_bench"}


def _digest(folder: Path, files: list[Path], packages: Iterable[str] = ()) -> str:
    found, elsewhere = own_files(folder, files)
    total = hashlib.sha256()
    for file in sorted(found):
        total.update(file.relative_to(folder.resolve()).as_posix().encode() + file.read_bytes())
    for name in sorted({*elsewhere, *packages}):
        total.update(f"{name} {_version(name)}".encode())
    return total.hexdigest()[:12]


@cache
def _version(package: str) -> str:
    """Of an installed package, without what only says for which device it was built."""
    names = importlib.metadata.packages_distributions().get(package, [package])
    for name in names:
        try:
            return importlib.metadata.version(name).partition("+")[0]
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""


def _inside(folder: Path, module: str) -> Iterator[Path]:
    """The files of a dotted name below a folder, those of the packages it lies in included."""
    at = folder
    for part in module.split("."):
        at = at / part
        for file in (at / "__init__.py", at.with_suffix(".py")):
            if file.is_file():
                yield file.resolve()


def _imports(file: Path, folder: Path) -> Iterator[str]:
    """Dotted names in the import statements of a file, relative ones made absolute."""
    package = file.parent.relative_to(folder).parts
    try:
        tree = ast.parse(file.read_bytes())
    except SyntaxError:  # said by its import
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            base += node.module.split(".") if node.module else []
            yield from (".".join([*base, alias.name]) for alias in node.names if base)
            if not base:
                yield from (alias.name for alias in node.names)
