"""Where a seed block trains, as the workflow's resources say it. Standard library only."""

from __future__ import annotations

from lstm_bench.jobs.devices import as_text, needs_gpu
from lstm_bench.planning.effort import training_mib
from lstm_bench.store.planned import replicates_of
from lstm_bench.store.plans import Plan


def gpus(plan: Plan, condition: str) -> int:
    """1 for a training that takes a GPU, else 0: what `--resources gpu=N` counts."""
    T = plan.conditions[condition].spec.T
    return int(needs_gpu(as_text(plan.config["device"]), T))


def ladder_gpus(plan: Plan, ladder: str) -> int:
    """1 for a climb of which any rung takes a GPU: it holds it from its start."""
    return max(gpus(plan, id) for id in plan.ladders[ladder].conditions)


def search_gpus(plan: Plan, search: str) -> int:
    """The same of a search for learning rates."""
    device = as_text(plan.config["device"])
    return int(any(needs_gpu(device, each.T) for each in plan.searches[search].conditions))


def ladder_mib(plan: Plan, ladder: str) -> int:
    """MiB a climb needs at its peak."""
    return max(block_mib(plan, *pair) for pair in plan.ladders[ladder].runs)


def block_mib(plan: Plan, condition: str, block: str) -> int:
    """MiB a seed block needs at its peak, on whichever device it trains."""
    return training_mib(plan.conditions[condition], replicates_of(block))
