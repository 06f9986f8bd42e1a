"""What a task promises of its chance loss and its optimal loss, on average."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from lstm_bench.check.promises import hold
from lstm_bench.check.tasks.drawing import draw
from lstm_bench.tasks import Batch, Task


@functools.lru_cache(maxsize=2)  # of a task at its two lengths
def simulated(task: Task, T: int, count: int) -> Batch:
    """Sequences that the simulations of a task at a length share; nobody may write into them."""
    batch = draw(task, T, count)
    for part in batch:
        if part is not None:
            part.flags.writeable = False
    return batch


def expected_loss(
    task: Task, answer: Callable[[Batch], np.ndarray], batch: Batch
) -> tuple[float, float]:
    """The mean loss of an answer, and its standard error from the means of groups."""
    losses = np.array([task.evaluate_loss(answer(part), part) for part in grouped(batch)])
    return float(losses.mean()), float(losses.std(ddof=1) / np.sqrt(len(losses)))


def grouped(batch: Batch) -> list[Batch]:
    """The sequences in fifty groups."""
    size = len(batch.inputs) // 50
    return [batch.rows(slice(i * size, (i + 1) * size)) for i in range(50)]


def simulates_its_floor(task: Task, T: int, count: int = 20_000) -> None:
    """The mean loss of `memoryless` on `count` sequences is `floor(T)` within 4 of its SE."""
    measured, error = expected_loss(task, task.memoryless, simulated(task, T, count))
    floor = float(task.chance_loss(T))
    rounding = 16 * np.finfo(np.float32).eps * floor  # inputs and logits are float32
    hold(
        abs(measured - floor) <= 4 * error + rounding,
        f"{task.name} says chance loss is {floor} at T={T}, but measured is {measured} +- {error}",
    )


def simulates_its_ceiling(task: Task, T: int, count: int = 20_000) -> None:
    """The loss of `perfect` is `ceiling(T)` within 4 of its SE, and exactly 0 where that is 0."""
    part = simulated(task, T, count).rows(slice(count // 4))
    measured, error = expected_loss(task, task.perfect, part)
    ceiling = float(task.optimal_loss(T))
    rounding = 16 * np.finfo(np.float32).eps * ceiling
    hold(
        abs(measured - ceiling) <= 4 * error + rounding + 1e-12,
        f"{task.name} says optimal loss is {ceiling} at T={T}, but it is {measured} +- {error}",
    )
    hold(
        ceiling < task.chance_loss(T),
        f"the optimal loss of {task.name}, {ceiling}, is not below its chance loss",
    )


def is_beaten_by_no_clock(task: Task, T: int, count: int = 20_000) -> None:
    """The best fixed answer a step, fitted to one half, does not beat `memoryless` on the other."""
    batch = simulated(task, T, count)
    fitted = fixed_answers(task, batch.rows(slice(count // 2, count)))
    gains = []
    for part in grouped(batch.rows(slice(count // 2))):
        fixed = np.broadcast_to(fitted, (len(part.inputs), *fitted.shape))
        mine = task.evaluate_loss(task.memoryless(part), part)
        gains.append(mine - task.evaluate_loss(fixed, part))
    gain, error = np.mean(gains), np.std(gains, ddof=1) / np.sqrt(len(gains))
    hold(
        gain <= 4 * error + 16 * np.finfo(np.float32).eps * abs(task.chance_loss(T)),
        f"a clock beats the memoryless answer of {task.name} at T={T} by {gain} +- {error}",
    )


def fixed_answers(task: Task, batch: Batch) -> np.ndarray:
    """(L, outputs): the mean target at each step, or the logits of the shares of each class."""
    asked, counts = batch.mask[..., None], batch.mask.sum(axis=0)[:, None]
    if task.loss == "squared_error":
        return (batch.targets * asked).sum(axis=0) / np.maximum(counts, 1)
    classes = task.loss == "cross_entropy"
    hits = np.eye(task.outputs)[batch.targets] if classes else batch.targets
    each = (hits * asked).sum(axis=0) + 0.01
    return np.log(each) if classes else np.log(each) - np.log(counts - each + 0.02)


def opens_its_window_from_floor_to_ceiling(task: Task, T: int, count: int = 20_000) -> None:
    """More inputs never hurt, none are worse than no input, and all of them are enough."""
    groups, size = 20, 40
    batch = simulated(task, T, count).rows(slice(groups * size))
    L = task.steps(T)

    def losses(answers: np.ndarray) -> np.ndarray:
        parts = [slice(i, i + size) for i in range(0, groups * size, size)]
        return np.array([task.evaluate_loss(answers[part], batch.rows(part)) for part in parts])

    last = losses(task.memoryless(batch))
    for k in sorted({1, 2, 3, L // 2, L - 1, L} - {0}):
        answers = task.window(batch, k)
        if answers is None:
            return
        found = losses(answers)
        worse = found - last
        hold(
            worse.mean() <= 4 * worse.std(ddof=1) / np.sqrt(groups) + 1e-6,
            f"the window of {task.name} does worse with its last {k} inputs than with fewer",
        )
        last = found
    if not task.window_is_best:
        return
    whole = losses(task.perfect(batch))
    hold(
        np.allclose(last, whole, rtol=1e-6, atol=1e-9),
        f"the window of {task.name} is not perfect with all inputs",
    )
