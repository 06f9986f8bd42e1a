"""What every task promises, as functions that fail with a sentence.

Each takes an instance, so that a plugin's author can run them too. `cell_contracts.py` holds those
of the cells; `test_contracts_bite.py` shows that each of them notices a violation.
"""

from __future__ import annotations

import inspect
import random
import re

import numpy as np
import pytest
import torch

from lstm_bench.errors import BenchError
from lstm_bench.tasks import Batch, Task, generator
from lstm_bench.tasks.base import one_hot

LOSSES = ("squared_error", "cross_entropy")
CERTAIN = 1e3  # logits so far apart that the cross-entropy of the right class is exactly 0


def draw(task: Task, T: int, batch: int = 8, seed: int = 0) -> Batch:
    return task.sample(generator("contract", task, T, seed=seed), batch, T)


def as_bytes(batch: Batch) -> bytes:
    return b"".join(part.tobytes() for part in batch)


def disturb_global_generators(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (the legacy global state is what is to be disturbed)
    torch.manual_seed(seed)


def global_states() -> tuple[str, str, bytes]:
    legacy = np.random.get_state()  # noqa: NPY002
    return repr(random.getstate()), repr(legacy), torch.get_rng_state().numpy().tobytes()


def perfect_outputs(task: Task, batch: Batch) -> np.ndarray:
    if task.loss == "squared_error":
        return batch.targets.copy()
    return one_hot(batch.targets, task.outputs) * np.float32(CERTAIN)


def at_read_steps(batch: Batch, outputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    steps = batch.read_steps
    return outputs[:, steps], batch.targets[:, steps]


def depends_on_its_generator_alone(task: Task, T: int) -> None:
    drawn = []
    for disturbance in (1, 2):
        disturb_global_generators(disturbance)
        before = global_states()
        drawn.append(as_bytes(draw(task, T)))
        assert global_states() == before, f"{task.name} moves a global random generator"
    assert drawn[0] == drawn[1], f"{task.name} draws from something else than its generator"


def differs_between_seeds(task: Task, T: int) -> None:
    one, other = (as_bytes(draw(task, T, batch=32, seed=seed)) for seed in (0, 1))
    assert one != other, f"two seeds give {task.name} the same sequences"


def has_the_documented_shapes(task: Task, T: int) -> None:
    size, L = 7, task.steps(T)
    inputs, targets, mask = draw(task, T, size)
    assert inputs.shape == (size, L, task.inputs)
    assert inputs.dtype == np.float32
    assert np.isfinite(inputs).all()
    assert mask.shape == (size, L)
    assert mask.dtype == np.float32
    if task.loss == "squared_error":
        assert targets.shape == (size, L, task.outputs)
        assert targets.dtype == np.float32
        assert np.isfinite(targets).all()
    else:
        assert targets.shape == (size, L)
        assert targets.dtype == np.int64
        assert targets.min() >= 0
        assert targets.max() < task.outputs


def asks_every_sequence_at_the_same_steps(task: Task, T: int) -> None:
    batch = draw(task, T)
    assert set(np.unique(batch.mask)) <= {0, 1}, f"the mask of {task.name} is not of 0 and 1"
    assert (batch.mask == batch.mask[:1]).all(), f"the mask of {task.name} differs in a batch"
    assert len(batch.read_steps) > 0, f"{task.name} never asks for an output"
    assert set(draw(task, T, seed=5).read_steps) == set(batch.read_steps)


def simulates_its_floor(task: Task, T: int, groups: int = 100, size: int = 200) -> None:
    """The loss of `memoryless` on groups * size sequences is `floor(T)` within 4 of its SE."""
    batch = draw(task, T, groups * size)
    parts = [Batch(*(a[i : i + size] for a in batch)) for i in range(0, groups * size, size)]
    losses = np.array([task.evaluate_loss(task.memoryless(part), part) for part in parts])
    error, floor = losses.std(ddof=1) / np.sqrt(groups), float(task.floor(T))
    rounding = 16 * np.finfo(np.float32).eps * floor  # inputs and logits are float32
    assert abs(losses.mean() - floor) <= 4 * error + rounding, (
        f"{task.name} says its floor is {floor} at T={T}, but measured is "
        f"{losses.mean()} +- {error}"
    )


def memoryless_looks_at_no_input(task: Task, T: int) -> None:
    batch = draw(task, T, 16)
    rng = np.random.default_rng(3)
    order = np.roll(np.arange(16), 1)
    noise = rng.permuted(batch.inputs, axis=1)[order]
    blind = task.memoryless(Batch(noise, batch.targets[order], batch.mask))
    seen = task.memoryless(batch)
    assert seen.shape == (16, task.steps(T), task.outputs)
    assert np.array_equal(seen, blind), f"the memoryless answer of {task.name} looks at its inputs"


def rewards_the_perfect_answer_alone(task: Task, T: int) -> None:
    batch = draw(task, T, 64)
    perfect, blind = perfect_outputs(task, batch), task.memoryless(batch)
    assert task.evaluate_loss(perfect, batch) == pytest.approx(task.ceiling, abs=1e-12)
    assert task.score(*at_read_steps(batch, perfect)) == 1
    assert 0 <= task.score(*at_read_steps(batch, blind)) < task.solved_score < 1
    assert task.evaluate_loss(blind, batch) > task.ceiling
    wild = np.random.default_rng(0).normal(0, 10, perfect.shape)
    assert 0 <= task.score(*at_read_steps(batch, wild)) <= 1


def refuses_lengths_too_short(task: Task) -> None:
    for T in sorted({task.shortest - 1, 0, -1, -100}):
        with pytest.raises(BenchError) as refusal:
            task.require(T)
        assert f"T={T}" in str(refusal.value)
        assert repr(task.name) in str(refusal.value)
    task.require(task.shortest)


def describes_itself(task: Task) -> None:
    text = inspect.getdoc(type(task)) or ""
    drawn = [line for line in text.splitlines() if line.startswith("    ") and line.strip()]
    assert drawn, f"the docstring of {task.name} draws no example"
    assert all(line.isascii() for line in drawn), f"the example of {task.name} is not ASCII"
    assert "memory" in text, f"the docstring of {task.name} does not say what the floor is"
    assert task.formula, f"{task.name} has no formula"
    assert re.search(r"\b(19|20)\d\d\b", task.citation), f"{task.name} cites nothing with a year"
    assert re.fullmatch(r"[a-z][a-z0-9_]*", task.name)
    assert task.loss in LOSSES


def dates_milestones_between_ceiling_and_floor(task: Task, T: int) -> None:
    for name, level in task.milestones(T).items():
        assert task.ceiling < level < task.floor(T), f"{task.name}: no loss ever crosses {name}"
