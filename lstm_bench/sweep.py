"""From a checked config to conditions. Standard library only.

A sweep holds tasks and cells as the config lists them, each with a label for the figures and a key
(`name(option=value)`) that says what it is. An experiment asks it for conditions; a condition that
two experiments ask for is one condition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lstm_bench.errors import unknown
from lstm_bench.spec import Condition, SeedBlock, Training, seed_blocks

TUNED_WITH = ("optimiser", "batch", "updates")  # and the width: what a learning rate hangs on


@dataclass(frozen=True)
class Choice:
    """A task or a cell with the options that differ from their defaults.

    network   of a cell: the options of its network, the config's and its own
    own       of a cell: the `network`, `width` and `training` its entry gives for itself
    tuned_at  of a task: the length its learning rates are tuned at
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""
    lengths: tuple[int, ...] = ()
    network: Mapping[str, Any] = field(default_factory=dict)
    own: Mapping[str, Any] = field(default_factory=dict)
    tuned_at: int | None = None

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


def tuned_here(training: Training, width: Any, network: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of a sweep that its learning rates depend on."""
    kept = {key: getattr(training, key) for key in TUNED_WITH}
    return {**kept, "width": width, "network": dict(network)}


def differing(settings: Mapping[str, Any], here: Mapping[str, Any]) -> dict[str, Any]:
    """What a rate was tuned with and a sweep does otherwise; unless said, with a plain network."""
    every = {"network": {}, **settings} if settings else {}
    return {key: value for key, value in every.items() if here.get(key, value) != value}


def told_width(width: int | Mapping[str, Any]) -> str:
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
    factors: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sweep:
    """The experiments to run and the values to run them over.

    width, network   as the config gives them: for cells that have none of their own
    widths           by task and cell key, where they are not `width` for every pair
    settings         the section of each experiment, with its defaults
    own              the tasks of experiments that have tasks of their own
    matched          by task and cell key, widths with as many parameters as the largest cell has
    fair             by what is matched, task and cell key: widths of the reference's size
    """

    tasks: tuple[Choice, ...]
    cells: tuple[Choice, ...]
    training: Training
    width: int | Mapping[str, Any]
    replicates: int
    seed_block: int
    first_seed: int = 0
    rates: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    tuned_with: Mapping[tuple[str, str], Mapping[str, Any]] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    network: Mapping[str, Any] = field(default_factory=dict)
    widths: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    own: Mapping[str, tuple[Choice, ...]] = field(default_factory=dict)
    matched: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    fair: Mapping[str, Mapping[str, Mapping[str, int]]] = field(default_factory=dict)

    def chosen(self, experiment: str) -> list[Choice]:
        """The cells this experiment's section names by their labels; all where it names none.

        Raises BenchError for a label that no cell of the config has.
        """
        known = {cell.shown: cell for cell in self.cells}
        for name in self.settings.get(experiment, {}).get("cells") or ():
            if name not in known:
                raise unknown(f"{experiment}.cells: cell", name, known)
        named = self.settings.get(experiment, {}).get("cells")
        return [known[name] for name in named] if named else list(self.cells)

    def width_of(self, task: str, cell: Choice) -> int:
        """The hidden units of this cell on the task of this key."""
        plain = self.width if isinstance(self.width, int) else 0
        return self.widths.get(task, {}).get(cell.key, plain)

    def learning_rate(self, task: Choice, cell: Choice) -> float:
        """The rate the cell's entry gives, or that tuned for the pair, or the config's own."""
        if "learning_rate" in (given := cell.own.get("training", {})):
            return float(given["learning_rate"])
        return self.rates.get(task.key, {}).get(cell.key, self.training.learning_rate)

    def untuned(self) -> list[tuple[Choice, Choice]]:
        """The pairs that are trained with the config's own rate, for want of a tuned one."""
        every = {t.key: t for t in (*self.tasks, *(t for own in self.own.values() for t in own))}
        pairs = ((task, cell) for task in every.values() for cell in self.cells)
        return [
            (t, c)
            for t, c in pairs
            if c.key not in self.rates.get(t.key, {})
            and "learning_rate" not in c.own.get("training", {})
        ]

    def other_than_tuned(self) -> dict[str, Any]:
        """What rates in use were tuned with and this sweep does otherwise; values, once each."""
        found: dict[str, list[Any]] = {}
        for settings in self.tuned_otherwise().values():
            for key, value in settings.items():
                if value not in found.setdefault(key, []):
                    found[key].append(value)
        return {k: v[0] if len(v) == 1 else v for k, v in found.items()}

    def tuned_otherwise(self) -> dict[tuple[str, str], dict[str, Any]]:
        """By labels of task and cell: what a rate in use was tuned with and this sweep does not."""
        here = tuned_here(self.training, self.width, self.network)
        every = {t.key: t for t in (*self.tasks, *(t for own in self.own.values() for t in own))}
        found = {
            (task.shown, cell.shown): differing(self.tuned_with.get((key, cell.key), {}), here)
            for key, task in every.items()
            for cell in self.cells
        }
        return {pair: settings for pair, settings in found.items() if settings}

    def condition(self, task: Choice, T: int, cell: Choice, **training: Any) -> Condition:
        """This cell on this task at this length; keyword arguments replace training settings."""
        rate = self.learning_rate(task, cell)
        changes = {**cell.own.get("training", {}), "learning_rate": rate, **training}
        return Condition(
            task=task.name,
            T=T,
            cell=cell.name,
            width=self.width_of(task.key, cell),
            task_options=dict(task.options),
            cell_options=dict(cell.options),
            training=replace(self.training, **changes),
            network=dict(cell.network),
        )

    def every_length(self) -> Iterator[Member]:
        """Every cell on every task at every length."""
        for task in self.tasks:
            for T in task.lengths:
                for cell in self.cells:
                    yield Member(task.shown, cell.shown, self.condition(task, T, cell))

    def blocks(self) -> list[SeedBlock]:
        return list(seed_blocks(self.replicates, self.seed_block, self.first_seed))
