"""Where a key belongs that stands in the wrong place of a config."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from lstm_bench import cells, tasks

FEW = 3  # cells or tasks that are named before the rest is counted
CLOSE = 0.75  # of two spellings, as difflib counts


def misplaced(key: str, where: str, schema: Mapping[str, Any]) -> str:
    """`is unknown there: it stands under training ...`, or nothing for a key nobody has."""
    known: dict[str, list[str]] = {}
    for name, home in _homes(schema):
        if home != where:
            known.setdefault(name, []).append(home)
    near = [key] if key in known else difflib.get_close_matches(key, known, 1, CLOSE)
    allowed = schema["properties"] if where == "config" else _section(schema, where)
    if not near or (near != [key] and difflib.get_close_matches(key, allowed, 1, CLOSE)):
        return ""
    meant = "" if near == [key] else f"; did you mean {near[0]!r}?"
    return f"is unknown here{meant} {_told(near[0], known[near[0]])}"


def _section(schema: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    return schema["properties"].get(where, {}).get("properties", {})


def _homes(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every key and where it stands: `config`, a section, `cell lstm`, `task copy`."""
    yield from ((name, "config") for name in schema["properties"])
    sections = {"training": schema["properties"]["training"], "network": schema["$defs"]["network"]}
    for section, under in (sections | dict(schema["properties"])).items():
        yield from ((name, section) for name in under.get("properties", ()))
    for kind, known in (("cell", cells.registry()), ("task", tasks.registry())):
        for name, cls in known.items():
            yield from ((field.name, f"{kind} {name}") for field in fields(cls))


def _told(key: str, homes: list[str]) -> str:
    first = homes[0]
    if first == "config":
        return f"{key!r} stands at the top of the config, under no section."
    kind, _, name = first.partition(" ")
    if not name:
        return f"{key!r} stands under {first}: {{{key}: ...}}."
    alike = [home.partition(" ")[2] for home in homes if home.startswith(f"{kind} ")]
    more = f" and {len(alike) - FEW} more" if len(alike) > FEW else ""
    return (
        f"{key!r} is an option of {kind} {', '.join(alike[:FEW])}{more}: an entry of {kind}s, "
        f"{{{kind}: {alike[0]}, {key}: ...}}."
    )
