"""Long Short-Term Memory as first published: memory blocks, no forget gate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lstm_bench.cells import initialise
from lstm_bench.cells.base import WIDEST, Cell, Params, State, require_choice, sigmoid
from lstm_bench.errors import BenchError


def centred(a: Tensor) -> Tensor:
    """The logistic function stretched to [-1, 1]."""
    return 2 * sigmoid(a) - 1


@dataclass(frozen=True)
class LSTM1997(Cell):
    """Memory blocks: cells that add up what an input gate lets in, and forget nothing.

        u_t = (y_t, i_t, o_t)                                 all hidden units, gates included
        i_t = σ(W_i x_t + U_i u_{t-1} + b_i)                  input gate, one a block
        o_t = σ(W_o x_t + U_o u_{t-1} + b_o)                  output gate, one a block
        s_t = s_{t-1} + i_t ⊙ g(W_c x_t + U_c u_{t-1} + b_c)  internal state: the carousel
        y_t = o_t ⊙ h(s_t)                                    output of a cell
        h_t = y_t                                             what the readout sees

    with g(a) = 4σ(a) - 2 in [-2, 2] and h(a) = 2σ(a) - 1 in [-1, 1]. h cells in blocks of
    `cells_per_block` make n blocks, whose cells share i_t and o_t; the cells of a block stand side
    by side. m = h + 2n hidden units feed back. W_i, W_o n*d, W_c h*d, U_i, U_o n*m, U_c h*m, b_i,
    b_o n, b_c h: m(d + m + 1) parameters. The published numbers of weights follow from this.

    `truncated`: the gradient of the paper (appendix A.1). What arrives at the net input of a gate
    or a cell changes the weights there and goes no further back; through time it flows only along
    s. The default is the full gradient of the equations, which also flows through u_{t-1}.
    `recurrence`: `all` as above; `cells` feeds back y_t alone; `none` nothing but s.
    `biases`: `all` (experiments 3 to 6), `gates` (experiment 1) or `none` (experiment 2). The
    readout keeps its bias.
    `input_bias` and `input_bias_step`: b_i of the first block, and what each next one adds; -1 and
    -1 are the paper's -1, -2, -3 ... The same for `output_bias`, `output_bias_step`. Where both
    numbers are 0 the biases are drawn like a weight.
    `weight_range`: all else is U[-weight_range, weight_range] (0.1 in experiment 4).
    Experiment 2a leaves parts out: `output_gate: false` (o_t = 1), `input_squash: logistic`
    (g = σ), `output_squash: identity` (h(a) = a), `biases: none`, `recurrence: none`, and `direct`:
    h_t = (x_t, y_t), so that the readout has weights from the input; the width counts both.
    """

    cells_per_block: int = 1
    truncated: bool = False
    recurrence: str = "all"
    biases: str = "all"
    input_bias: float = 0.0
    input_bias_step: float = 0.0
    output_bias: float = 0.0
    output_bias_step: float = 0.0
    weight_range: float = 0.2
    output_gate: bool = True
    input_squash: str = "centred"
    output_squash: str = "centred"
    direct: bool = False

    name = "lstm_1997"
    version = 2  # the truncated gradient is compiled: other last bits
    citation = (
        "Hochreiter & Schmidhuber (1997), Long Short-Term Memory, sec. 4 and appendix A.1; number "
        "of weights and initial biases: sec. 5"
    )
    formula = r"s_t = s_{t-1} + i_t \odot g(net_c), \quad h_t = o_t \odot h(s_t)"
    state = ("h", "s", "gates")

    @property
    def roles(self) -> dict[str, str]:  # type: ignore[override]
        return {"write": "i", "show": "o"} if self.output_gate else {"write": "i"}

    def __post_init__(self) -> None:
        require_choice(self, "recurrence", ("all", "cells", "none"))
        require_choice(self, "biases", ("all", "gates", "none"))
        require_choice(self, "input_squash", ("centred", "logistic"))
        require_choice(self, "output_squash", ("centred", "identity"))
        for option in ("cells_per_block", "weight_range"):
            value = getattr(self, option)
            if value <= 0:
                raise BenchError(
                    f"cell 'lstm_1997': option {option} is {value}, but must be above 0."
                )

    def widths(self, inputs: int) -> range:
        """Whole blocks, and with `direct` the inputs beside them."""
        beside = inputs if self.direct else 0
        return range(self.cells_per_block + beside, WIDEST, self.cells_per_block)

    def sizes(self, inputs: int, width: int) -> dict[str, int]:
        """The number of gates i and o and of cells c. Raises BenchError for another width."""
        if width not in self.widths(inputs):
            beside = f"{inputs} inputs and " if self.direct else ""
            raise BenchError(
                f"cell 'lstm_1997': width {width} is not allowed; it must be {beside}a multiple of "
                f"cells_per_block = {self.cells_per_block} cells."
            )
        cells = width - inputs if self.direct else width
        blocks = cells // self.cells_per_block
        sizes = {"i": blocks, "o": blocks, "c": cells}
        return sizes if self.output_gate else {"i": blocks, "c": cells}

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        sizes, limit = self.sizes(inputs, width), self.weight_range
        fed_back = {"all": sum(sizes.values()), "cells": sizes["c"], "none": 0}[self.recurrence]
        biased = {"all": "ioc", "gates": "io", "none": ""}[self.biases]
        starts = {
            "i": (self.input_bias, self.input_bias_step),
            "o": (self.output_bias, self.output_bias_step),
            "c": (0.0, 0.0),
        }
        weights = {}
        for unit, size in sizes.items():
            weights[f"W_{unit}"] = initialise.uniform(rng, size, inputs, limit=limit)
            if fed_back:
                weights[f"U_{unit}"] = initialise.uniform(rng, size, fed_back, limit=limit)
            if unit in biased:
                weights[f"b_{unit}"] = initialise.uniform(rng, size, limit=limit)
                first, step = starts[unit]
                if first or step:
                    weights[f"b_{unit}"] = first + step * np.arange(size, dtype=float)
        return weights

    def initial_state(
        self, replicates: int, width: int, batch: int, like: Tensor, inputs: int = 1
    ) -> State:
        """All zeros: h (R, width, B), s (R, cells, B), gates (R, 2n, B), or n without o."""
        sizes = self.sizes(inputs, width)
        gates = sum(size for unit, size in sizes.items() if unit != "c")
        rows = (width, sizes["c"], gates)
        return tuple(like.new_zeros(replicates, size, batch) for size in rows)

    def gates(self, p: Params, x: Tensor, state: State) -> dict[str, Tensor]:
        """i and o (R, n, B), one a block; g (R, cells, B), what the input gate scales."""
        h, s, gates = state
        y = h[:, -s.shape[1] :]
        u = torch.cat([y, gates], dim=1) if self.recurrence == "all" else y
        if self.truncated:
            u = u.detach()

        def net(unit: str) -> Tensor:
            total = p[f"W_{unit}"] @ x
            if f"U_{unit}" in p:
                total = total + p[f"U_{unit}"] @ u
            return total + p[f"b_{unit}"] if f"b_{unit}" in p else total

        found = {"i": sigmoid(net("i"))}
        if self.output_gate:
            found["o"] = sigmoid(net("o"))
        g = net("c")
        found["g"] = 2 * centred(g) if self.input_squash == "centred" else sigmoid(g)
        return found

    def step(self, p: Params, x: Tensor, state: State) -> State:
        found = self.gates(p, x, state)
        i = found["i"].repeat_interleave(self.cells_per_block, dim=1)
        s = state[1] + i * found["g"]
        y = centred(s) if self.output_squash == "centred" else s
        gates = found["i"]
        if self.output_gate:
            y = found["o"].repeat_interleave(self.cells_per_block, dim=1) * y
            gates = torch.cat([found["i"], found["o"]], dim=1)
        h = torch.cat([x.expand(y.shape[0], -1, -1), y], dim=1) if self.direct else y
        return h, s, gates
