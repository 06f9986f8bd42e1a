"""The next character, or the next word, of a text of the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lstm_bench.data.tokens import UNITS, Tokens, classified, split
from lstm_bench.data.words import read_text
from lstm_bench.errors import BenchError
from lstm_bench.tasks.base import Batch, one_hot
from lstm_bench.tasks.from_file import frequencies, spans
from lstm_bench.tasks.in_order import InOrder
from lstm_bench.tasks.support import at_least, one_of


@dataclass(frozen=True)
class Text(InOrder):
    """Name the next character of a text, at each step of the second half of T characters.

    Every sequence is a piece of T characters of the file, one-hot; step t asks for the character
    after it. Only the second half is asked, so that every answer has T // 2 characters of context.

        input    t h e _ c a t _        T = 8
        target   . . . . a t _ s

    With `unit: word` T counts words (letters and digits, with an apostrophe or a hyphen inside; any
    other mark is a word, white space is none), inputs are tokens, and the network learns a vector
    for each (its option `embedding`).

    The first 70 % of the text are for training, 15 % for validation, the last 15 % for the test;
    T characters or words between two parts are left out. Held-out pieces overlap by half, so that
    each of their part is asked once. The vocabulary is that of the training part: what it has at
    least `rarest` times, the `vocabulary` most frequent at most, and one class for all others.

    Without memory or input the best answer is the frequency of each class in the training part;
    its cross-entropy on the test part is the chance loss. The optimal loss is not known, and no
    score counts as solved: the experiment `data` compares with n-grams at the same places.
    """

    unit: str = "character"
    vocabulary: int = 5000
    rarest: int = 2

    name = "text"
    loss = "cross_entropy"
    score_name = "accuracy"
    citation = "Elman (1990), Finding Structure in Time"
    shortest = 2
    formula = r"y_t = x_{t+1}"

    def __post_init__(self) -> None:
        at_least(self, rarest=1, vocabulary=2)
        one_of(self, unit=UNITS)

    @property
    def reads_tokens(self) -> bool:
        return self.unit == "word"

    @property
    def inputs(self) -> int:
        return self.outputs

    @property
    def outputs(self) -> int:
        return self.tokens.classes

    @property
    def tokens(self) -> Tokens:
        """The whole text as class numbers."""
        return _tokens(self)

    def target_steps(self, T: int) -> tuple[int, ...]:
        return tuple(range(T // 2, T))

    def starts(self, T: int, split: str) -> np.ndarray:
        """(pieces,) the first token of each piece of a split."""
        low, high = spans(len(self.tokens.codes), T)[split]
        return np.arange(low, high - T, 1 if split == "train" else T - T // 2)

    def pool(self, T: int, split: str) -> int:
        return len(self.starts(T, split))

    def take(self, T: int, split: str, places: np.ndarray) -> Batch:
        whole = self.read(self.starts(T, split)[places][:, None] + np.arange(T))
        whole.mask[:, : T // 2] = 0
        return whole

    def read(self, rows: np.ndarray) -> Batch:
        tokens = self.tokens
        seen = tokens.codes[rows]
        inputs = seen if self.reads_tokens else one_hot(seen, tokens.classes)
        return Batch(inputs, tokens.codes[rows + 1], np.ones(rows.shape, dtype=np.float32))

    @property
    def ahead(self) -> int:
        return 1

    def stretches(self, T: int, split: str) -> list[tuple[int, int]]:
        low, high = spans(len(self.tokens.codes), T)[split]
        return [(low, high - self.ahead)]

    def target_rows(self, T: int, split: str, places: np.ndarray) -> np.ndarray:
        steps = np.arange(T // 2, T)
        return (self.starts(T, split)[places][:, None] + steps + 1).ravel()

    def described(self, T: int, split: str) -> str:
        low, high = spans(len(self.tokens.codes), T)[split]
        return f"{max(high - low, 0)} {self.unit}s for pieces of {T + 1}"

    def memoryless(self, batch: Batch) -> np.ndarray:
        """The frequencies of the training part."""
        return np.broadcast_to(_frequencies(self), (*batch.targets.shape, self.outputs))

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        return float((outputs.argmax(axis=-1) == batch.targets).mean())


@lru_cache(maxsize=4)
def _tokens(task: Text) -> Tokens:
    every = split(read_text(task.path, task.encoding), task.unit)
    train = slice(*spans(len(every), gap=0)["train"])
    found = classified(every, train, task.rarest, task.vocabulary)
    if len(found.known) < 2:
        raise BenchError(
            f"{task.path.name}: its training part has {len(found.known)} {task.unit}s that occur "
            f"{task.rarest} times or more; a text needs two of them."
        )
    return found


@lru_cache(maxsize=4)
def _frequencies(task: Text) -> np.ndarray:
    tokens = task.tokens
    train = tokens.codes[slice(*spans(len(tokens.codes), gap=0)["train"])]
    return frequencies(train, tokens.classes)
