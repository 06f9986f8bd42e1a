"""minGRU and minLSTM: gates that see the input alone, so that the state enters linearly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lstm_bench.cells import initialise
from lstm_bench.cells.base import Params, State, require_choice, sigmoid
from lstm_bench.cells.linear import LinearCell, over_time

CANDIDATES = ("linear", "positive")


def positive(x: Tensor) -> Tensor:
    """g(x) = x + 1/2 from 0 on and σ(x) below: continuous, above 0. Feng et al. (2024), app. B."""
    return torch.where(x >= 0, x + 0.5, sigmoid(x))


def weights(rng: np.random.Generator, names: str, width: int, inputs: int) -> dict[str, np.ndarray]:
    drawn = {}
    for name in names:
        drawn[f"W_{name}"] = initialise.glorot(rng, width, inputs)
        drawn[f"b_{name}"] = initialise.zeros(width)
    return drawn


@dataclass(frozen=True)
class _Minimal(LinearCell):
    candidate: str = "linear"

    def __post_init__(self) -> None:
        require_choice(self, "candidate", CANDIDATES)

    def _candidate(self, p: Params, inputs: Tensor) -> Tensor:
        shown = over_time(p.W_h, inputs, p.b_h)
        return positive(shown) if self.candidate == "positive" else shown


@dataclass(frozen=True)
class MinGRU(_Minimal):
    """A GRU whose gate and candidate see the input alone.

        z_t = σ(W_z x_t + b_z)                  update gate
        h̃_t = W_h x_t + b_h                     candidate
        h_t = (1 - z_t) ⊙ h_{t-1} + z_t ⊙ h̃_t   hidden state

    W_* h*d, b_* h: 2 h (d + 1). z is the share that is new, the opposite of `gru`. `candidate` is
    `linear`, or `positive` for h̃_t = g(W_h x_t + b_h) with g(x) = x + 1/2 from 0 on and σ(x) below,
    which the paper takes to compute the scan in logarithms; this suite's scan needs none.
    `update_bias` is the start value of b_z; Glorot-uniform weights, zero biases otherwise (the
    paper does not say).
    """

    update_bias: float = 0.0

    name = "mingru"
    citation = "Feng, Tung, Ahmed, Bengio & Hajimirsadeghi (2024), Were RNNs All We Needed?, sec. 3"
    formula = (
        r"h_t = (1 - z_t) \odot h_{t-1} + z_t \odot \tilde h_t, \quad z_t = \sigma(W_z x_t + b_z)"
    )
    roles = {"write": "z", "keep": "1 - z"}

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        drawn = weights(rng, "zh", width, inputs)
        return {**drawn, "b_z": initialise.full(width, self.update_bias)}

    def gates(self, p: Params, x: Tensor, state: State) -> dict[str, Tensor]:
        return {"z": sigmoid(p.W_z @ x + p.b_z)}

    def recurrence(self, p: Params, inputs: Tensor) -> tuple[Tensor, Tensor]:
        z = sigmoid(over_time(p.W_z, inputs, p.b_z))
        return 1 - z, z * self._candidate(p, inputs)


@dataclass(frozen=True)
class MinLSTM(_Minimal):
    """An LSTM without output gate whose gates see the input alone and sum to 1.

        f̃_t = σ(W_f x_t + b_f)                  forget gate, before it is normalised
        ĩ_t = σ(W_i x_t + b_i)                  input gate, before it is normalised
        f_t = f̃_t / (f̃_t + ĩ_t),  i_t = ĩ_t / (f̃_t + ĩ_t)
        h̃_t = W_h x_t + b_h                     candidate
        h_t = f_t ⊙ h_{t-1} + i_t ⊙ h̃_t         hidden state

    W_* h*d, b_* h: 3 h (d + 1). `candidate` as in `mingru`. `forget_bias` is the start value of
    b_f; Glorot-uniform weights, zero biases otherwise (the paper does not say).
    """

    forget_bias: float = 0.0

    name = "minlstm"
    citation = "Feng, Tung, Ahmed, Bengio & Hajimirsadeghi (2024), Were RNNs All We Needed?, sec. 3"
    formula = r"h_t = f_t \odot h_{t-1} + i_t \odot \tilde h_t, \quad f_t + i_t = 1"
    roles = {"write": "i", "keep": "f"}

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        drawn = weights(rng, "fih", width, inputs)
        return {**drawn, "b_f": initialise.full(width, self.forget_bias)}

    def gates(self, p: Params, x: Tensor, state: State) -> dict[str, Tensor]:
        """The normalised ones."""
        f, i = sigmoid(p.W_f @ x + p.b_f), sigmoid(p.W_i @ x + p.b_i)
        return {"f": f / (f + i), "i": i / (f + i)}

    def recurrence(self, p: Params, inputs: Tensor) -> tuple[Tensor, Tensor]:
        f = sigmoid(over_time(p.W_f, inputs, p.b_f))
        i = sigmoid(over_time(p.W_i, inputs, p.b_i))
        share = 1 / (f + i)
        return f * share, i * share * self._candidate(p, inputs)
