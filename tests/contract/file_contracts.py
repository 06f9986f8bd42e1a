"""What every task from a file promises: its parts share nothing, and none of them fits another.

Each contract takes the class of a task and an example of a file, and writes the file again with a
part of it changed: what must not depend on that part must not change.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from lstm_bench.data import register
from lstm_bench.registry import build
from lstm_bench.tasks import SPLITS, Batch
from lstm_bench.tasks.from_file import FromFile, spans

COUNT = 64  # sequences of a part that are compared


@dataclass(frozen=True)
class Example:
    """A file that can be written with some rows changed.

    write    (path, rows): the file, the values of these rows replaced by others
    shuffle  (path, rows): the file with these rows in another order
    rows     how many it has; T, options   of its task
    context  from the first row that a sequence reads to the first that it is asked for
    name     the end of the file's name
    """

    write: Callable[[Path, np.ndarray], None]
    shuffle: Callable[[Path, np.ndarray], None]
    rows: int
    T: int
    options: dict[str, object]
    context: int
    name: str

    def task(self, cls: type[FromFile], path: Path) -> FromFile:
        options = {**self.options, "data": register(path)}
        task: FromFile = build(cls, options, cls.name)
        return task


def in_order(example: Example, split: str) -> np.ndarray:
    """The rows of a part of a series or text: contiguous, T rows left out between two parts."""
    return np.arange(*spans(example.rows, example.T)[split])


def batches(task: FromFile, T: int, split: str) -> Batch:
    places = np.arange(min(task.pool(T, split), COUNT))
    last = np.arange(max(task.pool(T, split) - COUNT, 0), task.pool(T, split))
    return task.take(T, split, np.unique([*places, *last]))


def same(one: Batch, other: Batch, tolerance: float = 0.0) -> bool:
    return all(
        np.allclose(a, b, rtol=0, atol=tolerance)
        for a, b in zip(one, other)
        if a is not None and b is not None
    )


def fits_nothing_to_held_out_rows(cls: type[FromFile], example: Example, folder: Path) -> None:
    """With other values in validation and test, training sequences are the same, bit for bit."""
    plain, changed = folder / f"plain{example.name}", folder / f"changed{example.name}"
    example.write(plain, np.array([], int))
    held_out = np.concatenate([in_order(example, split) for split in SPLITS[1:]])
    example.write(changed, held_out)
    one, other = (example.task(cls, path) for path in (plain, changed))
    assert one.inputs == other.inputs, f"the classes of {cls.name} are read off held-out rows"
    assert same(*(batches(task, example.T, "train") for task in (one, other))), (
        f"training sequences of {cls.name} depend on held-out rows"
    )
    assert not same(*(batches(task, example.T, "test") for task in (one, other)))


def reads_no_row_of_another_part(cls: type[FromFile], example: Example, folder: Path) -> None:
    """With the rows of one part in another order, the sequences of the other parts are the same."""
    plain = folder / f"plain{example.name}"
    example.write(plain, np.array([], int))
    for split in SPLITS:
        shuffled = folder / f"{split}{example.name}"
        example.shuffle(shuffled, in_order(example, split))
        for other in SPLITS:
            pair = (batches(example.task(cls, p), example.T, other) for p in (plain, shuffled))
            alike = same(*pair, tolerance=1e-4)  # a mean adds in another order
            assert alike == (other != split), (
                f"{other} sequences of {cls.name} reach into the {split} part"
                if other != split
                else f"the {split} sequences of {cls.name} do not read their own rows"
            )


def leaves_a_gap_between_parts(cls: type[FromFile], example: Example, folder: Path) -> None:
    """T rows lie between what two parts read."""
    path = folder / f"plain{example.name}"
    example.write(path, np.array([], int))
    task, T = example.task(cls, path), example.T
    asked = {s: task.target_rows(T, s, np.arange(task.pool(T, s))) for s in SPLITS}
    for earlier, later in pairwise(SPLITS):
        first_read = asked[later].min() - example.context
        assert first_read - asked[earlier].max() > T, f"{cls.name} leaves no gap"


def shows_nothing_of_the_future(cls: type[FromFile], example: Example, folder: Path) -> None:
    """With all rows after a window changed, its inputs are the same."""
    plain, changed = folder / f"plain{example.name}", folder / f"future{example.name}"
    example.write(plain, np.array([], int))
    task, T = example.task(cls, plain), example.T
    middle = np.array([task.pool(T, "test") // 2])
    last_asked = int(task.target_rows(T, "test", middle).max())
    horizon = int(example.options.get("horizon", 1))  # type: ignore[call-overload]
    example.write(changed, np.arange(last_asked - horizon + 1, example.rows))
    one, other = (example.task(cls, path).take(T, "test", middle) for path in (plain, changed))
    assert np.array_equal(one.inputs, other.inputs), f"{cls.name} shows what comes after a window"
    assert not np.array_equal(one.targets, other.targets)


def counts_nothing_as_solved(task: FromFile, T: int) -> None:
    """Of such tasks alone: no score is a criterion, the budget decides, the best weights stay."""
    batch = batches(task, T, "test")
    steps = batch.target_steps
    assert task.score(task.perfect(batch)[:, steps], batch.at(steps)) == 1 < task.solved_score
    assert (task.training["stop"], task.training["keep"]) == ("budget", "best")


def measures_its_chance_loss(task: FromFile, T: int) -> None:
    """`chance_loss` is the loss of `memoryless` on the test part, and is finite and above 0."""
    batch = task.take(T, "test", np.arange(task.pool(T, "test")))
    measured = task.evaluate_loss(task.memoryless(batch), batch)
    assert 0 < task.chance_loss(T) < np.inf
    assert np.isclose(task.chance_loss(T), measured, rtol=1e-5)
