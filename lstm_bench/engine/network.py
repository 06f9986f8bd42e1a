"""A network: a cell and a linear readout y_t = V h_t + b_y."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from lstm_bench.cells import initialise
from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.engine import unroll
from lstm_bench.engine.parameters import Layout
from lstm_bench.registry import chosen_options
from lstm_bench.spec import stream_key


@dataclass(frozen=True)
class Network:
    """Sizes and equations; the weights are passed in."""

    cell: Cell
    inputs: int
    width: int
    outputs: int

    @cached_property
    def layout(self) -> Layout:
        shapes = self.cell.shapes(self.inputs, self.width, self.outputs)
        return Layout({**shapes, "V": (self.outputs, self.width), "b_y": (self.outputs,)})

    @property
    def parameters(self) -> int:
        """The number of trained parameters, cell and readout."""
        cell = self.cell.parameters(self.inputs, self.width, self.outputs)
        return cell + self.outputs * (self.width + 1)

    def init(self, seed: int) -> dict[str, np.ndarray]:
        """The weights of one replicate: a function of (cell, options, width, sizes, seed) alone."""
        key = stream_key(
            "init",
            cell=self.cell.name,
            options=chosen_options(self.cell),
            width=self.width,
            seed=seed,
        )
        rng = np.random.Generator(np.random.Philox(key=key))
        weights = self.cell.init(rng, self.inputs, self.width, self.outputs)
        return {
            **weights,
            "V": initialise.glorot(rng, self.outputs, self.width),
            "b_y": initialise.zeros(self.outputs),
        }

    def pack(self, seeds: Sequence[int], like: Tensor) -> Tensor:
        """The initial weights of these seeds, flat (R, size)."""
        return self.layout.pack([self.init(seed) for seed in seeds], like)

    def outputs_at(
        self,
        params: Params,
        inputs: Tensor,
        steps: Sequence[int],
        state: State | None = None,
        backend: str = "auto",
    ) -> Tensor:
        """Outputs (R, k, S * B) at S steps; inputs as in `engine.unroll`."""
        replicates, batch = params.V.shape[0], inputs.shape[3]
        if state is None:
            state = self.cell.initial_state(replicates, self.width, batch, params.V, self.inputs)
        hidden, _ = unroll(self.cell, params, inputs, state, steps, backend)
        columns = hidden.permute(1, 2, 0, 3).flatten(2)  # one product for all steps
        return torch.baddbmm(params.b_y, params.V, columns)
