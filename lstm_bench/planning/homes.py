"""Where a key belongs that stands in the wrong place of a config."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from lstm_bench import cells, tasks
from lstm_bench.engine.network_options import NetworkOptions
from lstm_bench.errors import BenchError
from lstm_bench.spec import training_keys

# keys of the config that hold for all tasks and cells, and are asked for in their entries
FOR_ALL = ("training", "network", "width", "lengths", "replicates", "seed_block", "first_seed")
FEW = 3  # cells or tasks that are named before the rest is counted
CLOSE = 0.75  # of two spellings, as difflib counts


def misplaced(key: str, where: str, schema: Mapping[str, Any]) -> str:
    """`is unknown here; it stands under training ...`, or nothing for a key nobody has."""
    known: dict[str, list[str]] = {}
    here = where.rpartition(".")[2]  # `cells.0.training` has the keys of `training`
    for name, home in _homes(schema):
        if home != here:
            known.setdefault(name, []).append(home)
    near = [key] if key in known else difflib.get_close_matches(key, known, 1, CLOSE)
    allowed = schema["properties"] if here == "config" else _sections(schema).get(here, {})
    if not near or (near != [key] and difflib.get_close_matches(key, allowed, 1, CLOSE)):
        return ""
    told = _told(near[0], known[near[0]])
    if near == [key]:
        return f"is unknown here; it {told}"
    return f"is unknown here; did you mean {near[0]!r}? It {told}"


def _sections(schema: Mapping[str, Any]) -> dict[str, Mapping[str, object]]:
    """The keys of every section, those of training and of the network first."""
    first = {"training": schema["properties"]["training"], "network": schema["$defs"]["network"]}
    found = first | dict(schema["properties"]) | first
    return {name: under.get("properties", {}) for name, under in found.items()}


def _homes(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every key and where it stands: `config`, a section, `cell lstm`, `task copy`."""
    yield from ((name, "config") for name in schema["properties"])
    for section, under in _sections(schema).items():
        yield from ((name, section) for name in under)
    for kind, known in (("cell", cells.registry()), ("task", tasks.known())):
        for name, cls in known.items():
            yield from ((field.name, f"{kind} {name}") for field in fields(cls))


def _told(key: str, homes: list[str]) -> str:
    first = homes[0]
    if first == "config":
        return "stands at the top of the config, under no section."
    kind, _, name = first.partition(" ")
    if not name:
        sections = [first] if first in ("training", "network") else homes[:FEW]
        under = " or ".join(home for home in sections if " " not in home)
        return f"stands under {under}: {{{key}: ...}}."
    alike = [home.partition(" ")[2] for home in homes if home.startswith(f"{kind} ")]
    more = f" and {len(alike) - FEW} more" if len(alike) > FEW else ""
    return (
        f"is an option of {kind} {', '.join(alike[:FEW])}{more}: an entry of {kind}s, "
        f"{{{kind}: {alike[0]}, {key}: ...}}."
    )


def require_options(kind: str, name: str, options: Iterable[str]) -> None:
    """Raise BenchError for a key of an entry that is no option of its cell or task, but known."""
    cls: Any = cells.named(name) if kind == "cell" else tasks.known()[name]
    network = [each.name for each in fields(NetworkOptions)]
    sections = dict.fromkeys(training_keys(), "training") | dict.fromkeys(network, "network")
    own = {each.name for each in fields(cls)}
    for key in (key for key in options if key not in own):
        section, text = sections.get(key), f"{key}: ..."
        if section and kind == "cell":
            place = f"under {section}: {{cell: {name}, {section}: {{{text}}}}}"
        elif section or key in FOR_ALL:
            top = f"{section}: {{{text}}}" if section else text
            place = f"at the top of the config, for every {kind}: {{{top}}}"
        else:
            continue
        raise BenchError(f"{kind}s: {key!r} is no option of {kind} {name!r}; it stands {place}.")
