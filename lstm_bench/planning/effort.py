"""What a seed block takes: seconds and memory from the numbers of its condition in the plan.

    seconds = START + evaluated * updates * (R * one + steps * STEP[way])
    one = UPDATE + flops / FLOPS + states * STATE
    evaluated = 1 + evaluations * validation / (3 * batch * updates)

The budget of updates is an upper bound: a replicate that has solved its task stops before. The
constants are of one core of a common server CPU of 2026; `flops` are those of forward and
backward passes of one replicate's batch, `states` the numbers of state it goes through. A cluster's
jobs are sized by these numbers, so they are kept on the safe side there (`planning.packing`).
Standard library only: the Snakefile reads it.
"""

from __future__ import annotations

from math import ceil, isqrt

from lstm_bench.spec import evaluations
from lstm_bench.store.planned import PlannedCondition

BACKWARD = 3  # forward and backward passes together cost three forward passes
DRAWN = 512  # sequences that are tested or confirmed at a time (`training.evaluation`)
START = 4.0  # seconds: Python, torch, and Snakemake's own work around a job
UPDATE = 4e-4  # seconds a replicate: drawing data, readout, clipping, optimiser
FLOPS = 5e10  # floating-point operations a second of one core
STATE = 2e-9  # seconds a number of state, step and sequence: what squashes and stores it
STEP = {  # seconds a time step costs to call, whatever the size: forward and backward
    "kernel": 0.0,
    "scan": 1e-4,
    "loop": 8e-4,
}
PROCESS = 700  # MiB: Python, torch and what compiles the kernel
AROUND = 300  # MiB: Snakemake inside a cluster's job
OUTPUTS = 4  # copies of the outputs of a batch: they, their logarithms, and both gradients
TOGETHER = 128  # sequences that are evaluated at a time (`training.evaluation`)
KEPT = {"kernel": 8, "scan": 24, "loop": 40}  # numbers kept a step for each number of state


def seconds(entry: PlannedCondition, replicates: int) -> float:
    """Seconds one core takes for a block of so many replicates of `plan.conditions[id]`."""
    return START + training_seconds(entry, replicates)


def training_seconds(entry: PlannedCondition, replicates: int) -> float:
    """Seconds of its updates and evaluations alone."""
    training = entry.spec.training
    forward = evaluations(training) * training.validation_size
    updates = training.updates + forward / (BACKWARD * training.batch)
    return updates * update_seconds(entry, replicates)


def update_seconds(entry: PlannedCondition, replicates: int) -> float:
    """Seconds of one update."""
    effort = entry.effort
    states = entry.state_size * effort.steps * entry.spec.training.batch
    one = UPDATE + entry.flops_per_update / FLOPS + states * STATE
    return replicates * one + effort.steps * STEP[effort.way]


def memory_mib(entry: PlannedCondition, replicates: int) -> int:
    """MiB a cluster's job holds at its peak: Snakemake and the training."""
    return AROUND + training_mib(entry, replicates)


def training_mib(entry: PlannedCondition, replicates: int) -> int:
    """MiB a training holds: the process, weights, states kept for the gradient, data, answers."""
    training, effort = entry.spec.training, entry.effort
    steps, batch = effort.steps, 32 * ceil(training.batch / 32)
    kept = 2 * isqrt(steps) + 1 if training.recompute else steps
    states = 4 * KEPT[effort.way] * kept * batch * replicates * entry.state_size
    weights = 4 * 8 * entry.parameters * replicates
    held_out = (training.validation_size + DRAWN) * replicates
    data = 4 * steps * effort.inputs * (4 * batch * replicates + 2 * held_out)
    answers = 4 * effort.answers * replicates * max(OUTPUTS * batch, TOGETHER)
    return PROCESS + ceil((states + weights + data + answers) / 2**20)
