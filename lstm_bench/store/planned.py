"""The entries of a plan: what is trained, for which questions, and what decides the results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lstm_bench.spec import Condition, SeedBlock
from lstm_bench.sweep import Choice


@dataclass(frozen=True)
class Effort:
    """What the time and memory of a training depend on beside its condition (`planning.effort`).

    way                    how the engine goes through time: kernel, scan or loop
    steps, inputs          of a sequence: its time steps, and the numbers at each
    answers                numbers of output of a sequence, over its target steps
    """

    way: str = "loop"
    steps: int = 0
    inputs: int = 0
    answers: int = 0


@dataclass(frozen=True)
class PlannedCondition:
    """A condition with what can be said of it before it is trained.

    code                     the versions that decide its results
    parameters, state_size   of its network, numbers; 0 where its cell's plugin is not loaded
    flops_per_update         of one replicate's batch, forward and backward
    solved_score             the criterion, in the score that `score_name` names
    priority                 Snakemake's: the longest trainings come first
    """

    spec: Condition
    code: str = ""
    parameters: int = 0
    state_size: int = 0
    flops_per_update: int = 0
    solved_score: float = 0.0
    score_name: str = ""
    priority: int = 0
    effort: Effort = field(default_factory=Effort)


@dataclass(frozen=True)
class PlannedMember:
    """A condition, by its id, and its place in an experiment: see `sweep.Member`."""

    task: str
    cell: str
    condition: str
    factors: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class PlannedExperiment:
    """What an experiment asks for, and what its results depend on.

    blocks         names of the seed blocks of each of its members
    tasks          of its own, where it has some
    probe          the module of `probes` that measures for it, or None
    probe_settings, probe_code   the parameters of that probe, and the digest of its code
    searches       whether it reads what the plan's searches found
    reads          experiments whose table it joins
    beside         whether it belongs on the page though the config does not list it
    settings       its section of the config, with its defaults, fitted to the sweep
    code, figure_code   digests of the code of its tables, and of its figures
    supplement     whether it draws a supplement beside its figure
    """

    members: tuple[PlannedMember, ...] = ()
    blocks: tuple[str, ...] = ()
    tasks: tuple[Choice, ...] = ()
    probe: str | None = None
    probe_settings: Mapping[str, Any] = field(default_factory=dict)
    probe_code: str = ""
    searches: bool = False
    reads: tuple[str, ...] = ()
    beside: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    code: str = ""
    figure_code: str = ""
    supplement: bool = False

    @property
    def runs(self) -> list[tuple[str, str]]:
        """(condition id, block name) of every seed block it needs."""
        return [(member.condition, block) for member in self.members for block in self.blocks]


@dataclass(frozen=True)
class PlannedLadder:
    """A task and a cell, by their labels, climbed rung by rung in one job (`jobs.climb`).

    conditions   one a length, by id; then those of every midpoint that it may come to
    blocks       the seed blocks that each rung may try, in their order
    midpoints    how often the bracket of T* is split, once the climb has ended
    """

    task: str
    cell: str
    lengths: tuple[int, ...]
    conditions: tuple[str, ...]
    blocks: tuple[str, ...]
    midpoints: int = 0

    @property
    def runs(self) -> list[tuple[str, str]]:
        """(condition id, block name) of every seed block it may train."""
        return [(id, block) for id in self.conditions for block in self.blocks]

    @property
    def asked(self) -> list[object]:
        """The same as its record has it."""
        return [list(pair) for pair in self.runs]

    def between(self, condition: str) -> bool:
        """Whether this one is of a midpoint: no rung, and nothing where it was not come to."""
        return condition in self.conditions[len(self.lengths) :]


@dataclass(frozen=True)
class PlannedSearch:
    """The learning rates of a cell on a task, by their keys, along its lengths (`jobs.search`).

    conditions   one an anchor, at whatever rate
    rates        the grid of the first anchor
    first, later, more   see `stats.rate_search.tune`
    code         the versions that decide its results
    """

    task: str
    cell: str
    conditions: tuple[Condition, ...]
    rates: tuple[float, ...]
    first: int
    later: int
    more: int
    code: str = ""

    @property
    def asked(self) -> list[object]:
        """All that decides which trainings it tries."""
        numbers = (list(self.rates), self.first, self.later, self.more)
        return [[condition.id for condition in self.conditions], *numbers]


@dataclass(frozen=True)
class PlannedArm:
    """A line of a published table: its condition, by id, and its seed blocks."""

    label: str
    condition: str
    blocks: tuple[str, ...]

    @property
    def runs(self) -> list[tuple[str, str]]:
        """(condition id, block name) of every seed block it needs."""
        return [(self.condition, block) for block in self.blocks]


@dataclass(frozen=True)
class PlannedTable:
    """A published table and the digest of the code that judges it."""

    arms: tuple[PlannedArm, ...] = ()
    code: str = ""

    @property
    def runs(self) -> list[tuple[str, str]]:
        """(condition id, block name) of every seed block it needs."""
        return [pair for arm in self.arms for pair in arm.runs]


@dataclass(frozen=True)
class PlannedClaim:
    """The keys of a `claims.Claim`; `not_judged` is why this sweep cannot judge it, or empty."""

    declared: Mapping[str, Any]
    not_judged: str = ""


@dataclass(frozen=True)
class PlannedDeclaration:
    """What the verdicts rest on, and whether it was declared before (`planning.declare`).

    digest         of all that verdicts read
    first_seed     the one that follows from the digest
    number, date   of its line in docs/declarations.md; 0 and nothing where it has none
    exploratory    why verdicts are no confirmation, or nothing
    """

    digest: str = ""
    first_seed: int = 0
    number: int = 0
    date: str = ""
    exploratory: str = ""


def replicates_of(block: str) -> int:
    """How many seeds a seed block of this name has."""
    return len(SeedBlock.parse(block).seeds)
