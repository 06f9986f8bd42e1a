"""The settings of an experiment: a frozen dataclass, whose fields are the keys of its section.

A field's default is the config's, its annotation says what is allowed and what it is for:

    batch: Annotated[Positive, "sequences a norm is taken over"] = 32
    share: Annotated[float, Allowed(minimum=0, maximum=1), "of the chance loss"] = 0.05

What names cells or tasks of the sweep has a rule, which fits it to the sweep: a name the sweep
lacks is an error where the user named it, and is left out where it is a default, of the experiment
or of a config file below the user's own.
"""

from __future__ import annotations

import json
import re
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, is_dataclass
from typing import Annotated, Any, Literal, Protocol, Union, get_args, get_origin, get_type_hints

import yaml

from lstm_bench.errors import BenchError, unknown
from lstm_bench.spec import canonical
from lstm_bench.sweep import Choice

WIDE = 100  # characters of a line of config.yaml
JSON_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}
Labels = Mapping[str, Sequence[str]]  # of the sweep's cells and tasks, by `cell` and `task`


class Allowed(dict[str, Any]):
    """What a value may be, as JSON Schema has it; `of` names a kind of the config's own schema."""

    def __hash__(self) -> int:  # type: ignore[override]  # unions of annotations are hashed
        return hash(canonical(self))

    @property
    def schema(self) -> dict[str, Any]:
        found = dict(self)
        if of := found.pop("of", None):
            found["$ref"] = of if of.startswith("#") else f"#/$defs/{of}"
        return found


class Rule(Protocol):
    """How a setting is fitted to the cells and tasks of the sweep."""

    def fit(self, value: Any, known: Labels, named: bool, where: str) -> Any:
        """The value that is there. Raises BenchError for a name that the user `named`."""


@dataclass(frozen=True)
class Entries:
    """Entries as those of `tasks` or `cells` in the config; the plan makes choices of them."""

    kind: Literal["task", "cell"]


@dataclass(frozen=True)
class OneOf:
    """The label of a cell or task; without the default's, the sweep's `first`, or None: open."""

    kind: Literal["task", "cell"]
    first: bool = False

    def fit(self, value: Any, known: Labels, named: bool, where: str) -> Any:
        labels = known[self.kind]
        if value is None or value in labels:
            return value
        if named:
            raise unknown(f"{where}: {self.kind}", value, labels)
        return labels[0] if self.first else None


def require_cells(value: Any, labels: Sequence[str], named: bool, where: str) -> None:
    """Raise BenchError for the first cell that the user `named` and the sweep lacks."""
    for label in value or ():
        if named and label not in labels:
            raise unknown(f"{where}: cell", label, labels)


@dataclass(frozen=True)
class SomeOf:
    """Labels of cells; None takes every cell, and so do defaults of which none is left."""

    def fit(self, value: Any, known: Labels, named: bool, where: str) -> Any:
        labels = known["cell"]
        require_cells(value, labels, named, where)
        return [label for label in value or () if label in labels] or None


@dataclass(frozen=True)
class ByCell:
    """A value for each cell; defaults that lack one are left out altogether: open."""

    def fit(self, value: Any, known: Labels, named: bool, where: str) -> Any:
        labels = known["cell"]
        require_cells(value, labels, named, where)
        missing = [label for label in labels if label not in (value or ())]
        if value and missing and named:
            raise BenchError(f"{where}: {missing[0]!r} is missing; give every cell one.")
        return None if missing or not value else {label: value[label] for label in labels}


Positive = Annotated[int, Allowed(minimum=1, maximum=10**12)]
Length = Annotated[int, Allowed(minimum=1, maximum=1_000_000)]
Lengths = Annotated[tuple[int, ...], Allowed(of="lengths")]
Widths = Annotated[tuple[int, ...], Allowed(of="widths")]
Samples = Annotated[int, Allowed(minimum=3, maximum=10_000)]
Replicates = Annotated[int, Allowed(minimum=1, maximum=10_000)]
Sequences = Annotated[int, Allowed(minimum=16, maximum=10_000_000)]
Range = Annotated[tuple[float, ...], Allowed(of="range")]
Rates = Annotated[tuple[float, ...], Allowed(minItems=1, items={"exclusiveMinimum": 0})]
Tasks = Annotated[tuple[Choice, ...], Allowed(of="tasks"), Entries("task")]
Cells = Annotated[tuple[str, ...] | None, Allowed(of="labels"), SomeOf()]
Cell = Annotated[str | None, OneOf("cell")]


@dataclass(frozen=True)
class Settings:
    """Of an experiment that has none."""


NO_SETTINGS = Settings()


@dataclass(frozen=True)
class OwnTasks(Settings):
    """Of an experiment that trains tasks of its own."""

    tasks: Annotated[Tasks, "entries as those of `tasks` above"] = ()
    lengths: Annotated[Lengths, "of the tasks that name none"] = (20,)


