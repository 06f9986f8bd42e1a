"""The memory card of a cell as a config: what fits into the minutes, fixed before anything runs.

The preset `workflow/presets/card.yaml` is the largest card. How long its trainings and searches for
learning rates take is estimated from updates measured here; of the smaller ones, with shorter
ladders and fewer tasks, the first that fits is written down, and from then on the card is that one:
nothing is cut by the clock, and a second call changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from lstm_bench.errors import BenchError
from lstm_bench.experiments.tuning import anchors
from lstm_bench.planning import estimate
from lstm_bench.planning.ensure import ensure_plan
from lstm_bench.planning.overlays import inherited, merged, read_layers
from lstm_bench.spec import Condition
from lstm_bench.stats.rate_search import NEAR
from lstm_bench.store.files import write_bytes, write_json
from lstm_bench.store.paths import CARD_CONFIG, CARD_PLAN, Results
from lstm_bench.store.plans import Plan
from lstm_bench.store.rates import read_rates
from lstm_bench.sweep import Choice, differing, tuned_as, tuned_here

PRESET = "workflow/presets/card.yaml"
BESIDE = ("lstm", "gru", "elman")
# measured with a card of 7 min 43 s on two quiet cores
AROUND = 120.0  # seconds on the clock: plans, Snakemake, probes, the page, MLflow
WITH_EVALUATIONS = 1.35  # times the updates: evaluations, starts of processes
USED = 0.6  # of its budget a trial of a search uses, in the mean: most rates solve a short length
Measure = Callable[[Condition, int], float]


@dataclass(frozen=True)
class Size:
    """How large a card is: its first so many tasks, with ladders up to a length."""

    tasks: int
    longest: int


def entries(cell: Mapping[str, object]) -> list[Any]:
    """What stands under `cells`: the cell, and those beside it that it is not itself."""
    alone = dict(cell) == {"cell": cell.get("cell")}
    return [dict(cell), *(name for name in BESIDE if not (alone and cell["cell"] == name))]


def sizes(tasks: int, lengths: Sequence[int]) -> Iterator[Size]:
    """The largest first: ladders grow shorter by a rung down to two, then tasks are left out."""
    rungs = sorted(set(lengths))[1:]
    yield from (Size(tasks, longest) for longest in reversed(rungs))
    yield from (Size(count, rungs[0]) for count in range(tasks - 1, 0, -1))


def plan_card(
    cell: Mapping[str, object],
    plugins: Sequence[str],
    minutes: float,
    cores: int,
    measure: Measure,
    results: Results,
) -> Path:
    """The config of a cell's card, written where it is missing; returns its path.

    Raises BenchError for a cell that cannot be planned, and where no card fits into the minutes.
    """
    layers = read_layers(["config.yaml", PRESET])
    own: dict[str, Any] = {"cells": entries(cell)}
    own |= {"plugins": list(plugins)} if plugins else {}
    plan = _planned([*layers, ("the card", own)])
    folder = results.card(plan.sweep.cells[0].shown)
    path = folder / CARD_CONFIG
    if path.exists():
        return path
    costs = Costs.of(plan, measure, results)
    tasks = [task.shown for task in plan.sweep.tasks]
    lengths = sorted({T for task in plan.sweep.tasks for T in task.lengths})
    tried = [(size, costs.seconds(plan, size, cores)) for size in sizes(len(tasks), lengths)]
    fitting = [each for each in tried if each[1] <= 60 * minutes]
    if not fitting:
        least = tried[-1][1] / 60
        raise BenchError(
            f"--minutes: {minutes:g} is not enough for {plan.sweep.cells[0].shown}, whose smallest "
            f"card takes about {least:.0f} minutes on {cores} cores here; allow more."
        )
    size, seconds = fitting[0]
    preset = merged(layers)
    own |= {"tasks": preset["tasks"][: size.tasks]}
    own |= {"lengths": {**preset["lengths"], "to": size.longest}}
    told = [f"The task {task}." for task in tasks[size.tasks :]]
    if size.longest < lengths[-1]:
        told.append(f"Lengths up to T = {lengths[-1]}, which a card of more minutes has.")
    about = {"minutes": minutes, "cores": cores, "estimated_seconds": round(seconds)}
    write_json(folder / CARD_PLAN, {**about, "not_tried": told})
    text = yaml.safe_dump(own, sort_keys=False, allow_unicode=True)
    write_bytes(path, f"# over config.yaml and {PRESET}\n{text}".encode())
    return path


def _planned(layers: list[tuple[str, Mapping[str, object]]]) -> Plan:
    return ensure_plan(merged(layers), Path(), inherited(layers))


def untuned(plan: Plan, results: Results) -> dict[str, dict[str, list[int]]]:
    """By label of a cell and of a task: the lengths at which their rate is still to be tuned.

    All of them where it was not tuned as this card trains. A cell that was tuned for shorter
    ladders is tuned further, as the others are.
    """
    sweep = plan.sweep
    here = tuned_here(sweep.training, sweep.width, sweep.network)
    rates = read_rates(plan.config, results.root, tuning=True, here=here)

    def lacking(task: Choice, cell: Choice) -> list[int]:
        pair, trained = (task.key, cell.key), tuned_as(sweep.training, sweep.width, task, cell)
        if differing(rates.tuned_with.get(pair, {}), trained):
            return list(anchors(task))
        return rates.missing(pair, anchors(task))

    found = {c.shown: {t.shown: lacking(t, c) for t in sweep.tasks} for c in sweep.cells}
    return {cell: tasks for cell, tasks in found.items() if any(tasks.values())}


@dataclass(frozen=True)
class Costs:
    """CPU seconds by seed block and by trial of a search, each with its task's label and T."""

    blocks: Sequence[tuple[str, int, float]]
    trials: Sequence[tuple[str, int, float]]

    @classmethod
    def of(cls, plan: Plan, measure: Measure, results: Results) -> Costs:
        pairs = plan.blocks(plan.asked)
        calibration = estimate.calibrate(plan, pairs, measure)
        shares = estimate.used_shares(plan, results)
        places = {
            member.condition: (member.task, member.cell)
            for name in reversed(plan.asked)
            for member in plan.experiments[name].members
        }
        trials = []
        # a search goes through all lengths of all tasks, whatever of them is missing: `seconds`
        # leaves it out of a card that ends before
        missing = {
            cell: min(T for lengths in tasks.values() for T in lengths)
            for cell, tasks in untuned(plan, results).items()
        }
        blocks, settings = [], plan.experiments["tuning"].settings
        counts = (len(settings["rates"]) * settings["first"], len(NEAR) * settings["later"])
        tuned_at = {task.shown: anchors(task) for task in plan.sweep.tasks}
        for id, block in pairs:
            task, cell = places[id]
            T = plan.conditions[id].spec.T
            whole, likely = estimate.block_seconds(plan, id, block, calibration, shares)
            blocks.append((task, T, likely))
            if cell in missing and (id, block) in plan.ladder_of and T in tuned_at[task]:
                count = counts[T > tuned_at[task][0]] + 2 * settings["more"]
                cost = USED * count * whole / plan.sweep.replicates
                trials.append((task, max(T, missing[cell]), cost))
        return cls(blocks, trials)

    def seconds(self, plan: Plan, size: Size, cores: int) -> float:
        """Seconds on the clock of a card of this size."""
        every = [task.shown for task in plan.sweep.tasks]
        dropped = set(every[size.tasks :])

        def total(costs: Iterable[tuple[str, int, float]]) -> float:
            return sum(s for task, T, s in costs if task not in dropped and T <= size.longest)

        return AROUND + WITH_EVALUATIONS * (total(self.blocks) + total(self.trials)) / cores
