"""The unitary evolution network: complex units, a recurrent matrix of structured factors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lstm_bench.cells import initialise
from lstm_bench.cells.base import WIDEST, Cell, Params, State, relu
from lstm_bench.errors import BenchError

SMALL = 1e-10  # added to a squared modulus: its root then has a derivative at 0


def reflect(v: Tensor, M: Tensor) -> Tensor:
    """(I - 2 v v* / |v|^2) M for v (R, n, 1) and M (R, n, m), complex."""
    shadow = (v.conj() * M).sum(dim=1, keepdim=True)
    return M - v * (2 * shadow / v.abs().square().sum(dim=1, keepdim=True))


@dataclass(frozen=True)
class URNN(Cell):
    """Complex units whose recurrent matrix is unitary, a product of cheap factors.

        U   = D_3 R_2 F^-1 D_2 Π R_1 F D_1      D_k = diag(e^{i θ_k}),  F the Fourier transform,
        z_t = W x_t + U h_{t-1}                 R_k = I - 2 v_k v_k* / |v_k|^2,  Π a permutation
        h_t = z_t / |z_t| ⊙ max(0, |z_t| + b)   modReLU

    n = width / 2 complex units; the state and W hold their real parts above their imaginary ones,
    and the readout sees both. W 2n*d, theta_1..3 and b n each, v_1, v_2 2n each, pi n: a fixed
    random order, not trained. 2nd + 8n trained parameters. W is Glorot-uniform by halves, theta in
    U[-pi, pi], v in U[-1, 1], b at 0 (recalled from section 4.3, not checked; the authors' code
    draws theta and v Glorot-uniform and b from U[-0.01, 0.01]). Three deviations:
    the paper learns h_0, which is 0 here; |z| is sqrt(|z|^2 + 1e-10), to have a derivative at 0;
    U is multiplied out once a pass, so a step costs 2 (2n)^2 operations instead of O(n log n), and
    takes one matrix product instead of some twenty small operations.
    """

    name = "urnn"
    citation = "Arjovsky, Shah & Bengio (2016), Unitary Evolution Recurrent Neural Networks, eq. 6"
    formula = r"h_t = \mathrm{modReLU}(W x_t + D_3 R_2 F^{-1} D_2 \Pi R_1 F D_1 h_{t-1})"
    untrained = ("pi",)

    def widths(self, inputs: int) -> range:
        return range(2, WIDEST, 2)

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        if width not in self.widths(inputs):
            raise BenchError(
                f"cell 'urnn': width is {width}, but must be even: complex units are pairs of "
                f"real ones, so {max(width - 1, 2)} or {width + 1}."
            )
        n = width // 2
        halves = [initialise.glorot(rng, n, inputs) for _ in range(2)]
        weights = {"W": np.concatenate(halves), "b": initialise.zeros(n)}
        weights.update({f"theta_{k}": rng.uniform(-np.pi, np.pi, n) for k in (1, 2, 3)})
        weights.update({f"v_{k}": rng.uniform(-1, 1, width) for k in (1, 2)})
        weights["pi"] = rng.permutation(n).astype(float)
        return weights

    def prepare(self, p: Params) -> Params:
        """Adds U as a real matrix (R, 2n, 2n), [[Re, -Im], [Im, Re]]."""
        n = p.b.shape[1]
        D = [torch.polar(torch.ones_like(p.b), p[f"theta_{k}"]) for k in (1, 2, 3)]
        v = [torch.complex(p[f"v_{k}"][:, :n], p[f"v_{k}"][:, n:]) for k in (1, 2)]
        order = p.pi.detach().argsort(dim=1, stable=True).expand(-1, -1, n)
        M = D[0] * torch.eye(n, dtype=p.b.dtype, device=p.b.device)
        M = torch.fft.fft(M, dim=1, norm="ortho")
        M = D[1] * reflect(v[0], M).gather(1, order)
        M = torch.fft.ifft(M, dim=1, norm="ortho")
        M = D[2] * reflect(v[1], M)
        above, below = torch.cat([M.real, -M.imag], dim=2), torch.cat([M.imag, M.real], dim=2)
        return Params({**p, "U": torch.cat([above, below], dim=1)})

    def step(self, p: Params, x: Tensor, state: State) -> State:
        (h,) = state
        re, im = (p.W @ x + p.U @ h).chunk(2, dim=1)
        modulus = (re * re + im * im + SMALL).sqrt()
        scale = relu(modulus + p.b) / modulus
        return (torch.cat([re * scale, im * scale], dim=1),)

    def flops(self, inputs: int, width: int, outputs: int) -> int:
        """2 * 2n (2n + d) for width 2n, as computed here; U, made once a pass, is not counted."""
        return 2 * width * (width + inputs)
