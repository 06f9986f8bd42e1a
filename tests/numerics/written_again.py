"""A cell against a second writing of its equations, in numpy and for one sequence at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from lstm_bench import cells, engine
from lstm_bench.cells.base import Params
from tests.numerics.support import make_params, randn

D, B, T = 3, 3, 6
ULPS = 1e3 * np.finfo(np.float64).eps

Weights = dict[str, np.ndarray]  # matrices (rows, columns), vectors (rows,)
Step = Callable[[Weights, np.ndarray, list[np.ndarray]], list[np.ndarray]]


def logistic(a: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-a))


def assert_written_again(
    name: str, step: Step, H: int = 4, options: Mapping[str, Any] | None = None, D: int = D
) -> None:
    """Every hidden state and the last state of the plain loop are those of `step`."""
    cell = cells.create(name, options)
    params, inputs = make_params(cell, D, H, scale=0.7), randn(1, T, 1, D, B)
    shapes = [part.shape for part in cell.initial_state(1, H, B, inputs, D)]
    start = tuple(randn(2 + i, *shape) for i, shape in enumerate(shapes))
    hidden, last = engine.unroll(cell, Params(params), inputs, start, range(T), "loop")
    # (1, rows, 1) is a vector, unless the matrix has one column
    vectors = {k for k, shape in cell.shapes(D, H, 2).items() if len(shape) == 1}
    p = {k: v[0, :, 0].numpy() if k in vectors else v[0].numpy() for k, v in params.items()}
    for b in range(B):
        state = [part[0, :, b].numpy() for part in start]
        for t in range(T):
            state = step(p, inputs[t, 0, :, b].numpy(), state)
            np.testing.assert_allclose(hidden[t, 0, :, b].numpy(), state[0], rtol=0, atol=ULPS)
        assert len(state) == len(last)
        for part, expected in zip(last, state):
            np.testing.assert_allclose(part[0, :, b].numpy(), expected, rtol=0, atol=ULPS)
