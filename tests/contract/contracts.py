"""What every task promises, as functions that fail with a sentence.

Each takes an instance, so that a plugin's author can run them too. `cell_contracts.py` holds those
of the cells; `test_contracts_bite.py` shows that each of them notices a violation.
"""

from __future__ import annotations

import functools
import inspect
import random
import re
from collections.abc import Callable

import numpy as np
import pytest
import torch

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
    assert len(batch.inputs) == 8, f"{task.name} draws too few or too many of split {split}"
    return as_bytes(batch)


def disturb_global_generators(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (the legacy global state is what is to be disturbed)
    torch.manual_seed(seed)


def global_states() -> tuple[str, str, bytes]:
    legacy = np.random.get_state()  # noqa: NPY002
    return repr(random.getstate()), repr(legacy), torch.get_rng_state().numpy().tobytes()


def score(task: Task, outputs: np.ndarray, batch: Batch) -> float:
    return task.score(outputs[:, batch.target_steps], batch.at(batch.target_steps))


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


def depends_on_its_generator_alone(task: Task, T: int) -> None:
    drawn = []
    for disturbance in (1, 2):
        disturb_global_generators(disturbance)
        before = global_states()
        drawn.append([as_bytes(draw(task, T)), *(draw_split(task, T, each) for each in SPLITS)])
        assert global_states() == before, f"{task.name} moves a global random generator"
    assert drawn[0] == drawn[1], f"{task.name} draws from something else than its generator"


def differs_between_seeds(task: Task, T: int) -> None:
    one, other = (as_bytes(draw(task, T, batch=32, seed=seed)) for seed in (0, 1))
    assert one != other, f"two seeds give {task.name} the same sequences"


def has_the_documented_shapes(task: Task, T: int) -> None:
    size, L = 7, task.steps(T)
    inputs, targets, mask, legal, clean = draw(task, T, size)
    assert inputs.shape == (size, L, task.inputs)
    assert inputs.dtype == np.float32
    assert np.isfinite(inputs).all()
    assert mask.shape == (size, L)
    assert mask.dtype == np.float32
    if task.loss == "cross_entropy":
        assert targets.shape == (size, L)
        assert targets.dtype == np.int64
        assert targets.min() >= 0
        assert targets.max() < task.outputs
    else:
        assert targets.shape == (size, L, task.outputs)
        assert targets.dtype == np.float32
        assert np.isfinite(targets).all()
    if legal is not None:
        assert legal.shape == (size, L, task.outputs)
        assert legal.dtype == bool
        assert legal.any(axis=-1)[mask > 0].all(), f"{task.name} asks where nothing is legal"
    if clean is not None:
        assert clean.shape == targets.shape == (size, L, task.outputs)
        assert clean.dtype == np.float32


def pads_with_zeros(task: Task, T: int) -> None:
    """After the last step at which a sequence is asked nothing is read: its inputs are zero."""
    batch = draw(task, T, 64)
    still = np.flip(np.maximum.accumulate(np.flip(batch.mask, axis=1), axis=1), axis=1)
    assert not batch.inputs[still == 0].any(), f"{task.name} goes on after its last question"


def asks_where_it_says(task: Task, T: int) -> None:
    batch, asked = draw(task, T, 64), task.target_steps(T)
    assert set(np.unique(batch.mask)) <= {0, 1}, f"the mask of {task.name} is not of 0 and 1"
    assert batch.mask.any(axis=1).all(), f"{task.name} never asks some sequence for an output"
    assert set(batch.target_steps) <= set(asked), f"{task.name} asks at steps it does not name"
    assert list(asked) == sorted(set(asked))
    assert 0 <= asked[0]
    assert asked[-1] < task.steps(T)


def simulates_its_floor(task: Task, T: int, count: int = 20_000) -> None:
    """The mean loss of `memoryless` on `count` sequences is `floor(T)` within 4 of its SE."""
    measured, error = expected_loss(task, task.memoryless, simulated(task, T, count))
    floor = float(task.chance_loss(T))
    rounding = 16 * np.finfo(np.float32).eps * floor  # inputs and logits are float32
    assert abs(measured - floor) <= 4 * error + rounding, (
        f"{task.name} says chance loss is {floor} at T={T}, but measured is {measured} +- {error}"
    )


def simulates_its_ceiling(task: Task, T: int, count: int = 20_000) -> None:
    """The loss of `perfect` is `ceiling(T)` within 4 of its SE, and exactly 0 where that is 0."""
    part = simulated(task, T, count).rows(slice(count // 4))
    measured, error = expected_loss(task, task.perfect, part)
    ceiling = float(task.optimal_loss(T))
    rounding = 16 * np.finfo(np.float32).eps * ceiling
    assert abs(measured - ceiling) <= 4 * error + rounding + 1e-12, (
        f"{task.name} says optimal loss is {ceiling} at T={T}, but it is {measured} +- {error}"
    )
    assert ceiling < task.chance_loss(T)


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
    assert gain <= 4 * error + 16 * np.finfo(np.float32).eps * abs(task.chance_loss(T)), (
        f"a clock beats the memoryless answer of {task.name} at T={T} by {gain} +- {error}"
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


def memoryless_looks_at_no_input(task: Task, T: int) -> None:
    batch = draw(task, T, 16)
    rng = np.random.default_rng(3)
    order = np.roll(np.arange(16), 1)
    noise = rng.permuted(batch.inputs, axis=1)[order]
    blind = task.memoryless(batch.rows(order)._replace(inputs=noise))
    seen = task.memoryless(batch)
    assert seen.shape == (16, task.steps(T), task.outputs)
    assert np.array_equal(seen, blind), f"the memoryless answer of {task.name} looks at its inputs"


def rewards_the_perfect_answer_alone(task: Task, T: int) -> None:
    batch = draw(task, T, 64)
    perfect, blind = task.perfect(batch), task.memoryless(batch)
    assert task.solved_score <= score(task, perfect, batch) <= 1
    assert 0 <= score(task, blind, batch) < task.solved_score < 1
    wild = np.random.default_rng(0).normal(0, 10, perfect.shape)
    assert 0 <= score(task, wild, batch) <= 1


def scores_what_is_asked_alone(task: Task, T: int) -> None:
    batch = draw(task, T, 64)
    perfect = task.perfect(batch)
    noise = np.random.default_rng(0).normal(0, 10, perfect.shape)
    elsewhere = np.where(batch.mask[..., None] > 0, perfect, noise)
    assert score(task, elsewhere, batch) == score(task, perfect, batch), (
        f"the score of {task.name} looks at steps where nothing is asked"
    )


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
        assert answers.shape == (256, task.steps(T), task.outputs)
        for t in task.target_steps(T):
            asked = np.flatnonzero(batch.mask[:, t])
            seen = batch.inputs[asked, max(0, t - k + 1) : t + 1]
            found: dict[bytes, np.ndarray] = {}
            for row, inputs in zip(asked, seen):
                answer = found.setdefault(inputs.tobytes(), answers[row, t])
                assert np.array_equal(answer, answers[row, t]), (
                    f"the window of {task.name} looks further back than {k} inputs"
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
            assert blind is not None
            assert np.allclose(blind[:, t], answer[:, t], rtol=1e-5, atol=1e-5), (
                f"the window of {task.name} looks at more than the last {k} inputs"
            )


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
        assert worse.mean() <= 4 * worse.std(ddof=1) / np.sqrt(groups) + 1e-6, (
            f"the window of {task.name} does worse with its last {k} inputs than with fewer"
        )
        last = found
    if not task.window_is_best:
        return
    whole = losses(task.perfect(batch))
    assert np.allclose(last, whole, rtol=1e-6, atol=1e-9), (
        f"the window of {task.name} is not perfect with all inputs"
    )


def knows_what_is_relevant_from_its_inputs(task: Task, T: int) -> None:
    """The inputs at the relevant steps, in their places, decide every target that is asked."""
    batch = draw(task, T, 512)
    relevant = task.relevance(batch)
    if relevant is None:
        return
    assert relevant.shape == batch.mask.shape
    assert relevant.dtype == bool
    assert relevant.any(axis=1).all(), f"{task.name} has a sequence with nothing to remember"
    blind = batch._replace(targets=np.zeros_like(batch.targets), legal=None, clean=None)
    assert np.array_equal(task.relevance(blind), relevant), (
        f"the relevance of {task.name} looks at its targets"
    )
    kept = np.where(relevant[..., None], batch.inputs, 0)
    found: dict[bytes, int] = {}
    for row in range(len(kept)):
        first = found.setdefault(kept[row].tobytes() + batch.mask[row].tobytes(), row)
        asked = batch.mask[row] > 0
        assert np.array_equal(batch.targets[row][asked], batch.targets[first][asked]), (
            f"{task.name} asks for more than its relevant steps tell"
        )


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
    assert "memory" in text, f"the docstring of {task.name} does not say what the chance loss is"
    assert task.formula, f"{task.name} has no formula"
    assert re.search(r"\b(19|20)\d\d\b", task.citation), f"{task.name} cites nothing with a year"
    assert re.fullmatch(r"[a-z][a-z0-9_]*", task.name)
    assert task.loss in LOSSES


def dates_milestones_between_ceiling_and_floor(task: Task, T: int) -> None:
    for name, level in task.milestones(T).items():
        assert task.optimal_loss(T) < level < task.chance_loss(T), (
            f"{task.name}: no loss ever crosses {name}"
        )
