"""Forecasting a sum of sines whose frequencies are new in every sequence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lstm_bench.errors import BenchError
from lstm_bench.tasks.base import Batch
from lstm_bench.tasks.forecasting import Forecast

SLOWEST, FASTEST = 0.02, 0.3  # cycles a step


@dataclass(frozen=True)
class SineMix(Forecast):
    """Continue a mixture of sines; every sequence has frequencies of its own.

        x_t = sqrt(2/K) sum_k sin(2 pi f_k t + phi_k),   f_k ~ U[0.02, 0.3],  phi_k ~ U[0, 2 pi)

    K = `components`, and `horizon` is how far ahead: step t shows x_t and asks for x_{t+horizon},
    at every step of the second half.

        input    .00 .56 .93 .97 .68 .16 -.41 -.85     K=1, horizon=2, T=8
        target    .   .   .   .  -.41 -.85 -.99 -.79

    With known frequencies 2K past values and a linear function would do; here the frequencies
    have to be found in the sequence first, 4K unknown numbers, so a fixed autoregression is left
    with the average sequence and the network must carry what it has found. (Slower sines alone are
    no test: below 0.1 cycles a step every mixture is so smooth that one AR(10) continues them all.)
    T is the length of the
    sequence: the first question has T/2 values behind it, and T >= 8K makes it answerable.

    Without memory or input the best answer is 0, with a loss of K (2/K) E sin^2 = 1 exactly, as the
    phases are uniform and independent. The optimal loss is 0. Solved when 95 % of the variance is
    explained, an NRMSE of 0.22. The task is this suite's own; the paper cited is where a recurrent
    network, trained with its weights fixed afterwards, identifies a sequence's function on the way.
    """

    components: int = 2
    horizon: int = 5

    name = "sine_mix"
    solved_score = 0.95
    shortest = 16
    citation = (
        "after Hochreiter, Younger & Conwell (2001), Learning to learn using gradient descent"
    )
    formula = r"x_t = \sqrt{2/K} \sum_k \sin(2\pi f_k t + \varphi_k), \quad y_t = x_{t+H}"
    presets: ClassVar = {"one": {"components": 1}, "far": {"horizon": 20}}

    def __post_init__(self) -> None:
        for name, value in (("components", self.components), ("horizon", self.horizon)):
            if value < 1:
                raise BenchError(
                    f"task 'sine_mix': option {name} is {value}, but must be at least 1."
                )

    def require(self, T: int) -> None:
        super().require(T)
        if 8 * self.components > T:
            raise BenchError(
                f"lengths: T={T} is too short for task 'sine_mix' with "
                f"components={self.components}; it needs T >= {8 * self.components}."
            )

    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        frequency = rng.uniform(SLOWEST, FASTEST, (batch, self.components, 1))
        phase = rng.uniform(0, 2 * np.pi, (batch, self.components, 1))
        angles = 2 * np.pi * frequency * np.arange(T + self.horizon) + phase
        x = np.sqrt(2 / self.components) * np.sin(angles).sum(axis=1)
        x = x.astype(np.float32)[..., None]
        return Batch(x[:, :T], x[:, self.horizon :], self.mask(batch, T))

    def memoryless(self, batch: Batch) -> np.ndarray:
        return np.zeros_like(batch.targets)

    def chance_loss(self, T: int) -> float:
        return 1.0
