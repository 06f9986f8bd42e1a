"""Networks that are discretised differential equations: oscillators, and an antisymmetric flow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lstm_bench.cells import initialise, skew
from lstm_bench.cells.base import Cell, Params, State, sigmoid, tanh
from lstm_bench.errors import BenchError


def above_zero(cell: str, **options: float) -> None:
    for name, value in options.items():
        if value <= 0:
            raise BenchError(f"cell {cell!r}: option {name} is {value}, but must be above 0.")


@dataclass(frozen=True)
class CoRNN(Cell):
    """Coupled, damped, driven oscillators: positions h, velocities z.

        z_t = z_{t-1} + Δt (tanh(U h_{t-1} + R z_{t-1} + W x_t + b) - γ h_{t-1} - ε z_{t-1})
        h_t = h_{t-1} + Δt z_t

    W h*d, U and R h*h, b h. `dt`, `gamma` and `epsilon` are Δt, γ and ε; their defaults are those
    the authors' code has for adding at T = 100. The damping is explicit (n-bar = n - 1 in the
    paper), as in their code. All weights start in U[-k, k], k = 1 / sqrt(d + 2h), that is a
    torch.nn.Linear of [x; z; h].
    """

    dt: float = 0.06
    gamma: float = 66.0
    epsilon: float = 15.0

    name = "cornn"
    citation = (
        "Rusch & Mishra (2021), Coupled Oscillatory Recurrent Neural Network (coRNN), eq. 3; "
        "constants and initialisation: the authors' code"
    )
    formula = (
        r"\ddot h = \tanh(U h + R \dot h + W x + b) - \gamma h - \epsilon \dot h,"
        r" \quad h_t = h_{t-1} + \Delta t\, z_t"
    )
    state = ("h", "z")

    def __post_init__(self) -> None:
        above_zero(self.name, dt=self.dt, gamma=self.gamma, epsilon=self.epsilon)

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        k = 1 / np.sqrt(inputs + 2 * width)
        return {
            "W": initialise.uniform(rng, width, inputs, limit=k),
            "U": initialise.uniform(rng, width, width, limit=k),
            "R": initialise.uniform(rng, width, width, limit=k),
            "b": rng.uniform(-k, k, width),
        }

    def step(self, p: Params, x: Tensor, state: State) -> State:
        h, z = state
        force = tanh(p.U @ h + p.R @ z + p.W @ x + p.b)
        z = z + self.dt * (force - self.gamma * h - self.epsilon * z)
        return h + self.dt * z, z


@dataclass(frozen=True)
class Antisymmetric(Cell):
    """A step of a differential equation whose flow neither grows nor decays.

        M   = A - γ I                              A = -A^T: its eigenvalues are imaginary
        h_t = h_{t-1} + ε tanh(M h_{t-1} + W x_t + b)

    W h*d, A h*(h-1)/2 entries above the diagonal, b h. `step_size` is ε, `diffusion` γ >= 0, a
    little damping that Euler's method needs; the paper tunes both for each task, and the defaults
    here are ours. A = S - S^T with S ~ N(0, 1/h), W ~ N(0, 1/d), b = 0, as in
    appendix C of the paper, which draws from N(0, σ²/h) with σ of 0, 1, 2, 4, 8 or 16; here σ = 1.
    """

    step_size: float = 0.1
    diffusion: float = 0.01

    name = "antisymmetric"
    citation = (
        "Chang, Chen, Haber & Chi (2019), AntisymmetricRNN: A Dynamical System View on Recurrent "
        "Neural Networks, sec. 3"
    )
    formula = r"h_t = h_{t-1} + \epsilon \tanh((A - \gamma I) h_{t-1} + W x_t + b), \quad A = -A^T"

    def __post_init__(self) -> None:
        above_zero(self.name, step_size=self.step_size)
        if self.diffusion < 0:
            raise BenchError(
                f"cell {self.name!r}: option diffusion is {self.diffusion}, but must not be "
                "below 0."
            )

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        return {
            "W": initialise.normal(rng, width, inputs, 1 / np.sqrt(inputs)),
            # the difference of two entries of variance 1/h
            "A": rng.normal(0, np.sqrt(2 / width), skew.count(width)),
            "b": initialise.zeros(width),
        }

    def prepare(self, p: Params) -> Params:
        width = p.W.shape[1]
        eye = torch.eye(width, dtype=p.W.dtype, device=p.W.device)
        return Params({**p, "M": skew.matrix(p.A, width) - self.diffusion * eye})

    def step(self, p: Params, x: Tensor, state: State) -> State:
        (h,) = state
        return (h + self.step_size * tanh(p.M @ h + p.W @ x + p.b),)

    def flops(self, inputs: int, width: int, outputs: int) -> int:
        """2 h (h + d): the h (h - 1) / 2 entries of A make a full matrix."""
        return 2 * width * (width + inputs)


@dataclass(frozen=True)
class AntisymmetricGated(Antisymmetric):
    """The antisymmetric network with an input gate that shares its recurrent matrix.

        M   = A - γ I                              A = -A^T
        z_t = σ(M h_{t-1} + W_z x_t + b_z)         gate
        h_t = h_{t-1} + ε z_t ⊙ tanh(M h_{t-1} + W x_t + b)

    W and W_z h*d, A h*(h-1)/2 entries above the diagonal, b and b_z h. Options and start as in
    `antisymmetric`; W_z ~ N(0, 1/d), b_z = 0.
    """

    name = "antisymmetric_gated"
    formula = r"h_t = h_{t-1} + \epsilon z_t \odot \tanh((A - \gamma I) h_{t-1} + W x_t + b)"
    roles = {"write": "z"}

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        weights = super().init(rng, inputs, width, outputs)
        weights["W_z"] = initialise.normal(rng, width, inputs, 1 / np.sqrt(inputs))
        weights["b_z"] = initialise.zeros(width)
        return weights

    def gates(self, p: Params, x: Tensor, state: State) -> dict[str, Tensor]:
        """`p` as prepared: it holds M."""
        (h,) = state
        return {"z": sigmoid(p.M @ h + p.W_z @ x + p.b_z)}

    def step(self, p: Params, x: Tensor, state: State) -> State:
        (h,) = state
        Mh = p.M @ h
        z = sigmoid(Mh + p.W_z @ x + p.b_z)
        return (h + self.step_size * z * tanh(Mh + p.W @ x + p.b),)

    def flops(self, inputs: int, width: int, outputs: int) -> int:
        """2 h (h + 2d): M h is computed once."""
        return 2 * width * (width + 2 * inputs)
