"""Random weights, drawn for one replicate from its own numpy generator."""

from __future__ import annotations

import numpy as np

from lstm_bench.errors import BenchError


def glorot(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Uniform in +-sqrt(6 / (rows + columns)). Glorot & Bengio (2010), eq. 16."""
    limit = np.sqrt(6 / (rows + columns))
    return rng.uniform(-limit, limit, (rows, columns))


def orthogonal(rng: np.random.Generator, size: int) -> np.ndarray:
    """A square orthogonal matrix, uniform over all of them. Saxe et al. (2014).

    The Q of a Gaussian matrix's QR decomposition is uniform (Haar) only after its columns take the
    signs of the diagonal of R: Mezzadri (2007), How to generate random matrices, sec. 5.
    """
    q, r = np.linalg.qr(rng.normal(size=(size, size)))
    return q * np.sign(np.diag(r))


RECURRENT = ("glorot", "orthogonal")  # what an option `recurrent_init` may say


def recurrent(rng: np.random.Generator, size: int, kind: str) -> np.ndarray:
    """A square matrix from the hidden state to itself; `kind` is one of RECURRENT."""
    return orthogonal(rng, size) if kind == "orthogonal" else glorot(rng, size, size)


def uniform(rng: np.random.Generator, *shape: int, limit: float) -> np.ndarray:
    """Uniform in +-limit."""
    return rng.uniform(-limit, limit, shape)


def normal(rng: np.random.Generator, rows: int, columns: int, std: float) -> np.ndarray:
    """Independent Gaussians of mean 0."""
    return rng.normal(0, std, (rows, columns))


def zeros(rows: int) -> np.ndarray:
    return np.zeros(rows)


def full(rows: int, value: float) -> np.ndarray:
    return np.full(rows, float(value))


def chrono(rng: np.random.Generator, rows: int, longest: int) -> np.ndarray:
    """Forget-gate biases log U[1, T_max - 1]: time scales spread up to T_max.

    Tallec & Ollivier (2018), Can recurrent neural networks warp time?, eq. 16.
    """
    return np.log(rng.uniform(1, max(longest - 1, 1), rows))


def scaled(weights: dict[str, np.ndarray], scale: float) -> dict[str, np.ndarray]:
    """The weights with every matrix multiplied by `scale`; biases stay."""
    if scale == 1:
        return weights
    return {name: scale * w if w.ndim == 2 else w for name, w in weights.items()}


def require_positive(cell: str, scale: float) -> None:
    """Raise BenchError for an init_scale that is not above 0."""
    if not scale > 0:
        raise BenchError(f"cell {cell!r}: option init_scale is {scale:g}, but must be above 0.")
