"""From a config that fits the schema to the sweep: names, lengths and combinations are checked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from lstm_bench import cells, experiments, tasks
from lstm_bench.engine.network_options import NetworkOptions
from lstm_bench.errors import BenchError, unknown
from lstm_bench.planning.homes import require_options
from lstm_bench.planning.ladders import Lengths, lengths_of, require_windows
from lstm_bench.planning.modules import SOME_LENGTH
from lstm_bench.planning.widths import Sizes
from lstm_bench.references import is_reference
from lstm_bench.registry import build, chosen_options
from lstm_bench.spec import TUNING_SEEDS, Training, training_keys
from lstm_bench.stats.ladder import possible_midpoints
from lstm_bench.store.rates import read_rates
from lstm_bench.sweep import LENGTH, Choice, Sweep, tuned_here

ALL = "all"  # as an entry: everything the registry holds and no other entry names
LONGEST_LABEL = 60  # characters, as in the schema
CELLS_OWN = ("network", "width", "training")  # what an entry of `cells` may set for itself


def _choice(
    entry: Any, kind: str, known: Mapping[str, object], taken: set[str]
) -> tuple[str, str, dict[str, object], dict[str, Any]]:
    """Name, label, options and the rest of one entry of `tasks` or `cells`."""
    given = {kind: entry} if isinstance(entry, str) else dict(entry)
    if kind not in given:
        raise BenchError(f"{kind}s: {entry!r} has no key {kind!r} that names the {kind}.")
    name = given.pop(kind)
    if name not in known and not (kind == "cell" and is_reference(name)):
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


def _task(
    entry: Any,
    lengths: Lengths,
    taken: set[str],
    fit: bool = False,
) -> Choice:
    """`fit` takes those of the lengths that the task can have, unless its entry names its own."""
    name, label, options, rest = _choice(entry, "task", tasks.known(), taken)
    require_options("task", name, options)
    if "preset" in rest:
        options = {"preset": rest["preset"], **options}
    task = tasks.create(name, options)
    if task.measured:
        label = label or _stem(options, taken)
        require_windows(rest.get("lengths", lengths), label or name)
    given, midpoints = lengths_of(rest.get("lengths", lengths), lengths, label or name)
    if fit and "lengths" not in rest:
        # a window of one row answers another question: a file that is too short is refused below
        given = task.allowed(given) or (given if task.measured else (task.shortest,))
    for T in given:
        task.require(T)
    climbs, count = midpoints is not None and len(given) > 1, midpoints or 0
    between = task.allowed(possible_midpoints(given, count)) if climbs else ()
    return Choice(
        name,
        chosen_options(task),
        label,
        given,
        climbs,
        midpoints=count if between else 0,
        between=tuple(between),
        training=task.training,
    )


def _stem(options: Mapping[str, object], taken: set[str]) -> str:
    """The label of a task from a file that has none: the file's name, where it is free."""
    stem = Path(str(options.get("file", ""))).stem.lstrip("_")[:LONGEST_LABEL]
    if stem in taken:
        return ""
    taken.add(stem)
    return stem


def _cell(entry: Any, taken: set[str], network: Mapping[str, Any]) -> Choice:
    name, label, options, own = _choice(entry, "cell", cells.registry(), taken)
    require_options("cell", name, options)
    found = build(NetworkOptions, {**network, **own.get("network", {})}, "network")
    at_length = {key for key, value in options.items() if value == LENGTH}
    made = cells.create(name, {**options, **dict.fromkeys(at_length, SOME_LENGTH)})
    cell = {**chosen_options(made), **dict.fromkeys(at_length, LENGTH)}
    return Choice(name, cell, label, network=chosen_options(found), own=own)


def unique(choices: list[Choice], what: str) -> tuple[Choice, ...]:
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
    if config["first_seed"] + config["replicates"] > TUNING_SEEDS:
        raise BenchError(
            f"first_seed: {config['first_seed']} is not allowed; seeds from {TUNING_SEEDS} on are "
            "kept for tuning."
        )
    training = {k: v for k, v in config["training"].items() if k in training_keys()}
    made = Training(**{**training, "clip": config["training"].get("clip", "norm")})
    # those of config.yaml, where a later file names the tasks; or of tasks that nothing trains
    fit = "lengths" in inherited or not (tuning or _train_tasks(config["experiments"]))
    network, width = config["network"], config["width"]
    rates = read_rates(config, tuning=tuning, here=tuned_here(made, width, network))
    sweep = Sweep(
        tasks=unique(parse_tasks(config["tasks"], config["lengths"], fit), "tasks"),
        cells=unique(parse_cells(config["cells"], network), "cells"),
        training=made,
        width=width,
        replicates=config["replicates"],
        seed_block=config["seed_block"],
        sizes=Sizes(),
        first_seed=config["first_seed"],
        rates=rates.by_task(),
        tuned_with=rates.tuned_with,
        network=network,
    )
    for task in sweep.tasks:
        for cell in sweep.cells:
            sweep.width_of(task, cell)
    return sweep


def parse_tasks(given: list[Any], lengths: Lengths, fit: bool) -> list[Choice]:
    """Of entries as `tasks` has them; `fit` takes those of the lengths that a task can have."""
    taken: set[str] = set()
    every = _entries(given, "task", tasks.registry())
    return [_task(entry, lengths, taken, by_all or fit) for entry, by_all in every]


def parse_cells(given: list[Any], network: Mapping[str, object]) -> list[Choice]:
    """Of entries as `cells` has them."""
    taken: set[str] = set()
    return [_cell(entry, taken, network) for entry, _ in _entries(given, "cell", cells.registry())]


def _train_tasks(asked: Iterable[str]) -> bool:
    """Whether one of the experiments trains the sweep's tasks: it has none of its own."""
    every = experiments.registry()
    return any(trains_tasks(every[name]) for name in asked if name in every)


def trains_tasks(cls: type[experiments.Experiment]) -> bool:
    """Whether an experiment trains the sweep's tasks: it has none of its own."""
    idle = cls.members is experiments.Experiment.members
    return not idle and not isinstance(cls.settings, experiments.OwnTasks)
