"""What a task promises of its answers, its score and its milestones."""

from __future__ import annotations

import numpy as np

from lstm_bench.check.promises import hold
from lstm_bench.check.tasks.drawing import draw
from lstm_bench.tasks import Batch, Task


def score(task: Task, outputs: np.ndarray, batch: Batch) -> float:
    return task.score(outputs[:, batch.target_steps], batch.at(batch.target_steps))


def memoryless_looks_at_no_input(task: Task, T: int) -> None:
    batch = draw(task, T, 16)
    rng = np.random.default_rng(3)
    order = np.roll(np.arange(16), 1)
    noise = rng.permuted(batch.inputs, axis=1)[order]
    blind = task.memoryless(batch.rows(order)._replace(inputs=noise))
    seen = task.memoryless(batch)
    hold(
        seen.shape == (16, task.steps(T), task.outputs),
        f"the memoryless answer of {task.name} has shape {seen.shape}",
    )
    hold(np.array_equal(seen, blind), f"the memoryless answer of {task.name} looks at its inputs")


def rewards_the_perfect_answer_alone(task: Task, T: int) -> None:
    batch = draw(task, T, 64)
    perfect, blind = task.perfect(batch), task.memoryless(batch)
    hold(
        task.solved_score <= score(task, perfect, batch) <= 1,
        f"the perfect answer of {task.name} scores {score(task, perfect, batch)}; "
        f"solved is {task.solved_score}, and 1 the most",
    )
    hold(
        0 <= score(task, blind, batch) < task.solved_score < 1,
        f"the memoryless answer of {task.name} scores {score(task, blind, batch)}; "
        f"solved is {task.solved_score}",
    )
    wild = np.random.default_rng(0).normal(0, 10, perfect.shape)
    hold(
        0 <= score(task, wild, batch) <= 1,
        f"noise scores {score(task, wild, batch)} in {task.name}, outside [0, 1]",
    )


def scores_what_is_asked_alone(task: Task, T: int) -> None:
    batch = draw(task, T, 64)
    perfect = task.perfect(batch)
    noise = np.random.default_rng(0).normal(0, 10, perfect.shape)
    elsewhere = np.where(batch.mask[..., None] > 0, perfect, noise)
    hold(
        score(task, elsewhere, batch) == score(task, perfect, batch),
        f"the score of {task.name} looks at steps where nothing is asked",
    )


def knows_what_is_relevant_from_its_inputs(task: Task, T: int) -> None:
    """The inputs at the relevant steps, in their places, decide every target that is asked."""
    batch = draw(task, T, 512)
    relevant = task.relevance(batch)
    if relevant is None:
        return
    hold(
        relevant.shape == batch.mask.shape,
        f"the relevance of {task.name} has shape {relevant.shape}, not {batch.mask.shape}",
    )
    hold(relevant.dtype == bool, f"the relevance of {task.name} is {relevant.dtype}, not bool")
    hold(relevant.any(axis=1).all(), f"{task.name} has a sequence with nothing to remember")
    blind = batch._replace(targets=np.zeros_like(batch.targets), legal=None, clean=None)
    unseen = task.relevance(blind)
    hold(
        unseen is not None and np.array_equal(unseen, relevant),
        f"the relevance of {task.name} looks at its targets",
    )
    kept = np.where(relevant[..., None], batch.inputs, 0)
    found: dict[bytes, int] = {}
    for row in range(len(kept)):
        first = found.setdefault(kept[row].tobytes() + batch.mask[row].tobytes(), row)
        asked = batch.mask[row] > 0
        hold(
            np.array_equal(batch.targets[row][asked], batch.targets[first][asked]),
            f"{task.name} asks for more than its relevant steps tell",
        )


def dates_milestones_between_ceiling_and_floor(task: Task, T: int) -> None:
    for name, level in task.milestones(T).items():
        hold(
            task.optimal_loss(T) < level < task.chance_loss(T),
            f"{task.name}: no loss ever crosses {name}",
        )
