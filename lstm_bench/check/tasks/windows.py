"""What a task promises of the answer from the last inputs alone."""

from __future__ import annotations

import numpy as np

from lstm_bench.check.promises import hold
from lstm_bench.check.tasks.drawing import draw
from lstm_bench.tasks import Task


def forgets_what_left_its_window(task: Task, T: int) -> None:
    """The answer of the last k inputs is theirs alone.

    Symbols are compared where sequences share them; numbers, which no two sequences share, are
    exchanged for those of another sequence.
    """
    symbols = set(np.unique(draw(task, T, 32).inputs)) <= {0, 1}
    (_symbols_left_the_window if symbols else _numbers_left_the_window)(task, T)


def _symbols_left_the_window(task: Task, T: int) -> None:
    """Sequences that share their last k inputs share the answer, and k of them are seen."""
    batch = draw(task, T, 256)
    for k in (1, 2, 5):
        answers = task.window(batch, k)
        if answers is None:
            return
        hold(
            answers.shape == (256, task.steps(T), task.outputs),
            f"the window of {task.name} answers in shape {answers.shape}",
        )
        for t in task.target_steps(T):
            asked = np.flatnonzero(batch.mask[:, t])
            seen = batch.inputs[asked, max(0, t - k + 1) : t + 1]
            found: dict[bytes, np.ndarray] = {}
            for row, inputs in zip(asked, seen):
                answer = found.setdefault(inputs.tobytes(), answers[row, t])
                hold(
                    np.array_equal(answer, answers[row, t]),
                    f"the window of {task.name} looks further back than {k} inputs",
                )


def _numbers_left_the_window(task: Task, T: int) -> None:
    """With all inputs exchanged but the last k up to step t, the answer at t is the same."""
    batch, L = draw(task, T, 32), task.steps(T)
    other = batch.rows(np.roll(np.arange(32), 1))
    for k in sorted({1, min(3, L), max(L // 2, 1), L}):
        answer = task.window(batch, k)
        if answer is None:
            return
        for t in batch.target_steps[[0, len(batch.target_steps) // 2, -1]]:
            inputs = other.inputs.copy()
            seen = slice(max(t - k + 1, 0), t + 1)
            inputs[:, seen] = batch.inputs[:, seen]
            blind = task.window(other._replace(inputs=inputs), k)
            hold(blind is not None, f"{task.name} has a window for some inputs only")
            assert blind is not None
            hold(
                np.allclose(blind[:, t], answer[:, t], rtol=1e-5, atol=1e-5),
                f"the window of {task.name} looks at more than the last {k} inputs",
            )
