"""Relatives of the GRU with fewer gates, or with other ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from lstm_bench.cells import initialise
from lstm_bench.cells.base import Cell, Params, State, sigmoid, tanh


def layers(rng: np.random.Generator, names: str, inputs: int, width: int) -> dict[str, np.ndarray]:
    """W_*, U_* and b_* of each named layer: Glorot-uniform weights, zero biases."""
    weights = {}
    for name in names:
        weights[f"W_{name}"] = initialise.glorot(rng, width, inputs)
        weights[f"U_{name}"] = initialise.glorot(rng, width, width)
        weights[f"b_{name}"] = initialise.zeros(width)
    return weights


@dataclass(frozen=True)
class MGU(Cell):
    """The minimal gated unit: one gate resets and updates.

        f_t = σ(W_f x_t + U_f h_{t-1} + b_f)                    forget gate
        h̃_t = tanh(W_h x_t + U_h (f_t ⊙ h_{t-1}) + b_h)         candidate
        h_t = (1 - f_t) ⊙ h_{t-1} + f_t ⊙ h̃_t                   hidden state

    W_* h*d, U_* h*h, b_* h: 2(hd + hh + h) parameters. The gate is called forget gate in the paper,
    and 1 forgets, unlike an LSTM's. Glorot-uniform weights, zero biases; `gate_bias` is the start
    value of b_f, and a negative one remembers for longer.
    """

    gate_bias: float = 0.0

    name = "mgu"
    citation = "Zhou, Wu, Zhang & Zhou (2016), Minimal Gated Unit for Recurrent Neural Networks"
    formula = r"h_t = (1 - f_t) \odot h_{t-1} + f_t \odot \tilde h_t"
    roles = {"write": "f", "keep": "1 - f"}

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        return {
            **layers(rng, "fh", inputs, width),
            "b_f": initialise.full(width, self.gate_bias),
        }

    def gates(self, p: Params, x: Tensor, state: State) -> dict[str, Tensor]:
        (h,) = state
        f = sigmoid(p.W_f @ x + p.U_f @ h + p.b_f)
        return {"f": f, "h_tilde": tanh(p.W_h @ x + p.U_h @ (f * h) + p.b_h)}

    def step(self, p: Params, x: Tensor, state: State) -> State:
        (h,) = state
        f, h_tilde = self.gates(p, x, state).values()
        return ((1 - f) * h + f * h_tilde,)


@dataclass(frozen=True)
class UGRNN(Cell):
    """The update-gate network: a plain network and one gate that keeps the old state.

        g_t = σ(W_g x_t + U_g h_{t-1} + b_g)                    update gate
        c_t = tanh(W_c x_t + U_c h_{t-1} + b_c)                 candidate
        h_t = g_t ⊙ h_{t-1} + (1 - g_t) ⊙ c_t                   hidden state

    W_* h*d, U_* h*h, b_* h: 2(hd + hh + h) parameters. It is `gated_leaky` with the gate the other
    way round. The paper adds to b_g a constant that it tunes; here it is `forget_bias`, the start
    value of b_g, which changes no equation. Glorot-uniform weights, the other biases zero; the
    paper tunes the scale of its weights, so there is no one published start.
    """

    forget_bias: float = 1.0

    name = "ugrnn"
    citation = (
        "Collins, Sohl-Dickstein & Sussillo (2017), Capacity and Trainability in Recurrent Neural "
        "Networks"
    )
    formula = r"h_t = g_t \odot h_{t-1} + (1 - g_t) \odot c_t"
    roles = {"write": "1 - g", "keep": "g"}

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        return {
            **layers(rng, "gc", inputs, width),
            "b_g": initialise.full(width, self.forget_bias),
        }

    def gates(self, p: Params, x: Tensor, state: State) -> dict[str, Tensor]:
        (h,) = state
        return {
            "g": sigmoid(p.W_g @ x + p.U_g @ h + p.b_g),
            "c": tanh(p.W_c @ x + p.U_c @ h + p.b_c),
        }

    def step(self, p: Params, x: Tensor, state: State) -> State:
        (h,) = state
        g, c = self.gates(p, x, state).values()
        return (g * h + (1 - g) * c,)


@dataclass(frozen=True)
class MUT1(Cell):
    """The first of three cells found by a search among ten thousand.

        z_t = σ(W_z x_t + b_z)                                  update gate
        r_t = σ(W_r x_t + U_r h_{t-1} + b_r)                    reset gate
        h̃_t = tanh(U_h (r_t ⊙ h_{t-1}) + tanh(W_h x_t) + b_h)   candidate
        h_t = z_t ⊙ h̃_t + (1 - z_t) ⊙ h_{t-1}                   hidden state

    W_* h*d, U_r and U_h h*h, b_* h: 3hd + 2hh + 3h parameters. The update gate sees the input only.
    The paper writes tanh(x_t), for an input as wide as the state; W_h, without a bias, brings any
    input to that width. Glorot-uniform weights, zero biases; `update_bias` is the start value of
    b_z, and a negative one remembers for longer.
    """

    update_bias: float = 0.0

    name = "mut1"
    citation = (
        "Jozefowicz, Zaremba & Sutskever (2015), An Empirical Exploration of Recurrent Network "
        "Architectures"
    )
    formula = (
        r"h_t = z_t \odot \tanh(U_h (r_t \odot h_{t-1}) + \tanh(W_h x_t) + b_h) "
        r"+ (1 - z_t) \odot h_{t-1}"
    )
    roles = {"write": "z", "keep": "1 - z"}

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        weights = layers(rng, "zrh", inputs, width)
        del weights["U_z"]
        weights["b_z"] = initialise.full(width, self.update_bias)
        return weights

    def gates(self, p: Params, x: Tensor, state: State) -> dict[str, Tensor]:
        (h,) = state
        r = sigmoid(p.W_r @ x + p.U_r @ h + p.b_r)
        return {
            "z": sigmoid(p.W_z @ x + p.b_z),
            "r": r,
            "h_tilde": tanh(p.U_h @ (r * h) + tanh(p.W_h @ x) + p.b_h),
        }

    def step(self, p: Params, x: Tensor, state: State) -> State:
        (h,) = state
        z, _, h_tilde = self.gates(p, x, state).values()
        return (z * h_tilde + (1 - z) * h,)
