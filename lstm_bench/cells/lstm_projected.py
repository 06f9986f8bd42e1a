"""LSTM with a recurrent projection layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from lstm_bench.cells import initialise
from lstm_bench.cells.base import Cell, Params, State, sigmoid, tanh
from lstm_bench.errors import BenchError


@dataclass(frozen=True)
class LSTMProjected(Cell):
    """An LSTM with more cells than it shows: a linear layer narrows what is fed back and read.

        i_t = σ(W_i x_t + U_i r_{t-1} + p_i ⊙ c_{t-1} + b_i)      input gate
        f_t = σ(W_f x_t + U_f r_{t-1} + p_f ⊙ c_{t-1} + b_f)      forget gate
        c_t = f_t ⊙ c_{t-1} + i_t ⊙ tanh(W_c x_t + U_c r_{t-1} + b_c)
        o_t = σ(W_o x_t + U_o r_{t-1} + p_o ⊙ c_t + b_o)          output gate
        m_t = o_t ⊙ tanh(c_t)                                     output of the n cells
        h_t = r_t = W_r m_t                                       recurrent projection

    The width h is that of r_t, and there are n = `cells` * h cells. W_* n*d, U_* n*h, b_* and p_*
    n, W_r h*n: 4(nd + nh + n) + 3n + hn parameters. `peepholes: false` leaves p_* out, as
    torch.nn.LSTM(proj_size=...) does. The second, not fed back projection of the paper is left out.
    Glorot-uniform weights, zero biases and peepholes, but b_f = `forget_bias`; the paper's start,
    uniform in +-0.02 (from memory, not checked), is for networks of a thousand cells.
    """

    cells: int = 2
    peepholes: bool = True
    forget_bias: float = 1.0

    name = "lstm_projected"
    citation = (
        "Sak, Senior & Beaufays (2014), Long Short-Term Memory Based Recurrent Neural Network "
        "Architectures for Large Vocabulary Speech Recognition"
    )
    formula = r"h_t = W_r (o_t \odot \tanh(c_t))"
    state = ("h", "c")
    roles = {"write": "i", "keep": "f", "show": "o"}

    def __post_init__(self) -> None:
        if self.cells < 1:
            raise BenchError(
                f"cell 'lstm_projected': option cells is {self.cells}, but must be at least 1."
            )

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        n, weights = self.cells * width, {}
        for gate in "ifoc":
            weights[f"W_{gate}"] = initialise.glorot(rng, n, inputs)
            weights[f"U_{gate}"] = initialise.glorot(rng, n, width)
            weights[f"b_{gate}"] = initialise.zeros(n)
        weights["b_f"] = initialise.full(n, self.forget_bias)
        for gate in "ifo" if self.peepholes else "":
            weights[f"p_{gate}"] = initialise.zeros(n)
        weights["W_r"] = initialise.glorot(rng, width, n)
        return weights

    def initial_state(
        self, replicates: int, width: int, batch: int, like: Tensor, inputs: int = 1
    ) -> State:
        """All zeros: h (R, width, B) and c (R, n, B)."""
        rows = (width, self.cells * width)
        return tuple(like.new_zeros(replicates, size, batch) for size in rows)

    def flops(self, inputs: int, width: int, outputs: int) -> int:
        """As elsewhere, and 2 for each peephole."""
        peepholes = 3 if self.peepholes else 0
        return super().flops(inputs, width, outputs) + 2 * peepholes * self.cells * width

    def _equations(self, p: Params, x: Tensor, state: State) -> tuple[dict[str, Tensor], Tensor]:
        r, c = state

        def net(gate: str, seen: Tensor) -> Tensor:
            total = p[f"W_{gate}"] @ x + p[f"U_{gate}"] @ r + p[f"b_{gate}"]
            return total + p[f"p_{gate}"] * seen if f"p_{gate}" in p else total

        i, f = sigmoid(net("i", c)), sigmoid(net("f", c))
        c_tilde = tanh(net("c", c))
        c = f * c + i * c_tilde
        return {"i": i, "f": f, "o": sigmoid(net("o", c)), "c_tilde": c_tilde}, c

    def gates(self, p: Params, x: Tensor, state: State) -> dict[str, Tensor]:
        """i, f, o and the candidate, each (R, n, B)."""
        return self._equations(p, x, state)[0]

    def step(self, p: Params, x: Tensor, state: State) -> State:
        gates, c = self._equations(p, x, state)
        return p.W_r @ (gates["o"] * tanh(c)), c
