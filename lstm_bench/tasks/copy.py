"""The copy problem: recall a string of symbols after a delay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lstm_bench.errors import BenchError
from lstm_bench.tasks.base import CERTAIN, Batch, Task, one_hot


@dataclass(frozen=True)
class Copy(Task):
    """Read a string, wait T steps, write the string when told to.

    The input holds `length` symbols out of `symbols`, then T - 1 blanks, a delimiter, and `length`
    blanks; the target is blank for the first T + length steps and then the string.

        input    b d a . . . . . : . . .      symbols=4, length=3, T=6
        target   . . . . . . . . . b d a

    The loss is the cross-entropy averaged over all T + 2*length steps, as in the paper. Without
    memory the best answer is the blank while it lasts and then a uniform guess:
    length ln(symbols) / (T + 2*length). The score counts the recalled symbols only (a network that
    writes blanks for ever is right at almost every step); chance is 1/symbols. Solved when less
    than 1 % of the recalled symbols are wrong.
    """

    length: int = 3
    symbols: int = 4

    name = "copy"
    loss = "cross_entropy"
    score_name = "recall accuracy"
    solved_score = 0.99
    shortest = 1
    citation = (
        "Arjovsky, Shah & Bengio (2016), Unitary Evolution Recurrent Neural Networks, sec. 4.1"
    )
    formula = r"y_{T+K+k} = x_k, \quad k = 1 \ldots K; \quad y = \mathrm{blank}\ \text{before}"
    presets: ClassVar = {
        "small": {"length": 3, "symbols": 4},
        "arjovsky2016": {"length": 10, "symbols": 8},
    }

    def __post_init__(self) -> None:
        for name, value, least in (("length", self.length, 1), ("symbols", self.symbols, 2)):
            if value < least:
                raise BenchError(
                    f"task 'copy': option {name} is {value}, but must be at least {least}."
                )

    @property
    def inputs(self) -> int:
        return self.symbols + 2

    @property
    def outputs(self) -> int:
        return self.symbols + 1

    def steps(self, T: int) -> int:
        return T + 2 * self.length

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        blank, delimiter = self.symbols, self.symbols + 1
        steps = self.steps(T)
        string = rng.integers(0, self.symbols, (batch, self.length))
        tokens = np.full((batch, steps), blank)
        tokens[:, : self.length] = string
        tokens[:, self.length + T - 1] = delimiter
        targets = np.full((batch, steps), blank)
        targets[:, -self.length :] = string
        return Batch(one_hot(tokens, self.inputs), targets, np.ones((batch, steps), np.float32))

    def relevance(self, batch: Batch) -> np.ndarray:
        return batch.inputs[..., : self.symbols].max(axis=-1) > 0

    def memoryless(self, batch: Batch) -> np.ndarray:
        certain = np.float32(CERTAIN)
        logits = np.zeros((*batch.targets.shape, self.outputs), dtype=np.float32)
        logits[:, : -self.length, self.symbols] = certain
        logits[:, -self.length :, self.symbols] = -certain
        return logits

    def chance_loss(self, T: int) -> float:
        return self.length * np.log(self.symbols) / self.steps(T)

    def window(self, batch: Batch, k: int) -> np.ndarray:
        """By the clock alone, unless the lag T + length of every symbol lies in the window."""
        lag = batch.targets.shape[1] - self.length
        return self.perfect(batch) if k > lag else self.memoryless(batch)

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        recalled = outputs[:, -self.length :].argmax(axis=-1)
        return float((recalled == batch.targets[:, -self.length :]).mean())
