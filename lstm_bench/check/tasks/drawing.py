"""What a task promises of the sequences it draws, and of what it says of itself."""

from __future__ import annotations

import inspect
import re

import numpy as np

from lstm_bench.check.promises import disturb_global_generators, global_states, hold
from lstm_bench.errors import BenchError
from lstm_bench.tasks import Batch, Task, generator
from lstm_bench.tasks.base import SPLITS

LOSSES = ("squared_error", "cross_entropy", "binary_cross_entropy")


def draw(task: Task, T: int, batch: int = 8, seed: int = 0) -> Batch:
    return task.sample(generator("contract", task, T, seed=seed), batch, T)


def possible(task: Task, T: int) -> bool:
    try:
        task.require(T)
    except BenchError:
        return False
    return True


def length(task: Task, T: int = 12) -> int:
    """T where the task can have it, else its shortest length."""
    return T if possible(task, T) else task.shortest


def as_bytes(batch: Batch) -> bytes:
    return b"".join(part.tobytes() for part in batch if part is not None)


def draw_split(task: Task, T: int, split: str) -> bytes:
    batch = task.sample_split(generator("contract", task, T), 8, T, split)
    hold(len(batch.inputs) == 8, f"{task.name} draws too few or too many of split {split}")
    return as_bytes(batch)


def depends_on_its_generator_alone(task: Task, T: int) -> None:
    drawn = []
    for disturbance in (1, 2):
        disturb_global_generators(disturbance)
        before = global_states()
        drawn.append([as_bytes(draw(task, T)), *(draw_split(task, T, each) for each in SPLITS)])
        hold(global_states() == before, f"{task.name} moves a global random generator")
    hold(drawn[0] == drawn[1], f"{task.name} draws from something else than its generator")


def differs_between_seeds(task: Task, T: int) -> None:
    one, other = (as_bytes(draw(task, T, batch=32, seed=seed)) for seed in (0, 1))
    hold(one != other, f"two seeds give {task.name} the same sequences")


def has_the_documented_shapes(task: Task, T: int) -> None:
    size, L = 7, task.steps(T)
    inputs, targets, mask, legal, clean = draw(task, T, size)
    shape = (size, L) if task.reads_tokens else (size, L, task.inputs)
    kind = np.int64 if task.reads_tokens else np.float32
    hold(
        inputs.shape == shape,
        f"{task.name} draws inputs of shape {inputs.shape}, not {shape}",
    )
    hold(
        inputs.dtype == kind,
        f"the inputs of {task.name} are {inputs.dtype}, not {np.dtype(kind)}",
    )
    hold(np.isfinite(inputs).all(), f"the inputs of {task.name} are not finite")
    if task.reads_tokens:
        hold(
            0 <= inputs.min() <= inputs.max() < task.inputs,
            f"{task.name} reads tokens from {inputs.min()} to {inputs.max()} of {task.inputs}",
        )
    hold(
        mask.shape == (size, L), f"the mask of {task.name} has shape {mask.shape}, not {(size, L)}"
    )
    hold(mask.dtype == np.float32, f"the mask of {task.name} is {mask.dtype}, not float32")
    if task.loss == "cross_entropy":
        hold(
            targets.shape == (size, L),
            f"the targets of {task.name} have shape {targets.shape}, not {(size, L)}",
        )
        hold(
            targets.dtype == np.int64, f"the targets of {task.name} are {targets.dtype}, not int64"
        )
        hold(targets.min() >= 0, f"{task.name} has a target {targets.min()}, below 0")
        hold(
            targets.max() < task.outputs,
            f"{task.name} has a target {targets.max()} of {task.outputs} classes",
        )
    else:
        hold(
            targets.shape == (size, L, task.outputs),
            f"the targets of {task.name} have shape {targets.shape}, not {(size, L, task.outputs)}",
        )
        hold(
            targets.dtype == np.float32,
            f"the targets of {task.name} are {targets.dtype}, not float32",
        )
        hold(np.isfinite(targets).all(), f"the targets of {task.name} are not finite")
    if legal is not None:
        hold(
            legal.shape == (size, L, task.outputs),
            f"what is legal in {task.name} has shape {legal.shape}, not {(size, L, task.outputs)}",
        )
        hold(legal.dtype == bool, f"what is legal in {task.name} is {legal.dtype}, not bool")
        possible_at: np.ndarray = np.any(legal, axis=-1)
        hold(possible_at[mask > 0].all(), f"{task.name} asks where nothing is legal")
    if clean is not None:
        hold(
            clean.shape == targets.shape == (size, L, task.outputs),
            f"the clean targets of {task.name} have shape {clean.shape}, not that of its targets",
        )
        hold(
            clean.dtype == np.float32,
            f"the clean targets of {task.name} are {clean.dtype}, not float32",
        )


def pads_with_zeros(task: Task, T: int) -> None:
    """After the last step at which a sequence is asked nothing is read: its inputs are zero."""
    batch = draw(task, T, 64)
    still = np.flip(np.maximum.accumulate(np.flip(batch.mask, axis=1), axis=1), axis=1)
    hold(not batch.inputs[still == 0].any(), f"{task.name} goes on after its last question")


def asks_where_it_says(task: Task, T: int) -> None:
    batch, asked = draw(task, T, 64), task.target_steps(T)
    hold(set(np.unique(batch.mask)) <= {0, 1}, f"the mask of {task.name} is not of 0 and 1")
    hold(batch.mask.any(axis=1).all(), f"{task.name} never asks some sequence for an output")
    hold(set(batch.target_steps) <= set(asked), f"{task.name} asks at steps it does not name")
    hold(
        list(asked) == sorted(set(asked)),
        f"the target steps of {task.name} do not rise: {list(asked)[:8]}",
    )
    hold(0 <= asked[0], f"{task.name} asks at step {asked[0]}")
    hold(asked[-1] < task.steps(T), f"{task.name} asks at step {asked[-1]} of {task.steps(T)}")


def refuses_lengths_too_short(task: Task) -> None:
    for T in sorted({task.shortest - 1, 0, -1, -100}):
        try:
            task.require(T)
        except BenchError as refusal:
            hold(
                f"T={T}" in str(refusal) and repr(task.name) in str(refusal),
                f"{task.name} refuses T={T} without naming the task and T: {refusal}",
            )
        else:
            hold(False, f"{task.name} takes T={T}; its shortest is {task.shortest}")
    task.require(task.shortest)


def describes_itself(task: Task) -> None:
    text = inspect.getdoc(type(task)) or ""
    drawn = [line for line in text.splitlines() if line.startswith("    ") and line.strip()]
    hold(drawn, f"the docstring of {task.name} draws no example")
    hold(all(line.isascii() for line in drawn), f"the example of {task.name} is not ASCII")
    hold("memory" in text, f"the docstring of {task.name} does not say what the chance loss is")
    hold(task.formula, f"{task.name} has no formula")
    hold(re.search(r"\b(19|20)\d\d\b", task.citation), f"{task.name} cites nothing with a year")
    hold(
        re.fullmatch(r"[a-z][a-z0-9_]*", task.name),
        f"the name {task.name!r} is not of a-z, 0-9 and _",
    )
    hold(task.loss in LOSSES, f"the loss of {task.name} is {task.loss!r}, none of {LOSSES}")
