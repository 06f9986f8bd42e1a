"""What a seed block takes: seconds and memory from the numbers of its condition in the plan.

    seconds = START + evaluated * updates * (R * (UPDATE + flops / FLOPS) + steps * STEP[way])
    evaluated = 1 + validation / (3 * batch * evaluate_every)

The budget of updates is an upper bound: a replicate that has solved its task stops before. The
constants are of one core of a common server CPU of 2026; `flops` are those of forward and
backward passes of one replicate's batch. A cluster's jobs are sized by these numbers, so they are
kept on the safe side there (`planning.packing`). Standard library only: the Snakefile reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil, isqrt
from typing import Any

START = 4.0  # seconds: Python, torch, and Snakemake's own work around a job
UPDATE = 4e-4  # seconds a replicate: drawing data, readout, clipping, optimiser
FLOPS = 5e10  # floating-point operations a second of one core
STEP = {  # seconds a time step costs to call, whatever the size: forward and backward
    "kernel": 0.0,
    "scan": 1e-4,
    "loop": 8e-4,
}
PROCESS = 700  # MiB: Python, torch and what compiles the kernel
AROUND = 300  # MiB: Snakemake inside a cluster's job
KEPT = {"kernel": 8, "scan": 24, "loop": 40}  # numbers kept a step for each number of state


def seconds(entry: Mapping[str, Any], replicates: int) -> float:
    """Seconds one core takes for a block of so many replicates of `plan.conditions[id]`."""
    training, effort = _training(entry), entry["effort"]
    update = replicates * (UPDATE + entry["flops_per_update"] / FLOPS)
    update += effort["steps"] * STEP[effort["way"]]
    held_out = effort["validation"] / (3 * training["batch"] * training["evaluate_every"])
    return START + training["updates"] * update * (1 + held_out)


def memory_mib(entry: Mapping[str, Any], replicates: int) -> int:
    """MiB a job holds at its peak: the process, weights, states kept for the gradient, data."""
    training, effort = _training(entry), entry["effort"]
    steps, batch = effort["steps"], 32 * ceil(training["batch"] / 32)
    kept = 2 * isqrt(steps) + 1 if training.get("recompute") else steps
    states = 4 * KEPT[effort["way"]] * kept * batch * replicates * entry["state_size"]
    weights = 4 * 8 * entry["parameters"] * replicates
    data = 4 * steps * effort["inputs"] * 4 * (batch * replicates + effort["held_out"])
    return PROCESS + AROUND + ceil((states + weights + data) / 2**20)


def _training(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    return entry["spec"]["training"]
