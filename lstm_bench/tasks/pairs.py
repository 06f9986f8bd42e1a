"""Pairs of texts of the user's own: one is read whole, then the other is written."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lstm_bench.data.pairs import Texts, read_pairs
from lstm_bench.data.tokens import UNITS, Tokens, classified, split
from lstm_bench.errors import BenchError, tell_once
from lstm_bench.tasks.base import SPLITS, Batch
from lstm_bench.tasks.from_file import FromFile, frequencies, members
from lstm_bench.tasks.support import at_least, one_of


@dataclass(frozen=True, eq=False)
class Written:
    """Pairs of at most T tokens, as a network reads and writes them.

    tokens    (n, T + 2) int64: source, END, target, END, then zeros
    source    (n,) and target (n,): how many tokens each has
    rows      (n,) which row of the file, from 0
    members   by split, places from 0 to n - 1
    """

    tokens: np.ndarray
    source: np.ndarray
    target: np.ndarray
    rows: np.ndarray
    members: dict[str, np.ndarray]


@dataclass(frozen=True)
class Pairs(FromFile):
    """Read a source whole, then write its target, token by token.

    The file is a table with a row a pair, columns `source` and `target`, parted by tabs (another
    `delimiter` for CSV) or Parquet. Tokens are characters, or with `unit: word` words (letters and
    digits, with an apostrophe or a hyphen inside, or any other mark). After the source comes a mark
    of its END; from there on the network is asked for the next token of the target, until it ends
    with END, and reads the one before it, whatever it answered itself ("teacher forcing").

        input    a b c END x y .      T = 6: source + target of the longest pair are 6 tokens
        target   . . . x   y END .    source "abc", target "xy"

    Inputs are tokens: 0 is nothing, then the classes of the source, then those of the target, the
    last of which is END. A network learns a vector for each (its option `embedding`). Both
    vocabularies are those of the training part: what it has at least `rarest` times, the
    `vocabulary` most frequent at most, and one class for all others on each side.

    Pairs of more than T tokens are left out, which is said with their number. Whole pairs are
    split, 70 % of them for training, 15 % for validation, 15 % for the test, in a fixed random
    order; those of one `group`, or without one those of the same source, stay in one part.

    Without memory or input the best answer is the frequency of each class in the training targets;
    its cross-entropy on the test part is the chance loss. The optimal loss is not known, and no
    score counts as solved: the experiment `data` compares with n-grams of the targets, which read
    no source. The score is the share of tokens that are right with the true ones before them;
    `exact_match` is that of whole targets, which a network writes right from its own tokens.
    """

    delimiter: str = "\t"
    source: str = "source"
    target: str = "target"
    group: str = ""
    unit: str = "character"
    rarest: int = 2
    vocabulary: int = 5000

    name = "pairs"
    loss = "cross_entropy"
    score_name = "token accuracy"
    citation = (
        "Sutskever, Vinyals & Le (2014), Sequence to Sequence Learning with Neural Networks, "
        "sec. 2, with one network for both sides"
    )
    shortest = 2
    formula = r"x_1 \dots x_m\,\mathrm{END} \to y_1 \dots y_n\,\mathrm{END}"
    reads_tokens = True

    def __post_init__(self) -> None:
        at_least(self, rarest=1, vocabulary=1)
        one_of(self, unit=UNITS)

    @property
    def inputs(self) -> int:
        return self.first_target + self.outputs

    @property
    def outputs(self) -> int:
        return self.tokens()[1].classes + 1

    @property
    def first_target(self) -> int:
        """The token of the first class of the target; END is the last."""
        return 1 + self.tokens()[0].classes

    @property
    def usual_length(self) -> int:
        source, target = lengths(self)
        return int((source + target).max())

    @property
    def texts(self) -> Texts:
        """All pairs, as in the file."""
        return _texts(self)

    def tokens(self) -> tuple[Tokens, Tokens]:
        """Those of all sources and of all targets, one row after another."""
        return _sides(self)

    def members(self, split: str) -> np.ndarray:
        """(pairs,) those of a split, by their row in the file, from 0; of any length."""
        return _members(self)[split]

    def steps(self, T: int) -> int:
        return T + 1

    def require(self, T: int) -> None:
        longest = self.usual_length
        if longest < T:
            raise BenchError(
                f"lengths: T={T} is too long for task 'pairs' with {self.path.name}; its longest "
                f"pair has {longest} {self.unit}s, so T is at most {longest}."
            )
        super().require(T)

    def target_steps(self, T: int) -> tuple[int, ...]:
        return tuple(range(int(self.pairs(T).source.min()), T + 1))

    def pairs(self, T: int) -> Written:
        """Those of at most T tokens."""
        return _written(self, T)

    def pool(self, T: int, split: str) -> int:
        return len(self.pairs(T).members[split])

    def take(self, T: int, split: str, places: np.ndarray) -> Batch:
        pairs = self.pairs(T)
        at = pairs.members[split][places]
        source, ends = pairs.source[at, None], (pairs.source + pairs.target)[at, None]
        step, tokens = np.arange(T + 1), pairs.tokens[at]
        asked = (step >= source) & (step <= ends)
        inputs = np.where(step <= ends, tokens[:, :-1], 0)
        targets = np.where(asked, tokens[:, 1:] - self.first_target, 0)
        return Batch(inputs, targets, asked.astype(np.float32))

    def target_rows(self, T: int, split: str, places: np.ndarray) -> np.ndarray:
        pairs = self.pairs(T)
        return pairs.rows[pairs.members[split][places]]

    def described(self, T: int, split: str) -> str:
        return f"{self.pool(T, split)} pairs of at most {T} {self.unit}s"

    def memoryless(self, batch: Batch) -> np.ndarray:
        """The frequencies of the training part."""
        return np.broadcast_to(_frequencies(self), (*batch.targets.shape, self.outputs))

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        right = (outputs.argmax(axis=-1) == batch.targets) & (batch.mask > 0)
        return float(right.sum() / batch.mask.sum())

    def exact_match(self, outputs: np.ndarray, batch: Batch) -> float:
        """The share of targets that are right from the first token to the END.

        As many does a network write right that reads its own likeliest tokens (greedy search): up
        to the first wrong one it has read the true ones. `outputs` (batch, L, outputs), of all
        steps.
        """
        right = (outputs.argmax(axis=-1) == batch.targets) | (batch.mask == 0)
        return float(right.all(axis=1).mean())


@lru_cache(maxsize=4)
def _texts(task: Pairs) -> Texts:
    return read_pairs(
        task.path, task.source, task.target, task.group, task.encoding, task.delimiter
    )


@lru_cache(maxsize=4)
def _members(task: Pairs) -> dict[str, np.ndarray]:
    return members(task.texts.groups)


@lru_cache(maxsize=4)
def _split(task: Pairs) -> list[list[np.ndarray]]:
    """The tokens of every source, and of every target."""
    texts = task.texts
    return [[split(text, task.unit) for text in side] for side in (texts.sources, texts.targets)]


def lengths(task: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """(n,) tokens of each source and each target of the file."""
    source, target = (np.array([len(each) for each in side]) for side in _split(task))
    return source, target


def _trained(task: Pairs) -> np.ndarray:
    """(n,) bool: the pairs of the training part."""
    return np.isin(np.arange(len(task.texts.sources)), task.members("train"))


@lru_cache(maxsize=4)
def _sides(task: Pairs) -> tuple[Tokens, Tokens]:
    """The classes of both sides, one row after another."""
    trained, found = _trained(task), []
    for side, sizes in zip(_split(task), lengths(task)):
        train = np.repeat(trained, sizes)
        found.append(classified(np.concatenate(side), train, task.rarest, task.vocabulary))
    if not found[1].known:
        raise BenchError(
            f"{task.path.name}: no {task.unit} of the targets of its training part occurs "
            f"{task.rarest} times or more; there is nothing to learn to write."
        )
    return found[0], found[1]


@lru_cache(maxsize=8)
def _written(task: Pairs, T: int) -> Written:
    sizes, firsts = lengths(task), (1, task.first_target)
    end, rows = task.inputs - 1, np.flatnonzero(sizes[0] + sizes[1] <= T)
    if left_out := len(sizes[0]) - len(rows):
        tell_once(
            "pairs",
            f"lstm_bench: {task.path.name}: {left_out} of {len(sizes[0])} pairs have more than "
            f"T = {T} {task.unit}s and are left out.",
        )
    tokens = np.zeros((len(rows), T + 2), np.int64)
    place, step = np.arange(len(rows)), np.arange(T + 2)
    begins = np.zeros(len(rows), np.int64)
    for side, size, first in zip(task.tokens(), sizes, firsts):
        inside = (step >= begins[:, None]) & (step < (begins + size[rows])[:, None])
        kept = np.repeat(np.isin(np.arange(len(size)), rows), size)
        tokens[inside] = side.codes[kept] + first
        begins = begins + size[rows]
        tokens[place, begins] = end
        begins = begins + 1
    at = np.full(len(sizes[0]), -1)
    at[rows] = place
    every = {name: at[task.members(name)] for name in SPLITS}
    parts = {name: places[places >= 0] for name, places in every.items()}
    return Written(tokens, sizes[0][rows], sizes[1][rows], rows, parts)


@lru_cache(maxsize=4)
def _frequencies(task: Pairs) -> np.ndarray:
    """Of the classes of the training targets, each with its END."""
    trained = _trained(task)
    codes, end = task.tokens()[1].codes, np.full(trained.sum(), task.outputs - 1)
    train = codes[np.repeat(trained, lengths(task)[1])]
    return frequencies(np.concatenate([train, end]), task.outputs)
