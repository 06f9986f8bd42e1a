"""Recurrent networks whose recurrent matrix stays orthogonal: no gradient vanishes through it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lstm_bench.cells import initialise, skew
from lstm_bench.cells.base import Cell, Params, State, relu, require_choice
from lstm_bench.errors import BenchError

ANGLES = {"henaff": skew.henaff_angles, "cayley": skew.cayley_angles}


def modrelu(z: Tensor, b: Tensor) -> Tensor:
    """sign(z) max(0, |z| + b): the sign passes, the size is shifted. Its derivative at 0 is 0."""
    return z.sign() * relu(z.abs() + b)


class _Orthogonal(Cell):
    """h_t = modReLU(W x_t + U h_{t-1}) with U a function of the free entries of A."""

    def step(self, p: Params, x: Tensor, state: State) -> State:
        (h,) = state
        return (modrelu(p.W @ x + p.U @ h, p.b),)

    def flops(self, inputs: int, width: int, outputs: int) -> int:
        """2 h (h + d) a step; U is made once a pass, O(h^3), and is not counted."""
        return 2 * width * (width + inputs)


@dataclass(frozen=True)
class ScoRNN(_Orthogonal):
    """An orthogonal recurrent matrix by the scaled Cayley transform.

        U   = (I + A)^-1 (I - A) D             A = -A^T,  D = diag(-1, ..., -1, 1, ..., 1)
        z_t = W x_t + U h_{t-1}
        h_t = sign(z_t) ⊙ max(0, |z_t| + b)    modReLU

    W h*d, A h*(h-1)/2 entries above the diagonal, b h. `negative` is the share of -1 in D, fixed:
    the transform alone reaches no matrix with eigenvalue -1. A starts as 2x2 blocks whose
    transforms rotate by t ~ U[0, pi/2], W in U[-0.01, 0.01], b at 0. The paper trains A with a
    smaller learning rate than the rest; here all have one.
    """

    negative: float = 0.5

    name = "scornn"
    citation = (
        "Helfrich, Willmott & Ye (2018), Orthogonal Recurrent Neural Networks with Scaled Cayley "
        "Transform; initialisation: the authors' code"
    )
    formula = r"h_t = \mathrm{modReLU}(W x_t + (I + A)^{-1}(I - A) D\, h_{t-1})"

    def __post_init__(self) -> None:
        if not 0 <= self.negative <= 1:
            raise BenchError(
                f"cell 'scornn': option negative is {self.negative}, but must lie in [0, 1]."
            )

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        return {
            "W": initialise.uniform(rng, width, inputs, limit=0.01),
            "A": skew.blocks(skew.cayley_angles(rng, width), width),
            "b": initialise.zeros(width),
        }

    def prepare(self, p: Params) -> Params:
        width = p.W.shape[1]
        D = torch.ones_like(p.b[0, :, 0])
        D[: round(self.negative * width)] = -1
        return Params({**p, "U": skew.cayley(skew.matrix(p.A, width)) * D})


@dataclass(frozen=True)
class ExpRNN(_Orthogonal):
    """An orthogonal recurrent matrix by the matrix exponential.

        U   = e^A                              A = -A^T
        z_t = W x_t + U h_{t-1}
        h_t = sign(z_t) ⊙ max(0, |z_t| + b)    modReLU

    W h*d, A h*(h-1)/2 entries above the diagonal, b h. `start` chooses the blocks of the first A:
    `henaff`, rotations by s ~ U[-pi, pi], or `cayley`, the entries of scornn. W is He normal,
    N(0, 2/d) and b in U[-0.01, 0.01], as in the code of the paper. The paper trains
    A with a smaller learning rate than the rest; here all have one.
    """

    start: str = "henaff"

    name = "exprnn"
    citation = (
        "Lezcano-Casado & Martinez-Rubio (2019), Cheap Orthogonal Constraints in Neural Networks; "
        "initialisation: Henaff, Szlam & LeCun (2016)"
    )
    formula = r"h_t = \mathrm{modReLU}(W x_t + e^{A} h_{t-1})"

    def __post_init__(self) -> None:
        require_choice(self, "start", ANGLES)

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        return {
            "W": initialise.normal(rng, width, inputs, np.sqrt(2 / inputs)),
            "A": skew.blocks(ANGLES[self.start](rng, width), width),
            "b": rng.uniform(-0.01, 0.01, width),
        }

    def prepare(self, p: Params) -> Params:
        return Params({**p, "U": skew.exponential(skew.matrix(p.A, p.W.shape[1]))})