@dataclass(frozen=True)
class Setting:
    """One field: its type, its whole annotation, and its default as a config has it."""

    name: str
    kind: Any
    annotation: Any
    default: Any

    @property
    def _notes(self) -> tuple[Any, ...]:
        return _parted(self.annotation)[1]

    @property
    def help(self) -> str:
        return next((note for note in reversed(self._notes) if isinstance(note, str)), "")

    @property
    def schema(self) -> dict[str, Any]:
        """Its part of the config's JSON Schema. Raises TypeError for a type that JSON has not."""
        return _schema(self.annotation)

    @property
    def entries(self) -> Entries | None:
        return next((note for note in self._notes if isinstance(note, Entries)), None)

    @property
    def rule(self) -> Rule | None:
        return next((note for note in self._notes if hasattr(note, "fit")), None)


def settings_of(cls: type[Settings]) -> list[Setting]:
    """The fields of a settings class. Raises TypeError for one that no config could fill."""
    if "__dataclass_fields__" not in vars(cls):
        raise TypeError(f"{cls.__name__} must be a dataclass: @dataclass(frozen=True)")
    kinds, found = get_type_hints(cls), []
    hints = get_type_hints(cls, include_extras=True)
    for field in fields(cls):
        default = field.default
        if default is MISSING and field.default_factory is MISSING:
            raise TypeError(f"{cls.__name__}.{field.name} must have a default")
        if field.default_factory is not MISSING:
            default = field.default_factory()
        entries = next((n for n in _parted(hints[field.name])[1] if isinstance(n, Entries)), None)
        default = _as_config(default, entries.kind if entries else "task")
        found.append(Setting(field.name, kinds[field.name], hints[field.name], default))
    return found


def section_schema(cls: type[Settings]) -> dict[str, object]:
    """The section of the config's JSON Schema for these settings."""
    keys = {setting.name: setting.schema for setting in settings_of(cls)}
    return {"type": "object", "additionalProperties": False, "properties": keys}


def section_text(name: str, cls: type[Settings]) -> str:
    """The section as config.yaml has it: every key with its default and its help."""
    lines = [f"{name}:"]
    for setting in settings_of(cls):
        entries = setting.default if isinstance(setting.default, list) else []
        block = any(isinstance(entry, dict) for entry in entries)
        line = f"  {setting.name}:" if block else f"  {setting.name}: {_flow(setting.default)}"
        told = f"{line:30}  # {setting.help}" if setting.help else line
        lines += [told] if len(told) <= WIDE else [f"  # {setting.help}", line]
        lines += [f"    - {_flow(entry)}" for entry in entries if block]
    return "\n".join(lines) + "\n"


def _flow(value: Any) -> str:
    """JSON is YAML; words that need no quotes have none."""
    if isinstance(value, list):
        return f"[{', '.join(map(_flow, value))}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
    plain = isinstance(value, str) and re.fullmatch(r"[A-Za-z][\w ().-]*", value)
    return str(value) if plain and yaml.safe_load(value) == value else json.dumps(value)


def _parted(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    if get_origin(annotation) is not Annotated:
        return annotation, ()
    kind, *notes = get_args(annotation)
    return kind, tuple(notes)


def _schema(annotation: Any) -> dict[str, Any]:
    kind, notes = _parted(annotation)
    said = [note.schema for note in notes if isinstance(note, Allowed)]
    found = {} if any("$ref" in each for each in said) else _plain(kind)
    for each in said:
        for key, value in each.items():
            both = isinstance(value, Mapping) and isinstance(found.get(key), Mapping)
            found[key] = {**found[key], **value} if both else value
    return found


def _plain(kind: Any) -> dict[str, Any]:
    origin, arguments = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and kind in JSON_TYPES:
        return {"type": JSON_TYPES[kind]}
    if origin in (Union, types.UnionType) and type(None) in arguments:
        (inner,) = (_schema(each) for each in arguments if each is not type(None))
        if "type" not in inner:
            return {"anyOf": [inner, {"type": "null"}]}
        nothing = {"enum": [*inner["enum"], None]} if "enum" in inner else {}
        return {**inner, "type": [inner["type"], "null"], **nothing}
    if origin is tuple:
        return {"type": "array", "uniqueItems": True, "items": _schema(arguments[0])}
    if origin is Literal:
        return {"type": "string", "enum": list(arguments)}
    if origin is Mapping:
        return {"type": "object", "additionalProperties": _schema(arguments[1])}
    if is_dataclass(kind):
        hints = get_type_hints(kind, include_extras=True)
        needed = [
            each.name
            for each in fields(kind)
            if each.default is MISSING and each.default_factory is MISSING
        ]
        keys = {each.name: _schema(hints[each.name]) for each in fields(kind)}
        shape = {"type": "object", "additionalProperties": False, "properties": keys}
        return {**shape, "required": needed}
    raise TypeError(f"{kind} is no type that a config can say")


def _as_config(value: Any, kind: str) -> Any:
    """A default as a config says it: `adding`, or {task: copy, preset: small}."""
    if isinstance(value, Choice):
        entry = {kind: value.name, **value.options}
        entry |= {"label": value.label} if value.label else {}
        entry |= {"lengths": list(value.lengths)} if value.lengths else {}
        return value.name if len(entry) == 1 else entry
    if isinstance(value, tuple):
        return [_as_config(each, kind) for each in value]
    return json.loads(canonical(value))
