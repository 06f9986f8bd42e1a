"""What the plans of a results folder say of what is stored in it.

Every config leaves a plan, and runs of all of them are shown. The plan that is tracked speaks
first, then the others, the newest first; what no plan knows (`lstm-bench train`) is read off its
files.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from lstm_bench.errors import BenchError, DamagedFile, tell
from lstm_bench.spec import Condition
from lstm_bench.store.conditions import read_condition
from lstm_bench.store.paths import Results
from lstm_bench.store.planned import PlannedCondition
from lstm_bench.store.plans import Plan
from lstm_bench.sweep import Choice
from lstm_bench.tasks import create

# a plan of no sweep: beside it there may be single trainings
NOTHING = Plan({"experiments": [], "tracking": {}, "plugins": []})
Pair = tuple[str, str]  # a condition and a seed block, by their names


@dataclass(frozen=True)
class Ask:
    """What a plan asks of an experiment: conditions, and what it calls them, with seed blocks.

    last   of the plan that is tracked
    ran    that plan was run: an experiment has what was trained for it, not what was planned
    """

    experiment: str
    labels: Mapping[str, Pair]  # task and cell by condition
    blocks: Collection[str]
    last: bool
    ran: bool


@dataclass(frozen=True)
class Known:
    """Plan entries and labels of conditions that are planned or stored, and who asks for them."""

    conditions: Mapping[str, PlannedCondition]
    labels: Mapping[str, Pair]
    asks: Sequence[Ask]
    cells: Sequence[str]
    stored: Sequence[Pair]
    planned: Sequence[str]  # experiments, those of the plan that is tracked first

    @classmethod
    def of(cls, plan: Plan, results: Results) -> Known:
        stored = [(folder.parent.name, folder.name) for folder in results.blocks()]
        conditions: dict[str, PlannedCondition] = {}
        labels: dict[str, Pair] = {}
        asks, cells, planned = [], dict[str, None](), set[str]()
        experiments = dict[str, None]()
        for each in every_plan(plan, results):
            planned.update(each.conditions)
            if tracked_as(each) != tracked_as(plan):
                continue
            cells.update(dict.fromkeys(cell.shown for cell in each.sweep.cells))
            experiments.update(dict.fromkeys(each.experiments))
            for ask in _asks(each, set(stored), each is plan):
                asks.append(ask)
                for id, pair in ask.labels.items():
                    conditions.setdefault(id, each.conditions[id])
                    labels.setdefault(id, pair)
        for id in dict.fromkeys(id for id, _ in stored if id not in planned):
            try:
                conditions[id], labels[id] = _described(read_condition(results, id))
            except DamagedFile as error:
                tell(error)
        return cls(conditions, labels, asks, list(cells), stored, list(experiments))

    def experiments(self, id: str, blocks: Collection[str], last: bool = False) -> list[str]:
        """Those that judge these seed blocks of a condition; `last`: in the last sweep."""
        judged = (a for a in self.asks if a.ran and id in a.labels and a.last >= last)
        return list(dict.fromkeys(a.experiment for a in judged if set(blocks) & set(a.blocks)))

    def concluded(self, results: Results) -> list[str]:
        """The experiments that left an answer."""
        return [n for n in self.planned if (results.experiment(n) / "verdict.json").exists()]

    def sweep(self, id: str) -> str:
        """Which sweep a condition is of: the `last`, an `earlier` one, or `none`."""
        of = [ask.last for ask in self.asks if id in ask.labels]
        return "last" if any(of) else "earlier" if of else "none"


def plan_of(results: Results) -> Plan:
    """The plan last run, or that of no sweep. Raises BenchError where nothing was run."""
    if not results.plans() and (results.blocks() or results.under_way()):
        return replace(NOTHING, path=results.plan("none"))
    return Plan.last_run(results)


def tracked_as(plan: Plan) -> str:
    """The name of the MLflow experiment of this plan's runs."""
    return plan.config["tracking"].get("experiment", "lstm_bench")


def every_plan(plan: Plan, results: Results) -> Iterator[Plan]:
    """This plan, then the others of its folder, the newest first; damaged ones are told."""
    yield plan
    for path in reversed(results.plans()):
        if path.name != plan.path.name:
            try:
                yield _read(path, path.stat().st_mtime_ns)
            except DamagedFile as error:
                tell(error)


@lru_cache(maxsize=64)
def _read(path: Path, _: int) -> Plan:
    return Plan.read(path)


def _asks(plan: Plan, stored: Collection[Pair], last: bool) -> Iterator[Ask]:
    ran = last or plan.path.with_suffix(".ran").exists()  # the mark of a plan that was run
    for name in dict.fromkeys([*plan.asked, *plan.experiments]):
        entry = plan.experiments[name]
        labels: dict[str, Pair] = {}
        for member in entry.members:
            labels.setdefault(member.condition, (member.task, member.cell))
        # without one, as up to 0.3.4, what it asks for must be there
        there = ran or all(pair in stored for pair in entry.runs)
        yield Ask(name, labels, entry.blocks, last, there)


def _described(condition: Condition) -> tuple[PlannedCondition, Pair]:
    """What a plan would say of a condition that none knows, and what it would call it."""
    from lstm_bench.training.facts import describe, facts

    entry = PlannedCondition(condition)
    with contextlib.suppress(BenchError):  # of a plugin that is not loaded: no sizes, no criterion
        task = create(condition.task, condition.task_options)
        entry = describe(condition, task, facts(condition, task))
    named = Choice(condition.task, condition.task_options)
    own = {"network": condition.network}
    cell = Choice(condition.cell, condition.cell_options, own=own)
    return entry, (named.shown, cell.shown)
