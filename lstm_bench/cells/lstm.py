"""Long Short-Term Memory, as the lecture writes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from lstm_bench.cells import initialise
from lstm_bench.cells.base import Cell, Params, State, require_choice, sigmoid, tanh
from lstm_bench.errors import BenchError


@dataclass(frozen=True)
class LSTM(Cell):
    """A cell state behind a forget, an input and an output gate.

        f_t = σ(W_f x_t + U_f h_{t-1} + b_f)         forget gate
        i_t = σ(W_i x_t + U_i h_{t-1} + b_i)         input gate
        o_t = σ(W_o x_t + U_o h_{t-1} + b_o)         output gate
        c̃_t = tanh(W_c x_t + U_c h_{t-1} + b_c)      candidate
        c_t = f_t ⊙ c_{t-1} + i_t ⊙ c̃_t              cell state
        h_t = o_t ⊙ tanh(c_t)                        hidden state

    W_* are h*d, U_* are h*h, b_* have h entries. Weights start Glorot-uniform and biases at 0,
    except: `forget_bias` is the initial b_f (Gers et al. 2000; 1 is usual since Jozefowicz et al.
    2015); `chrono` = T_max > 0 replaces it by b_f = log U[1, T_max - 1], b_i = -b_f (Tallec &
    Ollivier 2018). `recurrent_init`, glorot or orthogonal, is how each U_* is drawn. `init_scale`
    multiplies every matrix at the start.
    """

    forget_bias: float = 1.0
    chrono: int = 0
    recurrent_init: str = "glorot"
    init_scale: float = 1.0

    name = "lstm"
    citation = (
        "Hochreiter & Schmidhuber (1997), Long Short-Term Memory; forget gate: Gers, Schmidhuber & "
        "Cummins (2000), Learning to Forget"
    )
    formula = r"c_t = f_t \odot c_{t-1} + i_t \odot \tilde c_t, \quad h_t = o_t \odot \tanh(c_t)"
    state = ("h", "c")
    roles = {"write": "i", "keep": "f", "show": "o"}

    def __post_init__(self) -> None:
        if self.chrono < 0 or self.chrono == 1:
            raise BenchError(
                f"cell 'lstm': option chrono is {self.chrono}, but must be 0 (off) or at least 2."
            )
        require_choice(self, "recurrent_init", initialise.RECURRENT)
        initialise.require_positive(self.name, self.init_scale)

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        weights = {}
        for gate in "fioc":
            weights[f"W_{gate}"] = initialise.glorot(rng, width, inputs)
            weights[f"U_{gate}"] = initialise.recurrent(rng, width, self.recurrent_init)
            weights[f"b_{gate}"] = initialise.zeros(width)
        weights["b_f"] = initialise.full(width, self.forget_bias)
        if self.chrono:
            weights["b_f"] = initialise.chrono(rng, width, self.chrono)
            weights["b_i"] = -weights["b_f"]
        return initialise.scaled(weights, self.init_scale)

    def gates(self, p: Params, x: Tensor, state: State) -> dict[str, Tensor]:
        h, _ = state
        return {
            "f": sigmoid(p.W_f @ x + p.U_f @ h + p.b_f),
            "i": sigmoid(p.W_i @ x + p.U_i @ h + p.b_i),
            "o": sigmoid(p.W_o @ x + p.U_o @ h + p.b_o),
            "c_tilde": tanh(p.W_c @ x + p.U_c @ h + p.b_c),
        }

    def step(self, p: Params, x: Tensor, state: State) -> State:
        _, c = state
        f, i, o, c_tilde = self.gates(p, x, state).values()
        c = f * c + i * c_tilde
        h = o * tanh(c)
        return h, c
