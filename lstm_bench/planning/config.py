"""From a config that fits the schema to the sweep: names, lengths and combinations are checked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from lstm_bench import cells, experiments, tasks
from lstm_bench.engine.network_options import NetworkOptions
from lstm_bench.errors import BenchError, unknown
from lstm_bench.experiments.fairness import reference
from lstm_bench.experiments.tuning import DEFAULTS as TUNING
from lstm_bench.planning.fitting import fitting
from lstm_bench.planning.homes import require_options
from lstm_bench.planning.widths import SIZES, equal_parameters, equal_sizes, resolved
from lstm_bench.registry import build, chosen_options
from lstm_bench.spec import TUNING_SEEDS, Training, training_keys
from lstm_bench.store.rates import read_rates
from lstm_bench.sweep import Choice, Sweep, tuned_here

ALL = "all"  # as an entry: everything the registry holds and no other entry names
# sections of the config that an experiment of that name reads
SETTINGS = ("cost", "tuning", "catalogue", "gradient_flow", "crossover")
CELLS_OWN = ("network", "width", "training")  # what an entry of `cells` may set for itself


def _choice(
    entry: Any, kind: str, known: Mapping[str, Any], taken: set[str]
) -> tuple[str, str, dict[str, Any], dict[str, Any]]:
    """Name, label, options and the rest of one entry of `tasks` or `cells`."""
    given = {kind: entry} if isinstance(entry, str) else dict(entry)
    if kind not in given:
        raise BenchError(f"{kind}s: {entry!r} has no key {kind!r} that names the {kind}.")
    name = given.pop(kind)
    if name not in known:
        raise unknown(f"{kind}s: {kind}", name, known)
    label = given.pop("label", "")
    if label and label in taken:
        raise BenchError(f"{kind}s: the label {label!r} is used twice; labels must differ.")
    taken.add(label)
    reserved = ("lengths", "preset") if kind == "task" else CELLS_OWN
    rest = {key: given.pop(key) for key in reserved if key in given}
    return name, label, given, rest


def _entries(given: list[Any], kind: str, known: Mapping[str, Any]) -> Iterator[tuple[Any, bool]]:
    """The entries, with every name that none of them has in place of `all`, which is then told."""
    named = {entry if isinstance(entry, str) else entry.get(kind) for entry in given}
    for entry in given:
        if entry == ALL:
            yield from ((name, True) for name in known if name not in named)
        else:
            yield entry, False


def _possible(task: tasks.Task, lengths: Iterable[int]) -> tuple[int, ...]:
    """Those of the lengths that the task can have, or its shortest where it can have none."""

    def fits(T: int) -> bool:
        try:
            task.require(T)
        except BenchError:
            return False
        return True

    return tuple(T for T in lengths if fits(T)) or (task.shortest,)


def _task(
    entry: Any,
    lengths: Iterable[int],
    taken: set[str],
    fit: bool = False,
) -> Choice:
    """`fit` takes those of the lengths that the task can have, unless its entry names its own."""
    name, label, options, rest = _choice(entry, "task", tasks.registry(), taken)
    require_options("task", name, options)
    if "preset" in rest:
        options = {"preset": rest["preset"], **options}
    task = tasks.create(name, options)
    given = tuple(rest.get("lengths", lengths))
    own = _possible(task, given) if fit and "lengths" not in rest else given
    for T in own:
        task.require(T)
    return Choice(name, chosen_options(task), label, own)


def _tuned_at(choice: Choice, T: int, named: bool) -> int:
    """The length a task is tuned at: T, or where it is a default the task cannot have, the nearest.

    Raises BenchError for a T that the user named.
    """
    task = tasks.create(choice.name, choice.options)
    if named:
        task.require(T)
    possible = _possible(task, [T]) == (T,)
    return T if possible else min(choice.lengths, key=lambda length: abs(length - T))


def _cell(entry: Any, taken: set[str], network: Mapping[str, Any]) -> Choice:
    name, label, options, own = _choice(entry, "cell", cells.registry(), taken)
    require_options("cell", name, options)
    found = build(NetworkOptions, {**network, **own.get("network", {})}, "network")
    cell = chosen_options(cells.create(name, options))
    return Choice(name, cell, label, network=chosen_options(found), own=own)


def _widths(
    choices: Iterable[Choice], cell_list: Iterable[Choice], width: Any
) -> dict[str, dict[str, int]]:
    """Widths by task and cell key, where the config or a cell does not simply give a number."""
    return {
        task.key: {
            cell.key: resolved(task, cell, cell.own.get("width", width)) for cell in cell_list
        }
        for task in choices
    }


def _unique(choices: list[Choice], what: str) -> tuple[Choice, ...]:
    """The choices. Raises BenchError where two are one, or where one has the name of another."""
    kind = what.rpartition(".")[2].removesuffix("s")
    for i, choice in enumerate(choices):
        for other in choices[:i]:
            shown = (other.shown, choice.shown)
            if choice.key == other.key and shown[0] != shown[1]:
                raise BenchError(
                    f"{what}: {shown[0]!r} and {shown[1]!r} have the same options; a label alone "
                    f"does not make another {kind}."
                )
            if choice.key == other.key:
                raise BenchError(
                    f"{what}: {choice.shown!r} is listed twice; duplicate values are not allowed."
                )
            if both := {choice.key, choice.shown} & {other.key, other.shown}:
                raise BenchError(
                    f"{what}: the label {min(both)!r} is the name of another {kind}; labels must "
                    "differ."
                )
    return tuple(choices)


def make_sweep(
    config: Mapping[str, Any], inherited: Collection[str] = (), tuning: bool = False
) -> Sweep:
    """The sweep of a config that has passed the schema. Raises BenchError.

    `inherited` names what chooses among cells and was said before they were (`overlays`);
    `tuning` is true of `snakemake tune`, which may begin the file of rates.
    """
    replicates, size = config["replicates"], config["seed_block"]
    if config["first_seed"] + replicates > TUNING_SEEDS:
        raise BenchError(
            f"first_seed: {config['first_seed']} is not allowed; seeds from {TUNING_SEEDS} on are "
            "kept for tuning."
        )
    taken: set[str] = set()
    training = {k: v for k, v in config["training"].items() if k in training_keys()}
    clip = config["training"].get("clip", "norm")
    given = _entries(config["tasks"], "task", tasks.registry())
    # those of config.yaml, where a later file names the tasks; or of tasks that nothing trains
    fit = "lengths" in inherited or not (tuning or _train_tasks(config["experiments"]))
    task_list = [_task(each, config["lengths"], taken, by_all or fit) for each, by_all in given]
    middle = {**TUNING, **config["tuning"]}["length"]
    if middle is not None:
        named = middle != TUNING["length"] and "tuning.length" not in inherited
        task_list = [replace(t, tuned_at=_tuned_at(t, middle, named)) for t in task_list]
    taken = set()
    for T in (*config["cost"].get("lengths", ()), *filter(None, [config["cost"].get("length")])):
        tasks.create("adding").require(T)
    speed = dict(config["speed"])
    if "cells" in speed:
        chosen = _unique([_cell(entry, set(), {}) for entry in speed["cells"]], "speed.cells")
        for cell in chosen:
            if cell.own:
                raise BenchError(
                    f"speed.cells: {cell.key!r} is not allowed; it must be a cell without a "
                    "network, a width or a training of its own."
                )
        speed["cells"] = [
            {"name": c.name, "options": dict(c.options), "shown": c.shown} for c in chosen
        ]
    network, width = config["network"], config["width"]
    made = Training(**{**training, "clip": clip})
    rates = read_rates(config, tuning=tuning, here=tuned_here(made, width, network))
    given = _entries(config["cells"], "cell", cells.registry())
    cell_list = _unique([_cell(entry, taken, network) for entry, _ in given], "cells")
    settings = {
        name: fitting(name, section, inherited, task_list, cell_list)
        for name, section in _settings(config).items()
    }
    own = {
        name: _own_tasks(section, f"{name}.lengths" in inherited)
        for name, section in settings.items()
        if section.get("tasks")
    }
    sized = [*task_list, *([Choice("adding")] if "cost" in config["experiments"] else [])]
    sized += [task for tasks_ in own.values() for task in tasks_]
    matched = {
        task.key: equal_parameters(task, cell_list, width)
        for task in own.get("overfitting", ())
        if isinstance(width, int)
    }
    fair = _fair(config["experiments"], settings, own, cell_list, width)
    plain = isinstance(width, int) and not any("width" in cell.own for cell in cell_list)
    return Sweep(
        tasks=_unique(task_list, "tasks"),
        cells=cell_list,
        training=made,
        width=width,
        replicates=replicates,
        seed_block=size,
        first_seed=config["first_seed"],
        rates=rates.by_task(),
        tuned_with=rates.tuned_with,
        settings={
            **{key: config[key] for key in SETTINGS if key in config},
            **settings,
            "speed": speed,
        },
        network=network,
        widths={} if plain else _widths(sized, cell_list, width),
        own=own,
        matched=matched,
        fair=fair,
    )


def _settings(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The section of every experiment that is asked, and of tuning, filled up with defaults."""
    known = experiments.registry()
    asked = [*config["experiments"], "cost", "tuning"]
    return {
        name: {**known[name].defaults, **config.get(name, {})} for name in asked if name in known
    }


