"""JSON as the dataclasses that say what it means. Standard library only.

A key that a dataclass has no field for is left out, and a field without a key takes its default:
what another version wrote is read as far as both know it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


def from_json(kind: type[T], data: Mapping[str, object]) -> T:
    """An instance of a dataclass. Raises TypeError where a field without a default is missing."""
    read = reader(kind)  # type: ignore[arg-type]  # a class is hashable
    assert read is not None
    made: T = read(data)
    return made


def plain(value: Any) -> Any:
    """A dataclass as its fields, for `json.dumps(default=plain)`. Raises TypeError for others."""
    if hasattr(value, "to_json"):
        return value.to_json()
    if not is_dataclass(value):
        raise TypeError(f"{value!r} is no JSON")
    return {field.name: getattr(value, field.name) for field in fields(value)}


@cache
def reader(kind: Hashable) -> Callable[[Any], Any] | None:
    """What makes a value of this annotation of its JSON; None where the JSON is the value."""
    if hasattr(kind, "from_json"):
        made: Callable[[Any], Any] = kind.from_json
        return made
    if is_dataclass(kind):
        return _dataclass_reader(kind)
    readers = (reader(argument) for argument in get_args(kind))
    each = next((found for found in readers if found), None)
    if get_origin(kind) is tuple:
        return (lambda value: tuple(map(each, value))) if each else tuple
    if each is None:
        return None
    if get_origin(kind) is Mapping:
        return lambda value: {key: each(under) for key, under in value.items()}
    return lambda value: None if value is None else each(value)


def _dataclass_reader(kind: Any) -> Callable[[Any], Any]:
    hints = get_type_hints(kind)
    readers = {field.name: reader(hints[field.name]) for field in fields(kind)}
    nested = {name: made for name, made in readers.items() if made}

    def read(value: Any) -> Any:
        given = {name: under for name, under in value.items() if name in readers}
        for name, made in nested.items():
            if name in given:
                given[name] = made(given[name])
        return kind(**given)

    return read
