"""Naming the label of a sequence of the user's own, or of each of its steps."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lstm_bench.data.sequences import Sequences, read_sequences
from lstm_bench.errors import BenchError
from lstm_bench.tasks.base import Batch
from lstm_bench.tasks.from_file import FromFile, frequencies, members
from lstm_bench.tasks.support import one_of


@dataclass(frozen=True)
class Labelled(FromFile):
    """Name the label of a sequence after its last step, or, with `each: step`, at every step.

    The file is a CSV or Parquet table with a row a step, whose rows follow each other within a
    sequence (columns `sequence` and `label`, and a `group` where one is named); or an npz with x
    (n, steps, columns), y (n,) or (n, steps) and, where there are groups, group (n,).

        sequence  x1   x2   label         input    x1, x2 of rows 1-3, then zeros up to T
        a         .3  1.2   walk          target   . . walk
        a         .4  1.1   walk
        a         .2  1.5   walk
        b         .9  0.1   run

    `columns` are the inputs (all numeric ones where none is named), `decimal` is the decimal point
    of a text file. T is the length of the longest sequence. Whole sequences are split, 70 % of them
    for training, 15 % for validation, 15 % for the test, in a fixed random order; those of one
    group (a person, a machine) stay in one part. Columns are scaled to mean 0 and variance 1 of the
    steps of the training sequences.

    Without memory or input the best answer is the frequency of each label in the training part; its
    cross-entropy on the test part is the chance loss. The optimal loss is not known, and no score
    counts as solved: the experiment `data` compares with baselines on the same sequences.
    """

    columns: tuple[str, ...] = ()
    sequence: str = "sequence"
    label: str = "label"
    group: str = ""
    each: str = "sequence"
    decimal: str = "."

    name = "labelled"
    loss = "cross_entropy"
    score_name = "accuracy"
    citation = "Graves (2012), Supervised Sequence Labelling with Recurrent Neural Networks, ch. 2"
    formula = r"y = \mathrm{label}(x_1, \dots, x_n)"

    def __post_init__(self) -> None:
        one_of(self, each=("sequence", "step"))

    @property
    def inputs(self) -> int:
        return self.sequences.inputs.shape[2]

    @property
    def outputs(self) -> int:
        return len(self.sequences.classes)

    @property
    def usual_length(self) -> int:
        return int(self.sequences.inputs.shape[1])

    @property
    def sequences(self) -> Sequences:
        """All of them, as in the file."""
        return _sequences(self)

    @property
    def each_step(self) -> bool:
        """Whether every step has a label; of arrays, their shape says it."""
        return self.sequences.labels.ndim == 2

    def require(self, T: int) -> None:
        longest = self.usual_length
        if longest != T:
            raise BenchError(
                f"lengths: T={T} is not possible for task 'labelled' with {self.path.name}; its "
                f"longest sequence has {longest} steps, so T is {longest}."
            )
        super().require(T)

    def target_steps(self, T: int) -> tuple[int, ...]:
        lengths = self.sequences.lengths
        return tuple(range(T)) if self.each_step else tuple(np.unique(lengths - 1).tolist())

    def members(self, split: str) -> np.ndarray:
        """(sequences,) those of a split, by their place in the file."""
        return _members(self)[split]

    def pool(self, T: int, split: str) -> int:
        return len(self.members(split))

    def take(self, T: int, split: str, places: np.ndarray) -> Batch:
        data, rows = self.sequences, self.members(split)[places]
        lengths, steps = data.lengths[rows][:, None], np.arange(T)
        labels = data.labels[rows]
        targets = labels if self.each_step else np.repeat(labels[:, None], T, axis=1)
        asked = steps < lengths if self.each_step else steps == lengths - 1
        return Batch(_scaled(self)[rows], targets.astype(np.int64), asked.astype(np.float32))

    def target_rows(self, T: int, split: str, places: np.ndarray) -> np.ndarray:
        return self.members(split)[places]

    def described(self, T: int, split: str) -> str:
        return f"{len(self.members(split))} sequences"

    def memoryless(self, batch: Batch) -> np.ndarray:
        """The frequencies of the training part."""
        return np.broadcast_to(_frequencies(self), (*batch.targets.shape, self.outputs))

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        right = (outputs.argmax(axis=-1) == batch.targets) & (batch.mask > 0)
        return float(right.sum() / batch.mask.sum())


@lru_cache(maxsize=4)
def _sequences(task: Labelled) -> Sequences:
    return read_sequences(
        task.path,
        task.columns,
        task.sequence,
        task.label,
        task.group,
        task.each == "step",
        task.encoding,
        task.delimiter,
        task.decimal,
    )


@lru_cache(maxsize=4)
def _members(task: Labelled) -> dict[str, np.ndarray]:
    return members(task.sequences.groups)


def _inside(task: Labelled, rows: np.ndarray) -> np.ndarray:
    """(rows, L) bool, the steps before the end of each sequence."""
    data = task.sequences
    return np.arange(data.inputs.shape[1]) < data.lengths[rows][:, None]


@lru_cache(maxsize=4)
def _scaled(task: Labelled) -> np.ndarray:
    """(n, L, columns) float32, zeros after the end of a sequence."""
    data, train = task.sequences, task.members("train")
    known = data.inputs[train][_inside(task, train)]
    spread = known.std(axis=0)
    scaled = (data.inputs - known.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    every = _inside(task, np.arange(len(data.inputs)))
    return np.where(every[..., None], scaled, 0).astype(np.float32)


@lru_cache(maxsize=4)
def _frequencies(task: Labelled) -> np.ndarray:
    data, train = task.sequences, task.members("train")
    labels = data.labels[train][_inside(task, train)] if task.each_step else data.labels[train]
    return frequencies(labels, len(data.classes))
