"""The linear recurrent unit: a diagonal complex recurrence, stable by its parameters."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lstm_bench.cells.base import Params, State, require_choice, sigmoid
from lstm_bench.cells.linear import LinearCell, over_time, real_product
from lstm_bench.errors import BenchError

OUTPUTS = ("glu", "linear")


@dataclass(frozen=True)
class LRU(LinearCell):
    """A diagonal complex recurrence, linear in time, behind a gated linear unit.

        λ   = exp(-exp(ν) + i exp(θ))                      |λ| < 1 whatever ν
        s_t = λ ⊙ s_{t-1} + exp(γ) ⊙ (B x_t)               complex state
        y_t = Re(C s_t) + D x_t
        h_t = (G y_t) ⊙ σ(S y_t)                           gated linear unit, or h_t = y_t

    n = h complex units. ν, θ, γ h each, B 2 h*d and C 2 h*h (real and imaginary parts), D h*d, G
    and S h*h: 4 h^2 + 3 hd + 3 h parameters. The paper puts an MLP or a gated linear unit after the
    recurrence, without which a network of any depth is linear; its skip connections and
    normalisation are not part of this cell. s_t is linear in the inputs: where two of them have to
    be multiplied, a value by its marker, one layer needs a state as wide as the sequence is long.
    `output: linear` leaves the gated unit out, with 2 h^2 parameters fewer. D is a matrix, since
    inputs and width differ here.

    λ starts uniform on the ring `r_min` <= |λ| <= `r_max` with phase in [0, max_phase], γ at
    log sqrt(1 - |λ|^2), B at N(0, 1/(2d)), C at N(0, 1/h), D, which is a vector of N(0, 1) in the
    paper, at N(0, 1/d), G and S at N(0, 1/h).
    """

    r_min: float = 0.0
    r_max: float = 1.0
    max_phase: float = 6.28
    output: str = "glu"

    name = "lru"
    citation = (
        "Orvieto et al. (2023), Resurrecting Recurrent Neural Networks for Long Sequences, sec. 3 "
        "and app. A"
    )
    formula = (
        r"s_t = \lambda \odot s_{t-1} + e^{\gamma} \odot (B x_t), \quad"
        r" y_t = \mathrm{Re}(C s_t) + D x_t, \quad h_t = (G y_t) \odot \sigma(S y_t)"
    )
    state = ("h", "re", "im")

    def __post_init__(self) -> None:
        if not 0 <= self.r_min < self.r_max <= 1:
            raise BenchError(
                f"cell 'lru': options r_min and r_max are {self.r_min} and {self.r_max}, but must "
                "be 0 <= r_min < r_max <= 1."
            )
        if self.max_phase <= 0:
            raise BenchError(
                f"cell 'lru': option max_phase is {self.max_phase}, but must be above 0."
            )
        require_choice(self, "output", OUTPUTS)

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        # 1 - U[0, 1) lies in (0, 1]: the logarithms are finite
        squared = self.r_max**2 - rng.random(width) * (self.r_max**2 - self.r_min**2)
        squared = np.minimum(squared, 1 - 1e-12)
        drawn = {
            "nu": np.log(-0.5 * np.log(squared)),
            "theta": np.log(self.max_phase * (1 - rng.random(width))),
            "gamma": 0.5 * np.log1p(-squared),
        }
        shapes = {"B_re": (inputs, 2), "B_im": (inputs, 2), "D": (inputs, 1)}
        for name, (columns, share) in shapes.items():
            drawn[name] = rng.normal(0, 1 / np.sqrt(share * columns), (width, columns))
        for name in ("C_re", "C_im", *(("G", "S") if self.output == "glu" else ())):
            drawn[name] = rng.normal(0, 1 / np.sqrt(width), (width, width))
        return drawn

    def recurrence(self, p: Params, inputs: Tensor) -> tuple[Tensor, Tensor]:
        a = torch.polar((-p.nu.exp()).exp(), p.theta.exp())
        scale = p.gamma.exp()
        B = torch.cat([scale * p.B_re, scale * p.B_im], dim=1)
        re, im = over_time(B, inputs).chunk(2, dim=2)
        return a.unsqueeze(0), torch.complex(re, im)

    def read(self, p: Params, inputs: Tensor, s: Tensor) -> Tensor:
        y = real_product(p.C_re, p.C_im, s) + over_time(p.D, inputs)
        if self.output == "linear":
            return y
        return over_time(p.G, y) * sigmoid(over_time(p.S, y))

    def memory(self, state: State) -> Tensor:
        _, re, im = state
        return torch.complex(re, im)

    def carried(self, h: Tensor, s: Tensor) -> State:
        return h, s.real, s.imag

    def flops(self, inputs: int, width: int, outputs: int) -> int:
        """2 for each entry of B, C, D, G and S, and 8 for each complex unit's s_t."""
        return super().flops(inputs, width, outputs) + 8 * width
