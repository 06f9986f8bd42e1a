"""From a checked config to conditions. Standard library only.

A sweep holds tasks and cells as the config lists them, each with a label for the figures and a key
(`name(option=value)`) that says what it is. An experiment asks it for conditions; a condition that
two experiments ask for is one condition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import log
from typing import Any, Protocol

from lstm_bench.spec import Condition, SeedBlock, Training, seed_blocks

LENGTH = "T"  # a cell's option of this value is the length it is trained at: {chrono: T}
TUNED_WITH = ("optimiser", "batch", "updates")  # and the width: what a learning rate depends on


@dataclass(frozen=True)
class Choice:
    """A task or a cell with the options that differ from their defaults.

    lengths   of a task: those it is trained at, in the order of the config
    climbs    of a task: its lengths are the rungs of a ladder (`stats.ladder`), from the shortest
              on as far as they are solved
    midpoints, between   of a task that climbs: how often the bracket of T* is split once the climb
              has ended, and the lengths that may come of it
    network   of a cell: the options of its network, the config's and its own
    own       of a cell: the `network`, `width` and `training` its entry gives for itself
    training  of a task: the settings of training that it decides itself
    """

    name: str
    options: Mapping[str, object] = field(default_factory=dict)
    label: str = ""
    lengths: tuple[int, ...] = ()
    climbs: bool = False
    midpoints: int = 0
    between: tuple[int, ...] = ()
    network: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """`lstm`, or `lstm(forget_bias=3)` when an option is chosen; so with what is its own."""
        named = sorted(self.options.items())
        for section in ("network", "training"):
            named += sorted(self.own.get(section, {}).items())
        if "width" in self.own:
            named.append(("width", told_width(self.own["width"])))
        chosen = ", ".join(f"{k}={v}" for k, v in named)
        return f"{self.name}({chosen})" if chosen else self.name

    @property
    def shown(self) -> str:
        return self.label or self.key

    def at(self, T: int) -> dict[str, object]:
        """The options at a length: where one is `T`, it is this one."""
        return {key: T if value == LENGTH else value for key, value in self.options.items()}


def tuned_here(training: Training, width: Any, network: Mapping[str, object]) -> dict[str, object]:
    """The settings of a sweep that its learning rates depend on."""
    kept = {key: getattr(training, key) for key in TUNED_WITH}
    return {**kept, "width": width, "network": dict(network)}


def tuned_as(training: Training, width: Any, task: Choice, cell: Choice) -> dict[str, object]:
    """The same for this pair: what its task decides, and what is the cell's own, stands above."""
    own = {**cell.own.get("training", {}), **task.training}
    changed = replace(training, **{key: own[key] for key in TUNED_WITH if key in own})
    return tuned_here(changed, cell.own.get("width", width), cell.network)


def differing(settings: Mapping[str, object], here: Mapping[str, object]) -> dict[str, object]:
    """What a rate was tuned with and a sweep does otherwise; unless said, with a plain network."""
    every = {"network": {}, **settings} if settings else {}
    return {key: v for key, v in every.items() if _decided(here.get(key, v)) != _decided(v)}


def _decided(setting: object) -> object:
    """Of a width that is matched, what decides it: `within` refuses one, and chooses none."""
    if not isinstance(setting, Mapping):
        return setting
    return {key: value for key, value in setting.items() if key != "within"}


def nearest_rate(tuned: Mapping[int, float], T: int) -> float:
    """Of rates by the length they were tuned at, that of the nearest, as a ratio."""
    return tuned[min(sorted(tuned), key=lambda at: abs(log(at / T)))]


def told_width(width: int | Mapping[str, object]) -> str:
    """`32`, or `10000 parameters` where it is matched."""
    return str(width) if isinstance(width, int) else f"{width['budget']} {width['match']}"


@dataclass(frozen=True)
class Member:
    """A condition's place in an experiment: the labels its table and figure use.

    factors   what this arm of the experiment varies beyond task, cell and length, by name: each is
              a column of `Evidence.runs`
    """

    task: str
    cell: str
    condition: Condition
    factors: Mapping[str, object] = field(default_factory=dict)


class Sizes(Protocol):
    """The sizes of cells on tasks: `parameters`, `state` or `flops`. All raise BenchError."""

    def largest(self, task: Choice, cells: Iterable[Choice], match: str, width: int) -> int:
        """The size of the largest of these cells at this width, of those that can have it."""

    def nearest(self, task: Choice, cell: Choice, match: str, budget: int) -> int:
        """The width at which this cell's size is nearest the budget, however far that is."""

    def matched(
        self, task: Choice, cell: Choice, match: str, budget: int, within: float | None = None
    ) -> int:
        """The same, where the budget must be met within this share of it; None: 2 %."""


