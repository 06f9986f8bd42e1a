"""Selective copying: recall the symbols, not the noise between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lstm_bench.tasks.base import CERTAIN, Batch, Task, one_hot
from lstm_bench.tasks.support import at_least


@dataclass(frozen=True)
class SelectiveCopy(Task):
    """Pick the symbols out of T steps of noise and write them in order at the end.

    `length` symbols (K) out of `symbols` (S) stand at K of the first T + K steps, any K places
    being equally likely; the other T steps show noise: a blank, or with `distractors` = n one of n
    distractor symbols. Then follow K steps that show a delimiter, at which the K symbols are
    written in the order in which they came.

        input    . b . . d a . . . : : :      symbols=4, length=3, T=6
        target                     b d a

    A network that shifts its inputs by a fixed delay solves copy but not this: what to store
    depends on what is seen. The loss is the cross-entropy at the last K steps. Without memory it is
    ln S, and chance is 1/S; the optimal loss is 0. Solved when less than 1 % of the symbols are
    wrong.

    The preset is that of Gu & Dao: 16 symbols to keep, 16 tokens of which one is the noise (their
    appendix E.1), and sequences of 4096 steps (T = 4080). Jing et al. ask the same as the denoise
    task.
    """

    length: int = 3
    symbols: int = 4
    distractors: int = 0

    name = "selective_copy"
    loss = "cross_entropy"
    score_name = "recall accuracy"
    solved_score = 0.99
    shortest = 1
    citation = (
        "Gu & Dao (2023), Mamba: Linear-Time Sequence Modeling with Selective State Spaces, "
        "sec. 4.1.1; Jing et al. (2019), Gated Orthogonal Recurrent Units, denoise task"
    )
    formula = r"y_{T+K+k} = x_{p_k}, \quad p_1 < \ldots < p_K \leq T + K"
    presets: ClassVar = {
        "small": {"length": 3, "symbols": 4},
        "gu2023": {"length": 16, "symbols": 15},
    }

    def __post_init__(self) -> None:
        at_least(self, length=1, symbols=2, distractors=0)

    @property
    def inputs(self) -> int:
        return self.symbols + max(1, self.distractors) + 1

    @property
    def outputs(self) -> int:
        return self.symbols

    def steps(self, T: int) -> int:
        return T + 2 * self.length

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        K, S, steps = self.length, self.symbols, self.steps(T)
        string = rng.integers(0, S, (batch, K))
        places = rng.random((batch, T + K), dtype=np.float32).argpartition(K - 1, axis=1)[:, :K]
        places.sort(axis=1)
        tokens = np.full((batch, steps), S)
        if self.distractors > 1:
            tokens[:, : T + K] = rng.integers(S, S + self.distractors, (batch, T + K))
        tokens[:, T + K :] = self.inputs - 1
        np.put_along_axis(tokens, places, string, axis=1)
        targets = np.zeros((batch, steps), dtype=np.int64)
        targets[:, T + K :] = string
        mask = np.zeros((batch, steps), dtype=np.float32)
        mask[:, T + K :] = 1
        return Batch(one_hot(tokens, self.inputs), targets, mask)

    def relevance(self, batch: Batch) -> np.ndarray:
        return batch.inputs[..., : self.symbols].max(axis=-1) > 0

    def memoryless(self, batch: Batch) -> np.ndarray:
        return np.zeros((*batch.targets.shape, self.outputs), dtype=np.float32)

    def chance_loss(self, T: int) -> float:
        return float(np.log(self.symbols))

    def window(self, batch: Batch, k: int) -> np.ndarray:
        """Certain of a symbol in sight, as its rank counts from the last; else a guess."""
        K, L = self.length, batch.targets.shape[1]
        tokens = batch.inputs.argmax(axis=-1)
        places = np.nonzero(tokens < self.symbols)[1].reshape(-1, K)
        asked = np.arange(L - K, L)
        string = one_hot(np.take_along_axis(tokens, places, axis=1), self.outputs)
        logits = self.memoryless(batch)
        logits[:, L - K :] = string * np.float32(CERTAIN) * (places > asked - k)[..., None]
        return logits

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        return float((outputs.argmax(axis=-1) == batch.targets).mean())
