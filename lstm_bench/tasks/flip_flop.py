"""The flip-flop: hold bits through signals that say nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lstm_bench.errors import BenchError
from lstm_bench.tasks.base import CERTAIN, Batch, Task, one_hot
from lstm_bench.tasks.support import at_least, one_of

WRITE, READ, IGNORE = range(3)


@dataclass(frozen=True)
class FlipFlop(Task):
    """Hold `bits` bits until they are written anew.

    `variant` says what comes in and what is asked.

    - set_reset: each bit has a channel that shows +1 (set), -1 (reset) or 0 (hold) on its own. All
      bits are asked at every step.
    - instructions: one step is write, read or ignore (one-hot), and shows `bits` data of +1 or -1.
      On write they are stored; on ignore they are random and to be ignored; on read they are 0 and
      the stored bits are asked. Only reads are asked. The first step is a write, the last a read.

        set_reset      input    + . . - . . . + . +      bits=1, T=10
                       target   1 1 1 0 0 0 0 1 1 1
        instructions   input    w i i r i w i i i r
                       data     + - + . - - + - + .
                       target         1           0

    A bit is written at the first step and from then on with chance p = 1 / `hold` a step; with
    instructions a read is as likely as a write (and p at most 1/2). `hold` = 0 stands for T/2, so
    that what is to be held grows with T: the time since the last write is geometric with mean
    `hold`, cut off at the first step.

    The loss is the binary cross-entropy per bit. Every bit is 0 or 1 with equal chance: without
    memory the loss is ln 2 and chance is 1/2, and so it is for a window of the last k inputs
    wherever it holds no write. The optimal loss is 0. Solved when less than 1 % of the bits are
    wrong.

    Gates are readable here: an LSTM that has solved instructions keeps its forget gates near 1 and
    input gates near 0 while it ignores, and the reverse when it writes.

    Liu et al. have one bit, hold = 10 (80 % ignored) and strings of 512 tokens, instruction and bit
    in turn: 256 instructions, so T = 256 here, where one step shows both. Sussillo & Barak have
    three bits and squared error; their rate of pulses is not given here.
    """

    variant: str = "set_reset"
    bits: int = 3
    hold: float = 0.0

    name = "flip_flop"
    loss = "binary_cross_entropy"
    score_name = "accuracy"
    solved_score = 0.99
    shortest = 2
    citation = (
        "Liu et al. (2023), Exposing Attention Glitches with Flip-Flop Language Modeling; "
        "Sussillo & Barak (2013), Opening the Black Box, 3-bit flip-flop"
    )
    formula = r"y_t = x_{\max\{s \leq t\,:\, \text{write at } s\}}"
    presets: ClassVar = {
        "liu2023": {"variant": "instructions", "bits": 1, "hold": 10.0},
        "sussillo2013": {"variant": "set_reset", "bits": 3},
    }

    def __post_init__(self) -> None:
        one_of(self, variant=("set_reset", "instructions"))
        at_least(self, bits=1)
        if self.hold != 0 and self.hold < 2:
            raise BenchError(
                f"task 'flip_flop': option hold is {self.hold}, but must be 0 or at least 2."
            )

    @property
    def inputs(self) -> int:
        return self.bits + (3 if self._instructed else 0)

    @property
    def outputs(self) -> int:
        return self.bits

    def target_steps(self, T: int) -> tuple[int, ...]:
        return tuple(range(1 if self._instructed else 0, T))

    @property
    def _instructed(self) -> bool:
        return self.variant == "instructions"

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        p = min(0.5, 1 / (self.hold or T / 2))
        data = 2 * rng.integers(0, 2, (batch, T, self.bits), dtype=np.int8) - 1
        inputs = np.zeros((batch, T, self.inputs), dtype=np.float32)
        if self._instructed:
            chance = rng.random((batch, T))
            told = IGNORE - (chance < 2 * p) - (chance < p).astype(np.int64)
            told[:, 0], told[:, -1] = WRITE, READ
            inputs[..., :3] = one_hot(told, 3)
            inputs[..., 3:] = data * (told != READ)[..., None]
            written, asked = np.broadcast_to(told[..., None] == WRITE, data.shape), told == READ
        else:
            written, asked = rng.random(data.shape) < p, np.ones((batch, T))
            written[:, 0] = True
            inputs[...] = data * written
        stored, _ = self._stored(data, written)
        return Batch(inputs, (stored > 0).astype(np.float32), asked.astype(np.float32))

    def relevance(self, batch: Batch) -> np.ndarray:
        """Writes; of one channel or more."""
        if self._instructed:
            return batch.inputs[..., WRITE] > 0
        return np.abs(batch.inputs).max(axis=-1) > 0

    def _stored(self, data: np.ndarray, written: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(batch, T, bits): the datum last written at each step, and the step of that write."""
        steps = np.arange(data.shape[1], dtype=np.int32)[:, None]
        # step and datum in one number, which spares a look-up for every step
        keys = np.maximum.accumulate((2 * steps + (data > 0)) * written, axis=1)
        return 2 * (keys & 1) - 1, keys >> 1

    def memoryless(self, batch: Batch) -> np.ndarray:
        return np.zeros_like(batch.targets)

    def chance_loss(self, T: int) -> float:
        return float(np.log(2))

    def window(self, batch: Batch, k: int) -> np.ndarray:
        """Certain of the bits written in sight; else a guess."""
        data = batch.inputs[..., -self.bits :]
        written = batch.inputs[..., :1] > 0 if self._instructed else data != 0
        stored, last = self._stored(data, np.broadcast_to(written, data.shape))
        seen = last > np.arange(data.shape[1])[:, None] - k
        return stored * seen * np.float32(CERTAIN)

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        right = (outputs > 0) == (batch.targets > 0)
        return float(right[batch.mask > 0].mean())
