"""Tasks whose file is one long sequence: read in windows of T rows, or straight through."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from lstm_bench.errors import BenchError
from lstm_bench.tasks.base import Batch, Task
from lstm_bench.tasks.from_file import FromFile


@dataclass(frozen=True)
class InOrder(FromFile):
    """A task from a file whose rows follow each other, so that a state can be carried along them.

    See `training.stateful`, which reads it so.
    """

    @property
    @abstractmethod
    def ahead(self) -> int:
        """Rows from the last that is read to the one that is asked for."""

    @abstractmethod
    def stretches(self, T: int, split: str) -> list[tuple[int, int]]:
        """First row and end of what a split has to be read without a break, in their order."""

    @abstractmethod
    def read(self, rows: np.ndarray) -> Batch:
        """Sequences of these rows (n, L), asked at every step that has an answer."""

    def asked_rows(self, T: int, split: str, places: np.ndarray) -> np.ndarray:
        """(places, k) the rows after which the windows at these places are asked."""
        return (self.target_rows(T, split, places) - self.ahead).reshape(len(places), -1)

    def pieces(self, T: int, split: str, offset: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """First rows of pieces of T rows, end to end, and whether each follows the one before.

        offset   rows before the first piece of each stretch, below T; in a short one fewer, so that
                 it keeps a piece
        """
        first, follows = [], []
        for start, end in self.stretches(T, split):
            if end - start >= T:
                own = np.arange(start + offset % (self._slack(start, end, T) + 1), end - T + 1, T)
                first.append(own)
                follows.append(np.arange(len(own)) > 0)
        return np.concatenate(first), np.concatenate(follows)

    def fewest_pieces(self, T: int, split: str) -> int:
        """How many pieces there are at any offset."""
        whole = [(a, b) for a, b in self.stretches(T, split) if b - a >= T]
        return sum((b - a - self._slack(a, b, T)) // T for a, b in whole)

    @staticmethod
    def _slack(start: int, end: int, T: int) -> int:
        return min(T - 1, end - start - T)

    def require_streams(self, T: int, batch: int) -> None:
        """Raise BenchError where a sequence of a batch would have fewer than two pieces."""
        count = self.fewest_pieces(T, "train")
        if count < 2 * batch:
            raise BenchError(
                f"stateful: True is not allowed with batch {batch} and T={T} on "
                f"{self.path.name}, whose training part has {count} pieces of {T} rows; it needs "
                f"two for each sequence of a batch: a batch of {max(count // 2, 1)} or fewer."
            )


def in_order(task: Task) -> InOrder:
    """The task. Raises BenchError for one whose sequences do not follow one another."""
    if not isinstance(task, InOrder):
        raise BenchError(
            f"stateful: True is not allowed on task {task.name!r}, whose sequences do not follow "
            "one another; it needs series or text."
        )
    return task


def trained_steps(task: Task, T: int, stateful: bool) -> tuple[int, ...]:
    """The steps of a training sequence that are asked: all of them where a state is carried."""
    return tuple(range(T)) if stateful else task.target_steps(T)
