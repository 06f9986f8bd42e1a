"""Networks trained elsewhere, as those of this suite."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from lstm_bench.cells import flux
from lstm_bench.engine.network import Network
from lstm_bench.errors import BenchError
from lstm_bench.training.api import make_condition
from lstm_bench.training.trained_network import TrainedNetwork


def from_flux(
    task: str,
    T: int,
    *,
    Wi: np.ndarray,
    Wh: np.ndarray,
    V: np.ndarray,
    b: np.ndarray | None = None,
    b_y: np.ndarray | None = None,
    task_options: Mapping[str, object] | None = None,
) -> TrainedNetwork:
    """A network trained with Flux.jl on a task of this suite, to be evaluated and looked into.

    Wi (g h, d), Wh (g h, h) and b (g h,) of an RNNCell, LSTMCell or GRUCell (`cells.flux`), V
    (k, h) and b_y (k,) of the Dense layer that reads it; no bias is zeros. Its training settings
    are not known: those of its condition are the defaults. Raises BenchError for shapes that do
    not fit.
    """
    cell, weights = flux.from_flux(Wi, Wh, b)
    V = np.asarray(V)
    weights |= {"V": V, "b_y": np.zeros(len(V)) if b_y is None else np.asarray(b_y)}
    condition = make_condition(task, cell, T, width=Wh.shape[1], task_options=task_options)
    shapes = {name: shape for name, (_, shape) in Network.of(condition).layout.slots.items()}
    for name, shape in shapes.items():
        if weights[name].shape != shape:
            raise BenchError(
                f"from_flux: the shape of {name} is {weights[name].shape}, but must be {shape} for "
                f"cell {cell!r} of width {condition.width} on task {task!r}."
            )
    return TrainedNetwork(condition, None, {k: weights[k].astype(np.float32) for k in shapes})
