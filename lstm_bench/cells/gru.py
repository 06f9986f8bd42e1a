"""Gated recurrent units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from lstm_bench.cells import initialise
from lstm_bench.cells.base import Cell, Params, State, require_choice, sigmoid, tanh
from lstm_bench.errors import BenchError


@dataclass(frozen=True)
class GRU(Cell):
    """One gate decides how much of the old state to keep, one how much of it to look at.

        r_t = σ(W_r x_t + U_r h_{t-1} + b_r)                    reset gate
        z_t = σ(W_z x_t + U_z h_{t-1} + b_z)                    update gate
        n_t = tanh(W_n x_t + b_n + r_t ⊙ (U_n h_{t-1} + b_u))   candidate
        h_t = (1 - z_t) ⊙ n_t + z_t ⊙ h_{t-1}                   hidden state

    W_* h*d, U_* h*h, b_* h: 3(hd + hh + h) + h parameters. `reset` names the convention. With
    `after` the reset gate acts after the matrix product and the candidate keeps a recurrent bias
    b_u of its own, as above, in cuDNN and in torch.nn. With `before` it acts on the state before
    the product and there is no b_u, 3(hd + hh + h) parameters:

        n_t = tanh(W_n x_t + U_n (r_t ⊙ h_{t-1}) + b_n)         Chung et al. (2014)

    Glorot-uniform weights, zero biases; `update_bias` is the start value of b_z, the counterpart of
    an LSTM's forget bias, and `chrono` = T_max > 0 sets b_z = log U[1, T_max - 1] instead (Tallec &
    Ollivier 2018, whose z is 1 - z_t here); `recurrent_init` is how each U_* is drawn: glorot or
    orthogonal; `init_scale` multiplies every matrix at the start.
    """

    update_bias: float = 0.0
    chrono: int = 0
    reset: str = "after"
    recurrent_init: str = "glorot"
    init_scale: float = 1.0

    name = "gru"
    citation = (
        "Cho et al. (2014), Learning Phrase Representations using RNN Encoder-Decoder; the form "
        "with r after the product: its first version (arXiv 1406.1078v1) and cuDNN"
    )
    formula = r"h_t = (1 - z_t) \odot n_t + z_t \odot h_{t-1}"
    roles = {"write": "1 - z", "keep": "z"}

    def __post_init__(self) -> None:
        if self.chrono < 0 or self.chrono == 1:
            raise BenchError(
                f"cell 'gru': option chrono is {self.chrono}, but must be 0 (off) or at least 2."
            )
        require_choice(self, "reset", ("after", "before"))
        require_choice(self, "recurrent_init", initialise.RECURRENT)
        initialise.require_positive(self.name, self.init_scale)

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        weights = {}
        for gate in "rzn":
            weights[f"W_{gate}"] = initialise.glorot(rng, width, inputs)
            weights[f"U_{gate}"] = initialise.recurrent(rng, width, self.recurrent_init)
            weights[f"b_{gate}"] = initialise.zeros(width)
        weights["b_z"] = initialise.full(width, self.update_bias)
        if self.chrono:
            weights["b_z"] = initialise.chrono(rng, width, self.chrono)
        if self.reset == "after":
            weights["b_u"] = initialise.zeros(width)
        return initialise.scaled(weights, self.init_scale)

    def gates(self, p: Params, x: Tensor, state: State) -> dict[str, Tensor]:
        (h,) = state
        r = sigmoid(p.W_r @ x + p.U_r @ h + p.b_r)
        z = sigmoid(p.W_z @ x + p.U_z @ h + p.b_z)
        if self.reset == "after":
            n = tanh(p.W_n @ x + p.b_n + r * (p.U_n @ h + p.b_u))
        else:
            n = tanh(p.W_n @ x + p.U_n @ (r * h) + p.b_n)
        return {"r": r, "z": z, "n": n}

    def step(self, p: Params, x: Tensor, state: State) -> State:
        (h,) = state
        _, z, n = self.gates(p, x, state).values()
        return ((1 - z) * n + z * h,)
