"""The independently recurrent network: every unit feeds back to itself alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from lstm_bench.cells import initialise
from lstm_bench.cells.base import Cell, Params, State, relu
from lstm_bench.errors import BenchError


@dataclass(frozen=True)
class IndRNN(Cell):
    """Units that see the input and themselves, not each other.

        h_t = max(0, W x_t + u ⊙ h_{t-1} + b)

    W h*d, u h, b h: h (d + 2). `longest` = T > 0 keeps |u| <= 2^(1/T), so that no unit grows by
    more than 2 in T steps: the paper clips u after each update; here u is clipped where it is used
    and the gradient passes. 0 is no bound. W is Glorot-uniform, b = 0, u starts in U[0, 1] without
    a bound and in U[0, 2^(1/T)] with it, as the authors have it for all but the last layer; with a
    bound `start_low` raises the lower end to start_low^(1/T), as they have it for the last one. The
    paper stacks layers; in one, no unit sees another and none can gate.
    """

    longest: int = 0
    start_low: float = 0.0

    name = "indrnn"
    citation = (
        "Li, Li, Cook, Zhu & Gao (2018), Independently Recurrent Neural Network (IndRNN): Building "
        "a Longer and Deeper RNN; initialisation: the authors' code"
    )
    formula = r"h_t = \max(0, W x_t + u \odot h_{t-1} + b)"

    def __post_init__(self) -> None:
        if self.longest < 0:
            raise BenchError(
                f"cell 'indrnn': option longest is {self.longest}, but must be 0 (off) or above."
            )
        if not 0 <= self.start_low <= 1:
            raise BenchError(
                f"cell 'indrnn': option start_low is {self.start_low}, but must lie in [0, 1]."
            )

    @property
    def bound(self) -> float:
        return 2 ** (1 / self.longest) if self.longest else float("inf")

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        low = self.start_low ** (1 / self.longest) if self.longest else self.start_low
        return {
            "W": initialise.glorot(rng, width, inputs),
            "u": rng.uniform(low, self.bound if self.longest else 1.0, width),
            "b": initialise.zeros(width),
        }

    def prepare(self, p: Params) -> Params:
        # a clip alone would have no gradient beyond the bound, and u could never come back
        beyond = (p.u.clamp(-self.bound, self.bound) - p.u).detach()
        return Params({**p, "u": p.u + beyond}) if self.longest else p

    def step(self, p: Params, x: Tensor, state: State) -> State:
        (h,) = state
        return (relu(p.W @ x + p.u * h + p.b),)

    def flops(self, inputs: int, width: int, outputs: int) -> int:
        """2 h (d + 1): u is a vector."""
        return 2 * width * (inputs + 1)
