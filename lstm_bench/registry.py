"""How tasks, cells and experiments are found: a file that defines the class is the plugin.

Every module of a room is imported once, and every concrete subclass with a `name` of its own is
listed. A file of the user's own is loaded by path (`load_plugins`) and its classes join the rest.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import inspect
import math
import numbers
import os
import pkgutil
import re
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, fields
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from lstm_bench.errors import BenchError, unknown

T = TypeVar("T")
NAME = r"[a-z0-9_]{1,60}"
LARGEST = 1_000_000  # of an option that is a whole number: they count steps, symbols, units
_plugins: dict[Path, ModuleType] = {}


def load_plugins(paths: str | Path | Iterable[str | Path]) -> None:
    """Import each file once. Raises BenchError when it is missing or does not import."""
    for given in _files(paths):
        path = Path(given).resolve()
        if path in _plugins:
            continue
        if os.pathsep in str(given):
            raise BenchError(
                f"plugins: {str(given)!r} is not allowed; the path must have no {os.pathsep!r}: "
                "it parts one plugin from the next."
            )
        if not path.is_file():
            raise BenchError(f"plugins: {str(given)!r} is not a file; give the path of a .py file.")
        name = f"lstm_bench_plugin_{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise BenchError(
                f"plugins: {str(given)!r} is not a Python file (its name must end in .py)."
            )
        if str(path.parent) not in sys.path:  # last, so that it hides no module of others
            sys.path.append(str(path.parent))
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # dataclasses look their module up by name
        try:
            with _settings_kept():
                spec.loader.exec_module(module)
        except Exception as error:  # any fault of a user's file is the user's to read
            del sys.modules[name]
            raise BenchError(
                f"plugins: {str(given)!r} does not import: {type(error).__name__}: {error}."
            ) from error
        _plugins[path] = module


def _files(paths: Any) -> list[str | os.PathLike[str]]:
    """One path, or those of a list. Raises BenchError for what is none."""
    one = isinstance(paths, str | os.PathLike) or not isinstance(paths, Iterable)
    files = [paths] if one else list(paths)
    for file in files:
        if not isinstance(file, str | os.PathLike) or "\0" in str(file):
            raise BenchError(
                f"plugins: {file!r} is not allowed; it must be the path of a .py file, or a list "
                "of such paths."
            )
    return files


@contextmanager
def _settings_kept() -> Iterator[None]:
    """What a plugin sets for a whole process ends with its import: no run's name would say it."""
    before = {getter.__name__: getter() for getter, _, _ in _settings()}
    with warnings.catch_warnings():
        yield
    for getter, setter, first in _settings():
        value = before.get(getter.__name__, first)
        if getter() != value:
            setter(value)


def _settings() -> list[tuple[Callable[[], Any], Callable[[Any], Any], Any]]:
    """How numpy and torch, where imported, say a setting and take it, and its first value."""
    found: list[tuple[Callable[[], Any], Callable[[Any], Any], Any]] = []
    if numpy := sys.modules.get("numpy"):
        first = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}
        found.append((numpy.geterr, lambda how: numpy.seterr(**how), first))
    if torch := sys.modules.get("torch"):
        deterministic = torch.are_deterministic_algorithms_enabled
        found += [
            (torch.get_default_dtype, torch.set_default_dtype, torch.float32),
            (torch.is_grad_enabled, torch.set_grad_enabled, True),
            (deterministic, torch.use_deterministic_algorithms, False),
        ]
    return found


@cache
def import_room(package: str) -> None:
    """Import every module of a room, so that its classes exist; its folder is listed once."""
    room = importlib.import_module(package)
    for module in pkgutil.iter_modules(room.__path__):
        if module.name.isidentifier():  # `lstm copy.py` is no module of ours
            importlib.import_module(f"{package}.{module.name}")


def _concrete(base: type[T], what: str) -> Iterator[type[T]]:
    for sub in base.__subclasses__():
        # a plugin that failed to import, or that a test took back, left its classes behind
        named = "name" in vars(sub) and sub.__module__ in sys.modules
        if named and not inspect.isabstract(sub):
            yield sub
        elif named and source_file(sub) and not sub.__subclasses__():
            missing = sorted(sub.__abstractmethods__)  # type: ignore[attr-defined]
            raise BenchError(
                f"{what} {vars(sub)['name']!r} in {inspect.getfile(sub)} lacks "
                f"{' and '.join(missing)}, which every {what} must define."
            )
        yield from _concrete(sub, what)


