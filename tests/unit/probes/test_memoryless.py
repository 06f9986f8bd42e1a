"""Cells whose state forgets what came before: their gradient by it is zero."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from lstm_bench import tasks
from lstm_bench.cells.base import Cell, Params, State, tanh
from lstm_bench.engine.network import Network
from lstm_bench.probes import through_time as flow
from lstm_bench.tasks import generator
from lstm_bench.training.data import Tensors, tensors

T, WIDTH, BATCH, R = 20, 4, 3, 2


@dataclass(frozen=True)
class Memoryless(Cell):
    """h_t = tanh(W x_t + b). No `name`: the registry does not list it."""

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        return {"W": rng.normal(size=(width, inputs)), "b": rng.normal(size=width)}

    def step(self, p: Params, x: Tensor, state: State) -> State:
        return (tanh(p.W @ x + p.b),)


@dataclass(frozen=True)
class Counting(Memoryless):
    """c counts the steps, and no h sees it."""

    state = ("h", "c")

    def step(self, p: Params, x: Tensor, state: State) -> State:
        return tanh(p.W @ x + p.b), state[1] + 1


@dataclass(frozen=True)
class Constant(Memoryless):
    """h remembers; c is the same whatever came before."""

    state = ("h", "c")

    def step(self, p: Params, x: Tensor, state: State) -> State:
        return tanh(p.W @ x + p.b + 0.5 * state[0]), torch.ones_like(state[1])


def started(cell: Cell) -> tuple[Network, Tensor, Tensors, str]:
    task = tasks.create("adding")
    network = Network(cell, task.inputs, WIDTH, task.outputs)
    rows = []
    for seed in range(R):
        rng = np.random.default_rng(seed)
        rows.append({"V": rng.normal(size=(task.outputs, WIDTH)), "b_y": np.zeros(task.outputs)})
        rows[-1] |= cell.init(rng, task.inputs, WIDTH, task.outputs)
    weights = network.layout.pack(rows, torch.zeros(1, dtype=torch.float64))
    batches = [task.sample(generator("train", task, T, seed=s), BATCH, T) for s in range(R)]
    return network, weights, tensors(batches, task.target_steps(T), torch.device("cpu")), task.loss


@pytest.mark.parametrize(
    ("cell", "zero"),
    [
        (Memoryless(), {"h": slice(1, None)}),
        (Counting(), {"h": slice(1, None), "c": slice(None)}),
        (Constant(), {"c": slice(None)}),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_no_earlier_state_reaches_has_no_gradient_by_it(
    cell: Cell, zero: dict[str, slice]
) -> None:
    network, weights, data, loss = started(cell)
    params = Params(network.layout.views(weights))
    seen = flow.backward(network, params, data, loss)
    for part, logs in seen.whole.items():
        nothing = np.zeros(logs.shape, bool)
        nothing[zero.get(part, slice(0))] = True
        assert (np.isneginf(logs) == nothing).all()
        assert np.isfinite(logs[~nothing]).all()
    states = [tuple(part.detach() for part in state) for state in seen.states]
    inputs = data.inputs[..., :BATCH].double()
    J = flow.singular_values(network.cell, params, inputs, states, [3])
    exponents = flow.lyapunov(network.cell, params, inputs, states, 1)[0]
    if isinstance(cell, Constant):
        assert np.isfinite(flow.slope(seen.whole["h"])).all()
        assert np.isfinite(exponents).all()
    else:
        assert np.isneginf(flow.slope(seen.whole["h"])).all()
        assert J.max() == (1 if isinstance(cell, Counting) else 0)
        assert (np.isneginf(exponents) | np.isclose(exponents, 0)).all()
