"""Controls: a network without recurrence, and one whose recurrence is not trained."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lstm_bench.cells import initialise
from lstm_bench.cells.base import Cell, Params, State, tanh
from lstm_bench.errors import BenchError


@dataclass(frozen=True)
class FeedforwardWindow(Cell):
    """A feedforward network that sees the last k inputs and nothing before them.

        u_t = [x_t; x_{t-1}; ...; x_{t-k+1}]     the window, zero before the first step
        h_t = tanh(W u_t + b)

    W h*(kd), b h; k is `window`. What it solves needs no memory beyond k steps. Glorot-uniform
    weights, zero bias. The state carries the window, (R, kd, B).
    """

    window: int = 10

    name = "feedforward_window"
    citation = (
        "Waibel et al. (1989), Phoneme Recognition Using Time-Delay Neural Networks, with one "
        "hidden layer that is not shared over time; as a control: Bengio, Simard & Frasconi (1994)"
    )
    formula = r"h_t = \tanh(W [x_t; \dots; x_{t-k+1}] + b)"
    state = ("h", "u")

    def __post_init__(self) -> None:
        if self.window < 1:
            raise BenchError(
                f"cell 'feedforward_window': option window is {self.window}, but must be at "
                "least 1."
            )

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        return {
            "W": initialise.glorot(rng, width, self.window * inputs),
            "b": initialise.zeros(width),
        }

    def initial_state(
        self, replicates: int, width: int, batch: int, like: Tensor, inputs: int = 1
    ) -> State:
        rows = (width, self.window * inputs)
        return tuple(like.new_zeros(replicates, count, batch) for count in rows)

    def step(self, p: Params, x: Tensor, state: State) -> State:
        _, u = state
        seen = x.expand(len(u), -1, -1)  # all replicates may read the same sequences
        u = torch.cat([seen, u[:, : u.shape[1] - x.shape[1]]], dim=1)
        return tanh(p.W @ u + p.b), u


@dataclass(frozen=True)
class RandomReservoir(Cell):
    """An echo state network: a random recurrent network of which only the readout is trained.

        h_t = (1 - α) h_{t-1} + α tanh(W x_t + U h_{t-1} + b)

    W h*d, U h*h, b h, all fixed: no trained parameter but the readout's. `spectral_radius` is the
    largest modulus of U's eigenvalues (below 1 old inputs fade), `leak` is α, `input_scale` the
    range of W and b: both uniform in +-input_scale, U uniform, then scaled. The readout is trained
    by the suite's optimiser like any other, not by the ridge regression that is the custom.
    """

    spectral_radius: float = 0.95
    leak: float = 1.0
    input_scale: float = 0.5

    name = "random_reservoir"
    citation = (
        "Jaeger (2001), The 'echo state' approach to analysing and training recurrent neural "
        "networks; leak: Jaeger et al. (2007)"
    )
    formula = (
        r"h_t = (1 - \alpha) h_{t-1} + \alpha \tanh(W x_t + U h_{t-1} + b), \quad U \text{ fixed}"
    )
    untrained = ("W", "U", "b")

    def __post_init__(self) -> None:
        if not 0 < self.leak <= 1:
            raise BenchError(
                f"cell 'random_reservoir': option leak is {self.leak}, but must lie in (0, 1]."
            )
        for option in ("spectral_radius", "input_scale"):
            if getattr(self, option) < 0:
                raise BenchError(
                    f"cell 'random_reservoir': option {option} is {getattr(self, option)}, but "
                    "must not be below 0."
                )

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        U = initialise.uniform(rng, width, width, limit=1.0)
        return {
            "W": initialise.uniform(rng, width, inputs, limit=self.input_scale),
            "U": U * (self.spectral_radius / np.abs(np.linalg.eigvals(U)).max()),
            "b": rng.uniform(-self.input_scale, self.input_scale, width),
        }

    def prepare(self, p: Params) -> Params:
        return Params({name: w.detach() if name in self.untrained else w for name, w in p.items()})

    def step(self, p: Params, x: Tensor, state: State) -> State:
        (h,) = state
        return ((1 - self.leak) * h + self.leak * tanh(p.W @ x + p.U @ h + p.b),)