def _train_tasks(asked: Iterable[str]) -> bool:
    """Whether one of the experiments trains the sweep's tasks: it has none of its own."""
    known, idle = experiments.registry(), experiments.Experiment.members
    return any(
        known[name].members is not idle and not known[name].defaults.get("tasks")
        for name in asked
        if name in known
    )


def _fair(
    asked: Iterable[str],
    settings: Mapping[str, Any],
    own: Mapping[str, tuple[Choice, ...]],
    cell_list: tuple[Choice, ...],
    width: Any,
) -> dict[str, dict[str, dict[str, int]]]:
    """By what is matched, task and cell key: the widths of `fairness`. Raises BenchError."""
    if "fairness" not in asked:
        return {}
    if not isinstance(width, int):
        raise BenchError(
            f"fairness: width: {width!r} is not allowed; it must be a whole number, which the "
            "experiment matches to by itself."
        )
    labels = [cell.shown for cell in cell_list]
    yardstick = cell_list[labels.index(reference(settings["fairness"], labels))]
    return {
        match: {
            task.key: equal_sizes(task, cell_list, yardstick, match, width)
            for task in own["fairness"]
        }
        for match in SIZES
    }


def _own_tasks(section: Mapping[str, Any], fit: bool) -> tuple[Choice, ...]:
    taken: set[str] = set()
    return tuple(_task(entry, section["lengths"], taken, fit) for entry in section["tasks"])
