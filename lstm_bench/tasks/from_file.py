"""Tasks whose sequences come from a file: what they share, and what is measured instead of exact.

Nobody knows the best possible loss on such data. `chance_loss` is measured on the test part, the
optimal loss is the bound 0, no score counts as *solved*, and T is the window that is read, not a
difficulty: so there is no ladder of it and no T*.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from lstm_bench.data import locate, register
from lstm_bench.errors import BenchError
from lstm_bench.tasks.base import SPLITS, Batch, Task
from lstm_bench.tasks.support import as_logits

NEVER = 2.0  # a score that no network reaches: the budget decides, and the best weights are kept
SHARES = {"train": 0.7, "validation": 0.15, "test": 0.15}
MEASURED_ON = 2048  # sequences of the test part, for the chance loss
SHUFFLE = 20  # the seed of the split of whole sequences
AT_ONCE = 512  # sequences in memory
OF_TOKENS = 32  # the same where every step has as many outputs as a vocabulary


@dataclass(frozen=True)
class FromFile(Task):
    """A task whose sequences are windows or rows of a file, in three parts that share nothing.

    data       the digest of the file's content; a config says `file: PATH` instead
    encoding, delimiter   of a text file
    """

    data: str = ""
    encoding: str = "utf-8"
    delimiter: str = ","

    measured = True
    solved_score = NEVER
    shortest = 1
    training: ClassVar[Mapping[str, object]] = {
        "stop": "budget",
        "keep": "best",
        "confirmation_size": None,
    }

    @classmethod
    def identified(cls, options: Mapping[str, object]) -> dict[str, object]:
        """The options with the digest of the file's content instead of its path."""
        chosen = dict(options)
        if "file" in chosen:
            file = chosen.pop("file")
            if not isinstance(file, str | Path):
                raise BenchError(f"file: {file!r} is not allowed; it must be the path of a file.")
            chosen["data"] = register(file)
        if isinstance(columns := chosen.get("columns"), str):
            chosen["columns"] = [columns]
        if not chosen.get("data"):
            raise BenchError(
                f"task {cls.name!r} has no file; name one: {{task: {cls.name}, file: PATH}}."
            )
        return chosen

    @property
    def path(self) -> Path:
        """Where the file lies today. Raises BenchError where it is gone or was edited."""
        return locate(self.data)

    @property
    def usual_length(self) -> int:
        """The T of one who names none: a window of 32, or all of the longest sequence."""
        return 32

    @abstractmethod
    def pool(self, T: int, split: str) -> int:
        """How many sequences a split has."""

    @abstractmethod
    def take(self, T: int, split: str, places: np.ndarray) -> Batch:
        """The sequences of a split at these places, each from 0 to `pool(T, split)` - 1."""

    @abstractmethod
    def target_rows(self, T: int, split: str, places: np.ndarray) -> np.ndarray:
        """(targets,) which rows of the file, from 0, these sequences are asked for."""

    def held_out(self, T: int, split: str, size: int) -> Iterator[Batch]:
        """The sequences of a held-out part, see `places`, at most `AT_ONCE` at a time."""
        places, at_once = self.places(T, split, size), OF_TOKENS if self.reads_tokens else AT_ONCE
        for start in range(0, len(places), at_once):
            yield self.take(T, split, places[start : start + at_once])

    def places(self, T: int, split: str, size: int) -> np.ndarray:
        """The places that are read of a held-out part: all, or `size` of them evenly spaced.

        They are the same for every seed and cell, and for the baselines beside them.
        """
        count = self.pool(T, split)
        return evenly_spaced(count, size)

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        return self.sample_split(rng, batch, T, "train")

    def sample_split(self, rng: np.random.Generator, batch: int, T: int, split: str) -> Batch:
        """`batch` sequences of a split, each place equally likely."""
        return self.take(T, split, rng.integers(0, self.pool(T, split), batch))

    def require(self, T: int) -> None:
        super().require(T)
        for split in SPLITS:
            if self.pool(T, split) < 1:
                raise BenchError(
                    f"lengths: T={T} is too long for task {self.name!r} with {self.path.name}; its "
                    f"{split} part has {self.described(T, split)}, which is less than one sequence."
                )

    @abstractmethod
    def described(self, T: int, split: str) -> str:
        """The size of a part, in words."""

    def chance_loss(self, T: int) -> float:
        """The loss of `memoryless`, which is fitted on the training part, on the test part."""
        losses, counts = [], []
        for batch in self.held_out(T, "test", MEASURED_ON):
            losses.append(self.evaluate_loss(self.memoryless(batch), batch))
            counts.append(float(batch.mask.sum()))
        return float(np.average(losses, weights=counts))


def evenly_spaced(count: int, most: int) -> np.ndarray:
    """So many of the numbers 0 ... count - 1 at most, the first and the last among them."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int))


def members(groups: np.ndarray) -> dict[str, np.ndarray]:
    """The sequences of each split, by their place, from the number of the group of each (n,).

    Groups are taken whole, in a random order that is the same for every seed of a training.
    """
    order = np.random.Generator(np.random.Philox(SHUFFLE)).permutation(groups.max() + 1)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    ordered = np.argsort(place[groups], kind="stable")
    # a group belongs where its middle falls, so that no part takes more than its share by much
    sizes = np.bincount(groups)[order]
    middle = (np.cumsum(sizes) - sizes / 2) / len(groups)
    ends = np.cumsum([SHARES[split] for split in SPLITS])[:-1]
    part = np.searchsorted(ends, middle, side="right")[place[groups]]
    return {name: ordered[part[ordered] == i] for i, name in enumerate(SPLITS)}


def frequencies(train: np.ndarray, classes: int) -> np.ndarray:
    """(classes,) logits of the classes of a training part (n,); half a count is added to each."""
    counts = np.bincount(train, minlength=classes) + 0.5
    return as_logits(counts / counts.sum())


def spans(rows: int, gap: int, fold: int = 0) -> dict[str, tuple[int, int]]:
    """First row and end of each part, in the order of time, `gap` rows between them left out.

    fold   how many test parts before the last one they end: the training part is shorter then
    """
    back = fold * SHARES["test"]
    first, second, end = (
        round((share - back) * rows)
        for share in (SHARES["train"], SHARES["train"] + SHARES["validation"], 1.0)
    )
    return {
        "train": (0, first),
        "validation": (first + gap, second),
        "test": (second + gap, end),
    }
