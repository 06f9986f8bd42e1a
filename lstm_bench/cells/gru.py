"""Gated recurrent units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from lstm_bench.cells import initialise
from lstm_bench.cells.base import Cell, Params, State, sigmoid, tanh


@dataclass(frozen=True)
class GRU(Cell):
    """One gate decides how much of the old state to keep, one how much of it to look at.

        r_t = σ(W_r x_t + U_r h_{t-1} + b_r)                    reset gate
        z_t = σ(W_z x_t + U_z h_{t-1} + b_z)                    update gate
        n_t = tanh(W_n x_t + b_n + r_t ⊙ (U_n h_{t-1} + b_u))   candidate
        h_t = (1 - z_t) ⊙ n_t + z_t ⊙ h_{t-1}                   hidden state

    W_* h*d, U_* h*h, b_* h. The reset gate acts after the matrix product and the candidate keeps a
    recurrent bias b_u of its own, as in cuDNN and torch.nn (Cho et al. apply r_t before the
    product). Glorot-uniform weights, zero biases; `update_bias` is the start value of b_z, the
    counterpart of an LSTM's forget bias.
    """

    update_bias: float = 0.0

    name = "gru"
    citation = (
        "Cho et al. (2014), Learning Phrase Representations using RNN Encoder-Decoder; the form "
        "with r after the product: Chung et al. (2014) and cuDNN"
    )
    formula = r"h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1}"

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        weights = {}
        for gate in "rzn":
            weights[f"W_{gate}"] = initialise.glorot(rng, width, inputs)
            weights[f"U_{gate}"] = initialise.glorot(rng, width, width)
            weights[f"b_{gate}"] = initialise.zeros(width)
        weights["b_z"] = initialise.full(width, self.update_bias)
        weights["b_u"] = initialise.zeros(width)
        return weights

    def gates(self, p: Params, x: Tensor, state: State) -> dict[str, Tensor]:
        (h,) = state
        r = sigmoid(p.W_r @ x + p.U_r @ h + p.b_r)
        z = sigmoid(p.W_z @ x + p.U_z @ h + p.b_z)
        n = tanh(p.W_n @ x + p.b_n + r * (p.U_n @ h + p.b_u))
        return {"r": r, "z": z, "n": n}

    def step(self, p: Params, x: Tensor, state: State) -> State:
        (h,) = state
        _, z, n = self.gates(p, x, state).values()
        return ((1 - z) * n + z * h,)
