"""Small trainings, run in this process."""

from __future__ import annotations

from typing import Any

import torch

from lstm_bench.spec import Condition, SeedBlock, Training
from lstm_bench.tasks import Batch, create, generator, registry
from lstm_bench.training.model import ReplicateBatch

CPU = torch.device("cpu")


def length(task: str, T: int = 12) -> int:
    """T, or the shortest length the task can have where that is longer."""
    return max(T, registry()[task].shortest)


def condition(
    task: str = "adding", T: int = 12, cell: str = "lstm", width: int = 8, **training: Any
) -> Condition:
    """30 updates at learning rate 0.01, measured every 10, never futile."""
    small = {
        "updates": 30,
        "batch": 20,
        "evaluate_every": 10,
        "learning_rate": 0.01,
        "futility_after": 2.0,
    }
    return Condition(task, T, cell, width, training=Training(**{**small, **training}))


def validation(c: Condition, size: int = 64) -> Batch:
    task = create(c.task, c.task_options)
    return task.sample(generator("validation", task, c.T), size, c.T)


def trained(
    c: Condition,
    first: int = 0,
    last: int = 0,
    *,
    backend: str = "auto",
    floor: float = 0.0,
    **train: Any,
) -> ReplicateBatch:
    model = ReplicateBatch.create(c, SeedBlock(first, last), CPU, backend)
    model.train(validation(c), floor=floor, **train)
    return model


def curve(model: ReplicateBatch, seed: int) -> list[tuple[str, ...]]:
    """All a seed's curve says, to the last bit (repr of a float is exact, and NaN equals NaN)."""
    mine = [point for point in model.curves if point["seed"] == seed]
    return [tuple(f"{k}={v!r}" for k, v in sorted(point.items())) for point in mine]


def final_bits(model: ReplicateBatch, seed: int) -> torch.Tensor:
    """As integers, since a diverged weight is no number and equals nothing."""
    return model.final[list(model.block.seeds).index(seed)].view(torch.int32)


def row(model: ReplicateBatch, seed: int) -> dict[str, Any]:
    """How a seed ended, without what was measured by a clock."""
    progress = model.progress[list(model.block.seeds).index(seed)]
    return {k: v for k, v in vars(progress).items() if "seconds" not in k}


def assert_same_replicate(one: ReplicateBatch, other: ReplicateBatch, seed: int) -> None:
    assert curve(one, seed), f"seed {seed} left no curve"
    assert curve(one, seed) == curve(other, seed), f"the curve of seed {seed} is another"
    assert row(one, seed) == row(other, seed), f"seed {seed} ended otherwise"
    assert torch.equal(final_bits(one, seed), final_bits(other, seed)), (
        f"the final weights of seed {seed} are others"
    )