@dataclass(frozen=True)
class Sweep:
    """The tasks and cells of the config, and how they are trained.

    width, network   as the config gives them: for cells that have none of their own
    sizes            finds the width at which a cell has a given size
    rates            tuned, by the keys of task and cell and by the length they were tuned at
    """

    tasks: tuple[Choice, ...]
    cells: tuple[Choice, ...]
    training: Training
    width: int | Mapping[str, object]
    replicates: int
    seed_block: int
    sizes: Sizes
    first_seed: int = 0
    rates: Mapping[str, Mapping[str, Mapping[int, float]]] = field(default_factory=dict)
    tuned_with: Mapping[tuple[str, str], Mapping[str, object]] = field(default_factory=dict)
    network: Mapping[str, object] = field(default_factory=dict)

    def chosen(self, labels: Sequence[str] | None) -> list[Choice]:
        """The cells of these labels, in their order; every cell without."""
        known = {cell.shown: cell for cell in self.cells}
        return [known[label] for label in labels] if labels else list(self.cells)

    def width_of(self, task: Choice, cell: Choice) -> int:
        """The hidden units of this cell on this task. Raises BenchError where none fits."""
        width = cell.own.get("width", self.width)
        if isinstance(width, int):
            return width
        return self.sizes.matched(task, cell, **width)

    def learning_rate(self, task: Choice, T: int, cell: Choice) -> float:
        """The rate the cell's entry gives, or that tuned nearest to T, or the config's own."""
        if "learning_rate" in (given := cell.own.get("training", {})):
            return float(given["learning_rate"])
        tuned = self.rates.get(task.key, {}).get(cell.key)
        if not tuned:
            return self.training.learning_rate
        return nearest_rate(tuned, T)

    def untuned(self, tasks: Iterable[Choice]) -> list[tuple[str, str]]:
        """Labels of the pairs on these tasks that take the config's own rate: none was tuned."""
        return [
            (task.shown, cell.shown)
            for task in tasks
            for cell in self.cells
            if cell.key not in self.rates.get(task.key, {})
            and "learning_rate" not in cell.own.get("training", {})
        ]

    def tuned_otherwise(self, tasks: Iterable[Choice]) -> dict[tuple[str, str], dict[str, object]]:
        """By labels of task and cell: what a rate in use was tuned with and this sweep does not."""
        found = {
            (task.shown, cell.shown): differing(
                self.tuned_with.get((task.key, cell.key), {}),
                tuned_as(self.training, self.width, task, cell),
            )
            for task in tasks
            for cell in self.cells
        }
        return {pair: settings for pair, settings in found.items() if settings}

    def condition(self, task: Choice, T: int, cell: Choice, **training: Any) -> Condition:
        """This cell on this task at this length; keyword arguments replace training settings."""
        rate = self.learning_rate(task, T, cell)
        decided = {**cell.own.get("training", {}), **task.training}
        changes = {**decided, "learning_rate": rate, **training}
        return Condition(
            task=task.name,
            T=T,
            cell=cell.name,
            width=self.width_of(task, cell),
            task_options=dict(task.options),
            cell_options=cell.at(T),
            training=replace(self.training, **changes),
            network=dict(cell.network),
        )

    def members(self, tasks: Iterable[Choice], cells: Sequence[Choice]) -> Iterator[Member]:
        """Each of these cells on each of these tasks at each of its lengths."""
        for task in tasks:
            for T in task.lengths:
                for cell in cells:
                    yield Member(task.shown, cell.shown, self.condition(task, T, cell))

    def every_length(self, between: bool = False) -> Iterator[Member]:
        """Every cell on every task at every length, and at those that a climb may try `between`."""
        for task in self.tasks:
            lengths = sorted([*task.lengths, *task.between]) if between else task.lengths
            yield from self.members([replace(task, lengths=tuple(lengths))], self.cells)

    def blocks(self) -> list[SeedBlock]:
        return list(seed_blocks(self.replicates, self.seed_block, self.first_seed))


def once_each(settings: Iterable[Mapping[str, object]]) -> dict[str, object]:
    """The values that these settings have of each key, once each; the value itself where one."""
    found: dict[str, list[Any]] = {}
    for each in settings:
        for key, value in each.items():
            if value not in found.setdefault(key, []):
                found[key].append(value)
    return {key: values[0] if len(values) == 1 else values for key, values in found.items()}
