"""The scalar LSTM of the xLSTM paper: exponential gates, kept in range by a running maximum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from lstm_bench.cells import initialise
from lstm_bench.cells.base import Cell, Params, State, require_choice, sigmoid, tanh

FORGET = ("sigmoid", "exp")


@dataclass(frozen=True)
class SLSTM(Cell):
    """An LSTM with exponential gates, a normaliser n and a stabiliser m.

        ĩ_t = W_i x_t + U_i h_{t-1} + b_i           f̃_t, z̃_t, õ_t alike
        m_t = max(log f_t + m_{t-1}, ĩ_t)           stabiliser; f_t = σ(f̃_t), or exp(f̃_t)
        i_t = exp(ĩ_t - m_t)                        input gate, stabilised
        f'_t = exp(log f_t + m_{t-1} - m_t)         forget gate, stabilised
        c_t = f'_t ⊙ c_{t-1} + i_t ⊙ tanh(z̃_t)      cell state
        n_t = f'_t ⊙ n_{t-1} + i_t                  normaliser
        h_t = σ(õ_t) ⊙ c_t / n_t                    hidden state

    W_* h*d, U_* h*h, b_* h: 4 (hd + h^2 + h). One head: U is not block-diagonal. `forget` chooses
    f; the paper allows both, its code uses the sigmoid. As in that code at a single block, U starts
    at 0 and the k-th b_f at 5 - 12 (k / (h - 1))^0.3, k = 0 .. h - 1, so that the units have time
    scales from e^5 steps down; W is Glorot-uniform, the other biases are 0. c and n start at 0, m
    at minus infinity, so that the first input is weighted 1 whatever its gate (m_0 = 0 would be the
    same in exact arithmetic).
    """

    forget: str = "sigmoid"

    name = "slstm"
    citation = (
        "Beck et al. (2024), xLSTM: Extended Long Short-Term Memory, eqs. 8-17; initialisation: "
        "the authors' code"
    )
    formula = (
        r"c_t = f'_t \odot c_{t-1} + i_t \odot \tanh \tilde z_t, \quad n_t = f'_t \odot n_{t-1} + "
        r"i_t, \quad h_t = \sigma(\tilde o_t) \odot c_t / n_t"
    )
    state = ("h", "c", "n", "m")
    roles = {"write": "i", "keep": "f", "show": "o"}

    def __post_init__(self) -> None:
        require_choice(self, "forget", FORGET)

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        weights = {}
        for gate in "ifzo":
            weights[f"W_{gate}"] = initialise.glorot(rng, width, inputs)
            weights[f"U_{gate}"] = np.zeros((width, width))
            weights[f"b_{gate}"] = initialise.zeros(width)
        weights["b_f"] = 5 - 12 * (np.arange(width) / max(width - 1, 1)) ** 0.3
        return weights

    def initial_state(
        self, replicates: int, width: int, batch: int, like: Tensor, inputs: int = 1
    ) -> State:
        h, c, n, m = super().initial_state(replicates, width, batch, like, inputs)
        return h, c, n, m - float("inf")

    def _gates(self, p: Params, x: Tensor, state: State) -> tuple[dict[str, Tensor], Tensor]:
        h, _, _, m = state
        i, f, z, o = (p[f"W_{g}"] @ x + p[f"U_{g}"] @ h + p[f"b_{g}"] for g in "ifzo")
        kept = m + (logsigmoid(f) if self.forget == "sigmoid" else f)
        m = torch.maximum(kept, i)
        gates = {"i": (i - m).exp(), "f": (kept - m).exp(), "z": tanh(z), "o": sigmoid(o)}
        return gates, m

    def gates(self, p: Params, x: Tensor, state: State) -> dict[str, Tensor]:
        """i and f are the stabilised ones: the larger of both is 1."""
        return self._gates(p, x, state)[0]

    def step(self, p: Params, x: Tensor, state: State) -> State:
        _, c, n, _ = state
        gates, m = self._gates(p, x, state)
        i, f, z, o = gates.values()
        c = f * c + i * z
        n = f * n + i
        return o * c / n, c, n, m
