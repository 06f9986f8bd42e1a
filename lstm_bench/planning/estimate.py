"""What a sweep will take: by the cost model, corrected by trainings measured on this machine.

Every measured condition gives a factor, measured over modelled seconds of an update. A condition
takes the factor of the measured one that is nearest: of the same task and cell, else of the same
cell, else the median of all; among those of one kind, the nearest in T.

Two numbers are given. `budget` is an upper bound: every replicate uses all of its updates.
`expected` takes a share of them: what stored runs of the same task and cell used, at the nearest
length, else EXPECTED, about the mean of plain trainings; CLIMBED of those of a ladder.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import log
from statistics import mean, median

from lstm_bench.planning import effort
from lstm_bench.spec import Condition, canonical, evaluations
from lstm_bench.store.collect import read_all
from lstm_bench.store.paths import Results
from lstm_bench.store.planned import PlannedCondition, replicates_of
from lstm_bench.store.plans import Plan

SECONDS = 10.0  # of calibration
START = 0.75  # CPU seconds a job takes beside training: forked from one process, reading, writing
EXPECTED = 0.6
CLIMBED = 0.2  # of a ladder's whole budget: most of its rungs are not tried, or are quick
PER_BLOCK = 30_000  # bytes: the tables of a block, its log and its lines in the workflow's records
PER_POINT = 24  # bytes of a stored point of a curve
PER_RUN = 45_000  # bytes of a run in MLflow

Kind = tuple[str, str]


@dataclass(frozen=True)
class Calibration:
    """Factors of measured conditions by kind: pairs of (steps, factor)."""

    factors: Mapping[Kind, list[tuple[int, float]]] = field(default_factory=dict)

    def of(self, entry: PlannedCondition) -> float:
        kind, steps = _kind(entry), entry.effort.steps
        near = self.factors.get(kind) or [
            pair for (_, cell), found in self.factors.items() if cell == kind[1] for pair in found
        ]
        if near:
            return _nearest(near, steps)
        every = [factor for found in self.factors.values() for _, factor in found]
        return median(every) if every else 1.0


def _kind(entry: PlannedCondition) -> Kind:
    spec = entry.spec
    cell = [spec.cell, spec.cell_options, spec.width, spec.network]
    return canonical([spec.task, spec.task_options]), canonical(cell)


def calibrate(
    plan: Plan,
    blocks: Iterable[tuple[str, str]],
    measure: Callable[[Condition, int], float],
    limit: float = SECONDS,
) -> Calibration:
    """Measure conditions for so many CPU seconds: of every kind the longest, then the shortest."""
    kinds: dict[Kind, list[tuple[str, int]]] = {}
    for id, block in blocks:
        kinds.setdefault(_kind(plan.conditions[id]), []).append((id, replicates_of(block)))
    order = []
    for place in (-1, 0):
        for found in kinds.values():
            found.sort(key=lambda each: plan.conditions[each[0]].effort.steps)
            if found[place] not in order:
                order.append(found[place])
    factors: dict[Kind, list[tuple[int, float]]] = {}
    started = time.process_time()
    for id, replicates in order:
        if factors and time.process_time() - started > limit:
            break
        entry = plan.conditions[id]
        measured = measure(entry.spec, replicates)
        factor = measured / effort.update_seconds(entry, replicates)
        factors.setdefault(_kind(entry), []).append((entry.effort.steps, factor))
    return Calibration(factors)


def used_shares(plan: Plan, results: Results) -> dict[Kind, list[tuple[int, float]]]:
    """By task and cell, pairs of (steps, mean share of the budget that stored runs used)."""
    found: dict[Kind, dict[int, list[float]]] = {}
    for id, block in plan.blocks(plan.asked):
        file = results.block(id, block) / "replicates.parquet"
        if file.exists():
            entry = plan.conditions[id]
            used = read_all([file]).updates / entry.spec.training.updates
            of_kind = found.setdefault(_kind(entry), {})
            of_kind.setdefault(entry.effort.steps, []).append(float(used.mean()))
    return {
        kind: [(steps, mean(shares)) for steps, shares in by_steps.items()]
        for kind, by_steps in found.items()
    }


def block_seconds(
    plan: Plan,
    id: str,
    block: str,
    calibration: Calibration,
    shares: Mapping[Kind, list[tuple[int, float]]],
) -> tuple[float, float]:
    """CPU seconds of a seed block at its whole budget, and those to expect."""
    entry, replicates = plan.conditions[id], replicates_of(block)
    whole = effort.training_seconds(entry, replicates) * calibration.of(entry)
    stops = entry.spec.training.stop == "solved"
    known = shares.get(_kind(entry))
    if ladder := plan.ladders.get(plan.ladder_of.get((id, block), "")):
        if ladder.between(id):  # few of them are tried
            whole *= ladder.midpoints / (len(ladder.conditions) - len(ladder.lengths))
        return whole, CLIMBED * whole
    likely = _nearest(known, entry.effort.steps) if known else EXPECTED
    return START + whole, START + (likely if stops else 1.0) * whole


def _nearest(pairs: Iterable[tuple[int, float]], steps: int) -> float:
    """The value of the pair whose steps are nearest, as a ratio."""
    return min(pairs, key=lambda pair: abs(log(pair[0] / steps)))[1]


def block_bytes(entry: PlannedCondition, block: str) -> int:
    """Bytes a finished seed block takes on disk, MLflow's included."""
    training, replicates = entry.spec.training, replicates_of(block)
    points = replicates * evaluations(training)
    weights = 4 * entry.parameters * replicates
    return PER_BLOCK + PER_POINT * points + weights + PER_RUN * (replicates + 1)
