"""LSTM with layer normalisation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lstm_bench.cells import initialise
from lstm_bench.cells.base import Cell, Params, State, sigmoid, tanh

EPSILON = 1e-5  # added to the variance, as in torch.nn.LayerNorm; the paper has none


def layer_norm(z: Tensor, gain: Tensor, bias: Tensor) -> Tensor:
    """(z - mean) / deviation over the units of one sequence, then scaled and shifted."""
    z = z - z.mean(dim=1, keepdim=True)
    variance = z.square().mean(dim=1, keepdim=True)
    return z / torch.sqrt(variance + EPSILON) * gain + bias


@dataclass(frozen=True)
class LSTMLayerNorm(Cell):
    """An LSTM whose summed inputs and cell state are normalised over the units.

        (f̂_t, î_t, ô_t, ĝ_t) = LN(U h_{t-1}; α_1, β_1) + LN(W x_t; α_2, β_2) + b
        c_t = σ(f̂_t) ⊙ c_{t-1} + σ(î_t) ⊙ tanh(ĝ_t)              cell state
        h_t = σ(ô_t) ⊙ tanh(LN(c_t; α_3, β_3))                    hidden state

        LN(z; α, β) = (z - mean(z)) / deviation(z) ⊙ α + β

    W 4h*d and U 4h*h hold the rows of f, i, o and g in this order, and one mean and deviation is
    taken over all 4h of them; b, α_1, β_1, α_2, β_2 4h, α_3, β_3 h: 4hd + 4hh + 22h parameters. The
    paper has it that α starts at 0 and β at 1, with the names exchanged against its own definition;
    here gains α start at 1 and biases β at 0. Glorot-uniform weights a gate, zero b, but b of f is
    `forget_bias`. A cell with one input sees its sign alone, for LN(W x_t) has no scale left.
    """

    forget_bias: float = 1.0

    name = "lstm_layernorm"
    citation = "Ba, Kiros & Hinton (2016), Layer Normalization, supplementary material"
    formula = r"h_t = o_t \odot \tanh(\mathrm{LN}(c_t; \alpha_3, \beta_3))"
    state = ("h", "c")
    roles = {"write": "i", "keep": "f", "show": "o"}

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        W = [initialise.glorot(rng, width, inputs) for _ in "fiog"]
        U = [initialise.glorot(rng, width, width) for _ in "fiog"]
        b = initialise.zeros(4 * width)
        b[:width] = self.forget_bias
        weights = {"W": np.concatenate(W), "U": np.concatenate(U), "b": b}
        for index, size in ((1, 4 * width), (2, 4 * width), (3, width)):
            weights[f"alpha_{index}"] = initialise.full(size, 1)
            weights[f"beta_{index}"] = initialise.zeros(size)
        return weights

    def flops(self, inputs: int, width: int, outputs: int) -> int:
        """As elsewhere, and 2 for each gain; means and deviations are not counted."""
        return super().flops(inputs, width, outputs) + 2 * 9 * width

    def gates(self, p: Params, x: Tensor, state: State) -> dict[str, Tensor]:
        h, _ = state
        recurrent = layer_norm(p.U @ h, p.alpha_1, p.beta_1)
        shown = layer_norm(p.W @ x, p.alpha_2, p.beta_2)
        f, i, o, g = (recurrent + shown + p.b).chunk(4, dim=1)
        return {"f": sigmoid(f), "i": sigmoid(i), "o": sigmoid(o), "g": tanh(g)}

    def step(self, p: Params, x: Tensor, state: State) -> State:
        _, c = state
        f, i, o, g = self.gates(p, x, state).values()
        c = f * c + i * g
        h = o * tanh(layer_norm(c, p.alpha_3, p.beta_3))
        return h, c
