"""Plain recurrent networks: the hidden state, or the output, is fed back through one layer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from lstm_bench.cells import initialise
from lstm_bench.cells.base import Cell, Params, State, relu, require_choice, tanh


@dataclass(frozen=True)
class Elman(Cell):
    """The simple recurrent network: the hidden state is fed back.

        h_t = tanh(W x_t + U h_{t-1} + b)

    W h*d, U h*h, b h. Glorot-uniform weights, zero biases. `recurrent_init` is how U is drawn:
    glorot or orthogonal; `init_scale` multiplies W and U at the start.
    """

    recurrent_init: str = "glorot"
    init_scale: float = 1.0

    name = "elman"
    citation = "Elman (1990), Finding Structure in Time"
    formula = r"h_t = \tanh(W x_t + U h_{t-1} + b)"

    def __post_init__(self) -> None:
        require_choice(self, "recurrent_init", initialise.RECURRENT)
        initialise.require_positive(self.name, self.init_scale)

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        weights = {
            "W": initialise.glorot(rng, width, inputs),
            "U": initialise.recurrent(rng, width, self.recurrent_init),
            "b": initialise.zeros(width),
        }
        return initialise.scaled(weights, self.init_scale)

    def step(self, p: Params, x: Tensor, state: State) -> State:
        (h,) = state
        return (tanh(p.W @ x + p.U @ h + p.b),)


@dataclass(frozen=True)
class IRNN(Cell):
    """Rectified linear units that start as an exact memory: U is the identity.

        h_t = max(0, W x_t + U h_{t-1} + b),   U = I, b = 0 at the start

    W h*d with entries N(0, input_std), U h*h, b h.
    """

    input_std: float = 0.001

    name = "irnn"
    citation = (
        "Le, Jaitly & Hinton (2015), A Simple Way to Initialize Recurrent Networks of Rectified "
        "Linear Units, sec. 3"
    )
    formula = r"h_t = \max(0, W x_t + U h_{t-1} + b), \quad U_0 = I"

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        return {
            "W": initialise.normal(rng, width, inputs, self.input_std),
            "U": np.eye(width),
            "b": initialise.zeros(width),
        }

    def step(self, p: Params, x: Tensor, state: State) -> State:
        (h,) = state
        return (relu(p.W @ x + p.U @ h + p.b),)


@dataclass(frozen=True)
class ElmanReLU(Elman):
    """The simple recurrent network with rectified linear units and an ordinary start.

        h_t = max(0, W x_t + U h_{t-1} + b)

    W h*d, U h*h, b h. The equations of `irnn`, the weights of `elman`: Glorot-uniform, zero biases.
    `recurrent_init` is how U is drawn: glorot or orthogonal; `init_scale` multiplies W and U at the
    start. Beside `irnn` it shows what the start
    at the identity does.
    """

    name = "elman_relu"
    citation = (
        "Elman (1990), Finding Structure in Time; with rectified linear units: Le, Jaitly & Hinton "
        "(2015), A Simple Way to Initialize Recurrent Networks of Rectified Linear Units"
    )
    formula = r"h_t = \max(0, W x_t + U h_{t-1} + b)"

    def step(self, p: Params, x: Tensor, state: State) -> State:
        (h,) = state
        return (relu(p.W @ x + p.U @ h + p.b),)


@dataclass(frozen=True)
class Jordan(Cell):
    """The network's output, not its hidden state, is fed back.

        y_{t-1} = V h_{t-1} + b_y            the network's readout
        h_t     = tanh(W x_t + U y_{t-1} + b)

    W h*d, U h*k, b h, for k outputs. The memory is as wide as the output: a task with one output
    leaves one number to remember with, which has to be the answer at the end too: on adding at
    T = 50 it stays at the chance loss. The output fed back is the linear one, before any softmax.
    Jordan's state units also feed themselves, which keeps a decaying trace of earlier outputs; that
    connection is left out here.
    """

    name = "jordan"
    version = 2  # a wide one multiplies by V, then U: other last bits
    citation = "Jordan (1986), Serial Order: A Parallel Distributed Processing Approach"
    formula = r"h_t = \tanh(W x_t + U y_{t-1} + b), \quad y_t = V h_t + b_y"
    reads_output = True

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        return {
            "W": initialise.glorot(rng, width, inputs),
            "U": initialise.glorot(rng, width, outputs),
            "b": initialise.zeros(width),
        }

    def step(self, p: Params, x: Tensor, state: State) -> State:
        (h,) = state
        y = p.V @ h + p.b_y
        return (tanh(p.W @ x + p.U @ y + p.b),)
