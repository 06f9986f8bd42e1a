"""From a checked config to conditions. Standard library only.

A sweep holds tasks and cells as the config lists them, each with a label for the figures and a key
(`name(option=value)`) that says what it is. An experiment asks it for conditions; a condition that
two experiments ask for is one condition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lstm_bench.spec import Condition, SeedBlock, Training, seed_blocks

TUNED_WITH = ("optimiser", "batch", "updates")  # and the width: what a learning rate hangs on


@dataclass(frozen=True)
class Choice:
    """A task or a cell with the options that differ from their defaults."""

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    label: str = ""
    lengths: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        """`lstm`, or `lstm(forget_bias=3)` when an option is chosen."""
        chosen = ", ".join(f"{k}={v}" for k, v in sorted(self.options.items()))
        return f"{self.name}({chosen})" if chosen else self.name

    @property
    def shown(self) -> str:
        return self.label or self.key


@dataclass(frozen=True)
class Member:
    """A condition's place in an experiment: the labels its table and figure use."""

    task: str
    cell: str
    condition: Condition


@dataclass(frozen=True)
class Sweep:
    """The experiments to run and the values to run them over."""

    tasks: tuple[Choice, ...]
    cells: tuple[Choice, ...]
    training: Training
    width: int
    replicates: int
    seed_block: int
    first_seed: int = 0
    rates: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    tuned_with: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def learning_rate(self, task: Choice, cell: Choice) -> float:
        """The tuned rate of this pair, or the config's own where none was tuned."""
        return self.rates.get(task.key, {}).get(cell.key, self.training.learning_rate)

    def untuned(self) -> list[tuple[Choice, Choice]]:
        """The pairs that are trained with the config's own rate, for want of a tuned one."""
        pairs = ((task, cell) for task in self.tasks for cell in self.cells)
        return [(t, c) for t, c in pairs if c.key not in self.rates.get(t.key, {})]

    def other_than_tuned(self) -> dict[str, Any]:
        """What the rates were tuned with and this sweep does otherwise."""
        here = {"width": self.width, **{k: getattr(self.training, k) for k in TUNED_WITH}}
        return {k: v for k, v in self.tuned_with.items() if here.get(k, v) != v}

    def condition(self, task: Choice, T: int, cell: Choice, **training: Any) -> Condition:
        """This cell on this task at this length; keyword arguments replace training settings."""
        changes = {"learning_rate": self.learning_rate(task, cell), **training}
        return Condition(
            task=task.name,
            T=T,
            cell=cell.name,
            width=self.width,
            task_options=dict(task.options),
            cell_options=dict(cell.options),
            training=replace(self.training, **changes),
        )

    def every_length(self) -> Iterator[Member]:
        """Every cell on every task at every length."""
        for task in self.tasks:
            for T in task.lengths:
                for cell in self.cells:
                    yield Member(task.shown, cell.shown, self.condition(task, T, cell))

    def blocks(self) -> list[SeedBlock]:
        return list(seed_blocks(self.replicates, self.seed_block, self.first_seed))
