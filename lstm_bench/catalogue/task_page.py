"""The page of a task: its numbers, computed and measured when the page is shown."""

from __future__ import annotations

import time

import numpy as np

from lstm_bench.catalogue.docstrings import option_lines
from lstm_bench.errors import BenchError
from lstm_bench.tasks import Batch, Task, create, generator

LENGTHS = (20, 50, 100, 200)
WINDOWS = (1, 2, 5, 10)
MEASURED_ON = 1000  # sequences, for the loss of a window
BATCH = 32


def lines(cls: type[Task]) -> list[str]:
    """Everything below the docstring, but for citation and source."""
    if cls.measured:
        return _of_a_file(cls)
    task: Task = cls()
    found = [
        f"formula    {cls.formula}",
        f"sizes      inputs {task.inputs}, outputs {task.outputs}, {_span(task)}",
        f"loss       {task.loss}, {_unit(task)}, taken at {_asked(task)}",
        f"solved     {task.score_name} >= {task.solved_score:g}",
        "",
        *_table(task),
        "",
    ]
    found += option_lines(cls)
    for name, options in cls.presets.items():
        preset: Task = create(cls.name, options)
        T = lengths(preset)[0]
        chosen = ", ".join(f"{key}={value}" for key, value in options.items())
        found.append(
            f"preset     {name}: {chosen}; chance loss {preset.chance_loss(T):.4g} at T={T}"
        )
    return found


def _of_a_file(cls: type[Task]) -> list[str]:
    """Of a task whose sizes and losses are those of a file: what holds for any."""
    return [
        f"formula    {cls.formula}",
        f"loss       {cls.loss}",
        "solved     never: its losses are measured on the file, beside baselines (experiment data)",
        "file       its path, in an entry of tasks; in a condition `data`, its content's digest",
        "",
        *option_lines(cls),
    ]


def lengths(task: Task) -> list[int]:
    """The usual lengths the task can have; its shortest where it can have none of them."""
    return [T for T in LENGTHS if _possible(task, T)] or [task.shortest]


def _possible(task: Task, T: int) -> bool:
    try:
        task.require(T)
    except BenchError:
        return False
    return True


def _span(task: Task) -> str:
    only = not _possible(task, task.shortest + 1)
    return f"T = {task.shortest} only" if only else f"T >= {task.shortest}"


def _unit(task: Task) -> str:
    return "mean over outputs" if task.loss == "squared_error" else "in nats"


def _asked(task: Task) -> str:
    T = lengths(task)[0]
    asked, L = task.target_steps(T), task.steps(T)
    if len(asked) == 1:
        return "the last step" if asked[0] == L - 1 else f"step {asked[0]} of {L}"
    if len(asked) == L:
        return "every step"
    return f"{len(asked)} of {L} steps ({asked[0]} ... {asked[-1]}) at T={T}"


def _table(task: Task) -> list[str]:
    """One row a length: exact losses, those of baselines, and the sampler's speed."""
    rows = [_row(task, T) for T in lengths(task)]
    names = [name for name in rows[0] if any(row[name] for row in rows)]
    cells = [names, *([row[name] for name in names] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(names))]
    table = ["  ".join(each.rjust(w) for each, w in zip(row, widths)) for row in cells]
    notes = [
        "chance loss: no input; optimal: knows the task; sequences/s: the sampler alone, one core"
    ]
    if "k=1" in names:
        notes.append(
            f"k: the best {'' if task.window_is_best else 'linear '}answer from the last k inputs, "
            f"on {MEASURED_ON} sequences; losses all"
        )
    return [*table, *notes]


def _row(task: Task, T: int) -> dict[str, str]:
    batch = task.sample(generator("page", task, T), MEASURED_ON, T)
    row = {
        "T": str(T),
        "steps": str(task.steps(T)),
        "floor": f"{task.chance_loss(T):.4g}",
        "ceiling": f"{task.optimal_loss(T):.4g}",
    }
    for k in WINDOWS:
        row[f"k={k}"] = _loss(task, task.window(batch, k), batch)
    persistence = getattr(task, "persistence", lambda batch: None)
    row["persistence"] = _loss(task, persistence(batch), batch)
    row["sequences/s"] = f"{samples_per_second(task, T):,.0f}"
    return row


def _loss(task: Task, outputs: np.ndarray | None, batch: Batch) -> str:
    return "" if outputs is None else f"{task.evaluate_loss(outputs, batch):.4g}"


def samples_per_second(task: Task, T: int, batch: int = BATCH, seconds: float = 0.1) -> float:
    """Sequences a second of the sampler in batches of this size: the median of repeated draws."""
    rng = generator("speed", task, T)
    task.sample(rng, batch, T)
    spent: list[float] = []
    while sum(spent) < seconds or len(spent) < 5:
        started = time.perf_counter()
        task.sample(rng, batch, T)
        spent.append(time.perf_counter() - started)
    return batch / float(np.median(spent))
