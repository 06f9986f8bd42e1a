"""Small trainings, run in this process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from lstm_bench.spec import Condition, SeedBlock, Training
from lstm_bench.tasks import Batch, create, registry
from lstm_bench.training.evaluation import draw, joined
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
        "evaluate_first": 10,
        "validation_size": 64,
        "confirmation_size": 96,
        "learning_rate": 0.01,
        "futility_after": 2.0,
    }
    return Condition(task, T, cell, width, training=Training(**{**small, **training}))


def validation(c: Condition, seed: int = 0) -> Batch:
    """The sequences that stopping reads of a seed."""
    task = create(c.task, c.task_options)
    return joined(list(draw(task, c.T, "validation", seed, c.training.validation_size)))


def trained(
    c: Condition, first: int = 0, last: int = 0, *, backend: str = "auto", **train: Any
) -> ReplicateBatch:
    model = ReplicateBatch.create(c, SeedBlock(first, last), CPU, backend)
    model.train(**train)
    return model


def futile_for(c: Condition, share: float, seeds: Sequence[int], by: int) -> Condition:
    """A condition of which about this share of the seeds is futile at update `by`."""
    ratios = []
    for seed in seeds:
        model = trained(c, seed, seed)
        (p,) = model.progress
        assert p.chance_loss is not None
        best = min(point["validation_loss"] for point in model.curves if point["update"] <= by)
        assert p.optimal_loss is not None
        ratios.append((p.chance_loss - best) / (p.chance_loss - p.optimal_loss))
    place = round(share * len(ratios))
    ratios.sort()
    margin = (ratios[place - 1] + ratios[place]) / 2
    changed = {"futility_margin": margin, "futility_after": by / c.training.updates}
    return replace(c, training=replace(c.training, **changed))


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
    ended = {k: v for k, v in vars(progress).items() if "seconds" not in k}
    return {**ended, "met": [update for update, _ in progress.met]}


def assert_same_replicate(one: ReplicateBatch, other: ReplicateBatch, seed: int) -> None:
    assert curve(one, seed), f"seed {seed} left no curve"
    assert curve(one, seed) == curve(other, seed), f"the curve of seed {seed} is another"
    assert row(one, seed) == row(other, seed), f"seed {seed} ended otherwise"
    assert torch.equal(final_bits(one, seed), final_bits(other, seed)), (
        f"the final weights of seed {seed} are others"
    )
