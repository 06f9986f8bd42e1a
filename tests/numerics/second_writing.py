"""A cell on the plain loop against its equations written again in numpy, one sequence at a time."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from lstm_bench import engine
from lstm_bench.cells.base import Cell, Params
from tests.numerics.support import make_params, randn

Weights = dict[str, np.ndarray]
Vectors = list[np.ndarray]
Step = Callable[[Weights, np.ndarray, Vectors], Vectors]
D, H, B, T, R = 3, 6, 2, 5, 2  # three complex units: with two, F is its own inverse
ULPS = 1e3 * np.finfo(np.float64).eps


def logistic(a: np.ndarray) -> np.ndarray:
    return np.array([1 / (1 + math.exp(-each)) for each in a])


def affine(p: Weights, name: str, x: np.ndarray) -> np.ndarray:
    """W_name x + b_name, one product after another."""
    W, b = p[f"W_{name}"], p[f"b_{name}"]
    return np.array([sum(W[i, j] * x[j] for j in range(len(x))) + b[i, 0] for i in range(len(W))])


def skew(entries: np.ndarray, width: int) -> np.ndarray:
    """A = -A^T from the entries above its diagonal, row by row."""
    A, remaining = np.zeros((width, width)), iter(entries[:, 0])
    for i in range(width):
        for j in range(i + 1, width):
            A[i, j] = next(remaining)
            A[j, i] = -A[i, j]
    return A


def assert_equations(
    cell: Cell, step: Step, tolerance: float = ULPS, from_zero: bool = False, seed: int = 0
) -> None:
    """Every state part after every step, from a random state or the cell's own."""
    params = make_params(cell, D, H, R=R, seed=seed)
    inputs = randn(seed + 1, T, R, D, B)
    start = cell.initial_state(R, H, B, inputs, D)
    if not from_zero:
        start = tuple(randn(seed + 2 + i, *part.shape) for i, part in enumerate(start))
    for t in range(1, T + 1):
        _, last = engine.unroll(cell, Params(params), inputs[:t], start, [t - 1], "loop")
        for r in range(R):
            p = {k: v[r].numpy() for k, v in params.items()}
            for b in range(B):
                state = [part[r, :, b].numpy() for part in start]
                for x in inputs[:t, r, :, b].numpy():
                    state = step(p, x, state)
                for part, expected in zip(last, state, strict=True):
                    np.testing.assert_allclose(
                        part[r, :, b].numpy(), expected, rtol=tolerance, atol=tolerance
                    )
