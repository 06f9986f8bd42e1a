"""The settings of an experiment: what the config says of it, filled up and fitted to the sweep."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from lstm_bench import tasks
from lstm_bench.errors import BenchError
from lstm_bench.experiments import Experiment
from lstm_bench.experiments.settings import Entries, SomeOf, section_schema, settings_of
from lstm_bench.planning.config import parse_cells, parse_tasks, trains_tasks, unique
from lstm_bench.planning.schema import check_schema
from lstm_bench.sweep import Choice, Sweep
from lstm_bench.typed import reader


def fitted(
    cls: type[Experiment], config: Mapping[str, Any], inherited: Collection[str], sweep: Sweep
) -> Experiment:
    """The experiment with its section of the config. Raises BenchError.

    A name that the sweep lacks is an error where the user named it. One that is a default, of the
    experiment or of a config file below the user's own, is left out: who narrows `cells` has not
    asked for it.
    """
    settings, given = settings_of(type(cls.settings)), config.get(cls.name, {})
    section = {setting.name: setting.default for setting in settings} | given
    named = frozenset(
        each.name
        for each in settings
        if section[each.name] != each.default and f"{cls.name}.{each.name}" not in inherited
    )
    known = {"cell": [c.shown for c in sweep.cells], "task": [t.shown for t in sweep.tasks]}
    values: dict[str, Any] = {}
    for setting in settings:
        where, value = f"{cls.name}.{setting.name}", section[setting.name]
        entries, rule = setting.entries, setting.rule
        if entries:
            fit = f"{cls.name}.lengths" in inherited
            values[setting.name] = _choices(entries, where, section, value, fit)
            continue
        if rule:
            value = rule.fit(value, known, setting.name in named, where)
        if isinstance(rule, SomeOf) and value:
            known["cell"] = value  # what the settings after it choose among
        read = reader(setting.kind)
        values[setting.name] = read(value) if read and value is not None else value
    return cls(type(cls.settings)(**values), named)


def judgeable(cls: type[Experiment], sweep: Sweep, asked: bool) -> Sweep:
    """The sweep with the tasks that an experiment can judge: those from files, or the others.

    Raises BenchError where it was asked for and there is none.
    """
    own = [task for task in sweep.tasks if tasks.find(task.name).measured == cls.of_files]
    if asked and not own and sweep.tasks and trains_tasks(cls) and not cls.of_files:
        raise BenchError(
            f"experiments: {cls.name!r} asks when a task is solved, and {sweep.tasks[0].shown!r} "
            "is from a file, where nothing counts as solved; experiments: [data] compares on it."
        )
    return replace(sweep, tasks=tuple(own))


def _choices(
    entries: Entries, where: str, section: Mapping[str, Any], value: list[Any], fit: bool
) -> tuple[Choice, ...]:
    if entries.kind == "task":
        return tuple(parse_tasks(value, section["lengths"], fit))
    found = unique(parse_cells(value, {}), where)
    for cell in found:
        if cell.own:
            raise BenchError(
                f"{where}: {cell.key!r} is not allowed; it must be a cell without a network, a "
                "width or a training of its own."
            )
    return found


def with_sections(
    schema: Mapping[str, Any], known: Mapping[str, type[Experiment]]
) -> dict[str, Any]:
    """The config's schema with the section of every experiment that has settings.

    Raises BenchError for one whose name is a key of another meaning, for settings that no config
    could say, and for a default that is not allowed.
    """
    sections, defaults = {}, {}
    for name, cls in known.items():
        kind, where = type(cls.settings), f"experiment {name!r} in {inspect.getfile(cls)}"
        try:
            settings = settings_of(kind)
            if not settings:
                continue
            sections[name] = {**section_schema(kind), "default": {}}
        except (NameError, TypeError) as error:
            raise BenchError(f"{where}: its settings are not allowed: {error}.") from None
        if name in schema["properties"]:
            raise BenchError(
                f"{where} has settings, but the key {name!r} of the config has another meaning; "
                "rename the experiment."
            )
        defaults[name] = {setting.name: setting.default for setting in settings}
    whole = {**schema, "properties": {**schema["properties"], **sections}}
    check_schema(defaults, {**whole, "required": []})
    return whole
