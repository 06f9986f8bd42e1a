"""Reversal: sequence transduction in miniature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lstm_bench.tasks.base import CERTAIN, Batch, Task, one_hot
from lstm_bench.tasks.support import at_least


@dataclass(frozen=True)
class Reverse(Task):
    """Read a string of T symbols, then write it backwards.

    The input holds T symbols out of `symbols` (S), then T delimiters; at the j-th delimiter the
    j-th symbol from the end is written. A sequence has 2T steps.

        input    b d a c : : : :      symbols=4, T=4
        target           c a d b

    The lags are 1, 3, ... 2T - 1: the last symbols come back at once, and the first must be kept
    while all others are read and written. T is the load of the memory as well as its lag: the
    string has T ln S / ln 2 bits. Without memory the cross-entropy at the last T steps is ln S and
    chance is 1/S; the optimal loss is 0. Solved when less than 1 % of the symbols are wrong: at
    width 32 an LSTM needs about 2,000 updates of 32 sequences for T = 10 (Adam, rate 0.01); at T =
    20, 40 bits, LSTM and GRU get 0.75 to 0.8 of the symbols right after 2,000 to 4,000.

    Sutskever et al. found that translation becomes easier when the source is reversed, because it
    makes such short lags. Deletang et al. have the task (Reverse String, two symbols) in their
    list of formal languages, where it needs a stack.
    """

    symbols: int = 4

    name = "reverse"
    loss = "cross_entropy"
    score_name = "accuracy"
    solved_score = 0.99
    shortest = 1
    citation = (
        "Deletang et al. (2023), Neural Networks and the Chomsky Hierarchy, Reverse String; "
        "Sutskever, Vinyals & Le (2014), Sequence to Sequence Learning with Neural Networks"
    )
    formula = r"y_{T+j} = x_{T+1-j}, \quad j = 1 \ldots T"
    presets: ClassVar = {"deletang2023": {"symbols": 2}}

    def __post_init__(self) -> None:
        at_least(self, symbols=2)

    @property
    def inputs(self) -> int:
        return self.symbols + 1

    @property
    def outputs(self) -> int:
        return self.symbols

    def steps(self, T: int) -> int:
        return 2 * T

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        string = rng.integers(0, self.symbols, (batch, T))
        tokens = np.full((batch, 2 * T), self.symbols)
        tokens[:, :T] = string
        targets = np.zeros((batch, 2 * T), dtype=np.int64)
        targets[:, T:] = string[:, ::-1]
        mask = np.zeros((batch, 2 * T), dtype=np.float32)
        mask[:, T:] = 1
        return Batch(one_hot(tokens, self.inputs), targets, mask)

    def memoryless(self, batch: Batch) -> np.ndarray:
        return np.zeros((*batch.targets.shape, self.outputs), dtype=np.float32)

    def chance_loss(self, T: int) -> float:
        return float(np.log(self.symbols))

    def window(self, batch: Batch, k: int) -> np.ndarray:
        """Certain of the symbols whose lag 2j - 1 is below k; else a guess."""
        T = batch.targets.shape[1] // 2
        near = min(k // 2, T)
        logits = self.memoryless(batch)
        string = batch.inputs[:, :T, : self.symbols]
        logits[:, T : T + near] = string[:, ::-1][:, :near] * np.float32(CERTAIN)
        return logits

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        return float((outputs.argmax(axis=-1) == batch.targets).mean())
