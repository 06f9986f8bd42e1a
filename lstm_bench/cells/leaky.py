"""Leaky and gated leaky networks: the ladder from a plain network to a gated one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from lstm_bench.cells import initialise
from lstm_bench.cells.base import Cell, Params, State, sigmoid, tanh
from lstm_bench.errors import BenchError


def require_chrono(cell: Cell, longest: int) -> None:
    if longest < 0 or longest == 1:
        raise BenchError(
            f"cell {cell.name!r}: option chrono is {longest}, but must be 0 (off) or at least 2."
        )


@dataclass(frozen=True)
class Leaky(Cell):
    """A leaky integrator: every unit forgets at a rate of its own, the same at every step.

        α   = σ(a)                                                  rates in (0, 1), learnt
        h_t = α ⊙ tanh(W x_t + U h_{t-1} + b) + (1 - α) ⊙ h_{t-1}

    W h*d, U h*h, b h, a h: hd + hh + 2h parameters. α = 1 is `elman`. A unit remembers for about
    1/α steps, so a network can stretch its time by any constant factor, but by no other warp. The
    paper learns α in (0, 1); that it is the logistic of a free number is our choice, and so is its
    start, `alpha` in every unit. `chrono` = T_max > 0 starts α = 1 / (1 + U[1, T_max - 1]) instead,
    as in `gated_leaky`. Glorot-uniform weights, zero b.
    """

    alpha: float = 0.1
    chrono: int = 0

    name = "leaky"
    citation = (
        "Tallec & Ollivier (2018), Can recurrent neural networks warp time?; Jaeger (2002), "
        "Tutorial on training recurrent neural networks"
    )
    formula = (
        r"h_t = \alpha \odot \tanh(W x_t + U h_{t-1} + b) + (1 - \alpha) \odot h_{t-1}, "
        r"\quad \alpha = \sigma(a)"
    )

    def __post_init__(self) -> None:
        require_chrono(self, self.chrono)
        if not 0 < self.alpha < 1:
            raise BenchError(
                f"cell 'leaky': option alpha is {self.alpha}, but must lie between 0 and 1."
            )

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        weights = {
            "W": initialise.glorot(rng, width, inputs),
            "U": initialise.glorot(rng, width, width),
            "b": initialise.zeros(width),
            "a": initialise.full(width, np.log(self.alpha / (1 - self.alpha))),
        }
        if self.chrono:
            weights["a"] = -initialise.chrono(rng, width, self.chrono)
        return weights

    def flops(self, inputs: int, width: int, outputs: int) -> int:
        """As elsewhere, and 4 for each rate: α and 1 - α multiply a vector each."""
        return super().flops(inputs, width, outputs) + 4 * width

    def step(self, p: Params, x: Tensor, state: State) -> State:
        (h,) = state
        alpha = sigmoid(p.a)
        return (alpha * tanh(p.W @ x + p.U @ h + p.b) + (1 - alpha) * h,)


@dataclass(frozen=True)
class GatedLeaky(Cell):
    """A leaky integrator whose rate is a gate: it may change at every step.

        g_t = σ(W_g x_t + U_g h_{t-1} + b_g)                           gate
        h̃_t = tanh(W_h x_t + U_h h_{t-1} + b_h)                        candidate
        h_t = g_t ⊙ h̃_t + (1 - g_t) ⊙ h_{t-1}

    W_* h*d, U_* h*h, b_* h: 2(hd + hh + h) parameters. It is what invariance to any warp of time
    asks for, and a GRU without a reset gate. Glorot-uniform weights, zero biases; `gate_bias` is
    the start value of b_g, and `chrono` = T_max > 0 sets b_g = -log U[1, T_max - 1] instead, so
    that a unit remembers for up to T_max steps.
    """

    gate_bias: float = 0.0
    chrono: int = 0

    name = "gated_leaky"
    citation = "Tallec & Ollivier (2018), Can recurrent neural networks warp time?"
    formula = r"h_t = g_t \odot \tanh(W_h x_t + U_h h_{t-1} + b_h) + (1 - g_t) \odot h_{t-1}"
    roles = {"write": "g", "keep": "1 - g"}

    def __post_init__(self) -> None:
        require_chrono(self, self.chrono)

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        weights = {}
        for name in "gh":
            weights[f"W_{name}"] = initialise.glorot(rng, width, inputs)
            weights[f"U_{name}"] = initialise.glorot(rng, width, width)
            weights[f"b_{name}"] = initialise.zeros(width)
        weights["b_g"] = initialise.full(width, self.gate_bias)
        if self.chrono:
            weights["b_g"] = -initialise.chrono(rng, width, self.chrono)
        return weights

    def gates(self, p: Params, x: Tensor, state: State) -> dict[str, Tensor]:
        (h,) = state
        return {
            "g": sigmoid(p.W_g @ x + p.U_g @ h + p.b_g),
            "h_tilde": tanh(p.W_h @ x + p.U_h @ h + p.b_h),
        }

    def step(self, p: Params, x: Tensor, state: State) -> State:
        (h,) = state
        g, h_tilde = self.gates(p, x, state).values()
        return (g * h_tilde + (1 - g) * h,)