def classes(base: Any, package: str) -> dict[str, Any]:
    """Every named concrete subclass of `base`, by name.

    Raises BenchError for two of one name, and for one of a plugin that lacks a method.
    """
    import_room(package)
    what = base.__name__.lower()
    found: dict[str, Any] = {}
    for cls in _concrete(base, what):
        name = cls.name
        if re.fullmatch(NAME, str(name)) is None:
            raise BenchError(
                f"{what} {name!r} in {inspect.getfile(cls)} is not allowed; it "
                "becomes a path, so it must be 1 to 60 of a-z, 0-9 and _."
            )
        other = found.setdefault(name, cls)
        if other is not cls:
            raise BenchError(
                f"{what} {name!r} is defined twice: in {inspect.getfile(other)} "
                f"and in {inspect.getfile(cls)}; rename one of them."
            )
    return dict(sorted(found.items()))


def source_file(cls: type) -> Path | None:
    """The plugin file a class comes from, or None for the suite's own classes."""
    for path, module in _plugins.items():
        if cls.__module__ == module.__name__:
            return path
    return None


def plugin_file(stem: str) -> Path | None:
    """The plugin of this file name without its ending. Raises BenchError where there are two."""
    found = [path for path in _plugins if path.stem == stem]
    if len(found) > 1:
        raise BenchError(
            f"plugins: {found[0]} and {found[1]} have one name; rename one of them, so that "
            f"'{stem}:...' means one file."
        )
    return found[0] if found else None


def plugin_named(stem: str) -> ModuleType | None:
    """What was imported of the plugin of this file name, if there is one."""
    path = plugin_file(stem)
    return _plugins[path] if path else None


def code_version(cls: type) -> str:
    """What identifies the code of a component: its version, or a plugin's file digest."""
    path = source_file(cls)
    if path is None:
        return str(cls.version)  # type: ignore[attr-defined]
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]


def build(cls: type[T], options: Mapping[str, object], what: str) -> T:
    """An instance with these options; a wrong name or type gives one sentence."""
    allowed = {f.name: f for f in fields(cls)}  # type: ignore[arg-type]
    given: dict[str, object] = {}
    for key, value in options.items():
        if key not in allowed:
            raise (
                unknown(f"option of {what}", key, allowed)
                if allowed
                else BenchError(f"{what} has no options, but {key!r} was given.")
            )
        default, value = allowed[key].default, plain(value)
        if isinstance(value, str) and not isinstance(default, str):
            value = as_number(value)
        if isinstance(value, float) and not math.isfinite(value):
            raise BenchError(f"{what}: option {key} is {value}, but must be a finite number.")
        if isinstance(value, int) and abs(value) > LARGEST:
            raise BenchError(f"{what}: option {key} is {value}, but must be at most {LARGEST:,}.")
        if default is not MISSING and default is not None and not _same_kind(value, default):
            raise BenchError(f"{what}: option {key} is {value!r}, but must be a {_kind(default)}.")
        given[key] = _as_default(value, default)
    return cls(**given)


def plain(value: Any) -> Any:
    """A number of numpy's, torch's or another's as Python's own, which JSON and ids are made of."""
    if getattr(value, "ndim", None) == 0:  # a scalar of numpy, or a tensor of one number
        value = value.item()
    if isinstance(value, bool):
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    return float(value) if isinstance(value, numbers.Real) else value


def as_number(text: str) -> Any:
    """`1e-3`, `50`, `true` or `null` as the value it stands for; other text as it is."""
    named = {"true": True, "false": False, "null": None, "~": None}
    if text.strip().lower() in named:
        return named[text.strip().lower()]
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text


def _kind(default: Any) -> str:
    return "list of names" if default == () else f"{type(default).__name__} like {default!r}"


def _as_default(value: Any, default: Any) -> Any:
    """A whole number where a float is meant is that float: `3` and `3.0` are one option.

    A list is a tuple, which can be hashed.
    """
    if isinstance(default, tuple):
        return tuple(value)
    return float(value) if isinstance(default, float) else value


def _same_kind(value: Any, default: Any) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    if isinstance(default, tuple):
        return isinstance(value, list | tuple) and all(isinstance(each, str) for each in value)
    return isinstance(value, type(default))


def chosen_options(component: Any) -> dict[str, object]:
    """The options that differ from their default: what a condition's id is made of."""
    return {
        f.name: getattr(component, f.name)
        for f in fields(component)
        if getattr(component, f.name) != f.default
    }
