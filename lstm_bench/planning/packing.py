"""Seed blocks packed into jobs of a cluster, and what each block asks of it. Standard library only.

A cluster's job takes seconds to start, as long as many a block takes to train. Snakemake packs jobs
by their group, so many to a job of the cluster (`--group-components`). A block's group is named by
the power of two of seconds that it will not exceed: `train_64s` holds those of 33 to 64 seconds.
How many of these make a job of the wanted length does not depend on the sweep, so that one list of
groups (profiles/slurm) serves every config.
"""

from __future__ import annotations

from math import ceil, log2, sqrt

from lstm_bench.planning import effort
from lstm_bench.store.planned import PlannedCondition, replicates_of
from lstm_bench.store.plans import Plan

MINUTES = 20  # the wanted length of a cluster's job
START = 6.0  # seconds: within a cluster's job Snakemake starts once more for each block
SHORTEST, LONGEST = 16, 4096  # seconds: the first and the last group
MOST = 40  # blocks in a job: each asks for whole minutes, and the sum is the job's time limit
LEAST = 2  # minutes: Slurm may send the signal that goes before the limit a minute too early
GPU = "_gpu"
MARGIN = 2.0  # of the time limit, for slower cores than those that were measured


def group(entry: PlannedCondition, block: str, gpus: int = 0) -> str:
    """The name of the group of a block (`seeds-000-004`) of this condition of the plan.

    Blocks for a GPU have groups of their own: no other one holds a GPU it does not use.
    """
    return _group(_seconds(entry, block), gpus)


def group_of_ladder(plan: Plan, ladder: str, gpus: int = 0) -> str:
    """The same of a climb."""
    return _group(_ladder_seconds(plan, ladder), gpus)


def _group(seconds: float, gpus: int) -> str:
    bound = min(max(2 ** ceil(log2(seconds)), SHORTEST), LONGEST)
    return f"train_{bound}s{GPU if gpus else ''}"


def components(wanted: float = MINUTES) -> dict[str, int]:
    """How many blocks of each group make a job of so many minutes; one where a block is as long."""
    lengths = [2**n for n in range(int(log2(SHORTEST)), int(log2(LONGEST)) + 1)]
    return {
        f"train_{seconds}s{device}": max(1, min(MOST, round(60 * wanted * sqrt(2) / seconds)))
        for device in ("", GPU)
        for seconds in lengths
    }


def minutes(entry: PlannedCondition, block: str, attempt: int) -> int:
    """The time limit of a block; one that ran into it gets more at each attempt."""
    return attempt * max(LEAST, ceil(MARGIN * _seconds(entry, block) / 60))


def ladder_minutes(plan: Plan, ladder: str, attempt: int) -> int:
    """The time limit of a climb, should it reach the top."""
    return attempt * max(LEAST, ceil(MARGIN * _ladder_seconds(plan, ladder) / 60))


def ladder_mem_mb(plan: Plan, ladder: str, attempt: int) -> int:
    """The memory of a climb in MB."""
    runs = plan.ladders[ladder].runs
    return max(mem_mb(plan.conditions[id], block, attempt) for id, block in runs)


def mem_mb(entry: PlannedCondition, block: str, attempt: int) -> int:
    """The memory of a block in MB; one that was killed for it gets more at each attempt."""
    mib = effort.memory_mib(entry, replicates_of(block))
    return attempt * ceil(mib * 2**20 / 10**6)


def _ladder_seconds(plan: Plan, ladder: str) -> float:
    climbed = plan.ladders[ladder]
    rungs = climbed.conditions[: len(climbed.lengths)]
    every = [sum(_seconds(plan.conditions[id], block) for block in climbed.blocks) for id in rungs]
    return sum(every) + climbed.midpoints * max(every)


def _seconds(entry: PlannedCondition, block: str) -> float:
    return START + effort.seconds(entry, replicates_of(block))
