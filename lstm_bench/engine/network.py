"""A network: layers of a cell and a readout.

    h_t^(0) = x_t, or the row of E of token x_t             where a task reads tokens
    h_t^(l) = cell_l(h_t^(l-1), state)                      layer l of n
    h_t^(l) = [cell_l(h_t^(l-1)); cell'_l read backwards]   of a bidirectional network
    y_t     = V h_t^(n) + V_x x_t + b_y                     the readout; V_x where it is direct
    y_t     = σ(V h_t^(n) + V_x x_t + b_y)                  of logistic output units

One layer of one direction has the cell's own parameter names. In a deeper network those of layer l
start with `layer{l}.`, and those of a cell that reads backwards with `backward.` after that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from lstm_bench import cells, tasks
from lstm_bench.cells.base import READOUT, Cell, Params, State
from lstm_bench.engine import backend_for, by_torch, embedding, readout, unroll
from lstm_bench.engine.chunks import WHOLE, ThroughTime, unroll_in_chunks
from lstm_bench.engine.combinations import require_possible
from lstm_bench.engine.compiled.form import Sizes
from lstm_bench.engine.network_options import NetworkOptions
from lstm_bench.engine.parameters import Layout, product
from lstm_bench.engine.readout import columns, read_out
from lstm_bench.errors import BenchError
from lstm_bench.registry import build, chosen_options
from lstm_bench.spec import Condition, stream_key


class Part(NamedTuple):
    """One cell of the network: layer `layer` (from 1), reading forwards or backwards."""

    layer: int
    backward: bool
    prefix: str
    inputs: int


@dataclass(frozen=True)
class Network:
    """Sizes and equations; the weights are passed in.

    inputs       the numbers that the first layer reads a step
    vocabulary   the number of different tokens, where they are vectors of an embedding; or 0

    Raises BenchError for a cell that feeds the output back in a network where it cannot.
    """

    cell: Cell
    inputs: int
    width: int
    outputs: int
    options: NetworkOptions = field(default_factory=NetworkOptions)
    vocabulary: int = 0

    def __post_init__(self) -> None:
        if not self.cell.reads_output:
            return
        plain = {"layers": 1, "bidirectional": False, "readout_bias": True, "direct": False}
        for name, needed in plain.items():
            value = getattr(self.options, name)
            if value != needed:
                raise BenchError(
                    f"network: {name} {value!r} is not allowed with cell {self.cell.name!r}, "
                    f"which feeds the readout of one layer back; it must be {needed!r}."
                )

    @classmethod
    def of(cls, condition: Condition, task: tasks.Task | None = None) -> Network:
        """The network of a condition. Raises BenchError for options that cannot be."""
        task = task or tasks.create(condition.task, condition.task_options)
        cell = cells.create(condition.cell, condition.cell_options)
        options = build(NetworkOptions, condition.network, "network")
        require_possible(condition, task, cell, options)
        return cls.on(task, cell, condition.width, options)

    @classmethod
    def on(cls, task: tasks.Task, cell: Cell, width: int, options: NetworkOptions) -> Network:
        """The network that reads a task's inputs, vectors or tokens, and gives its outputs."""
        inputs, vocabulary = task.inputs, 0
        if task.reads_tokens:
            inputs, vocabulary = options.embedding, task.inputs
        return cls(cell, inputs, width, task.outputs, options, vocabulary)

    @cached_property
    def parts(self) -> tuple[Part, ...]:
        """The cells in the order in which they run."""
        n, both = self.options.layers, self.options.bidirectional
        return tuple(
            Part(
                layer,
                backward,
                (f"layer{layer}." if n > 1 else "") + ("backward." if backward else ""),
                self.inputs if layer == 1 else self.seen,
            )
            for layer in range(1, n + 1)
            for backward in ((False, True) if both else (False,))
        )

    @property
    def seen(self) -> int:
        """The number of hidden units a readout or a next layer sees."""
        return self.width * (2 if self.options.bidirectional else 1)

    @cached_property
    def layout(self) -> Layout:
        shapes: dict[str, tuple[int, ...]] = {}
        for part in self.parts:
            of_cell = self.cell.shapes(part.inputs, self.width, self.outputs)
            shapes |= {part.prefix + name: shape for name, shape in of_cell.items()}
        return Layout(shapes | self._shapes_around)

    @property
    def _shapes_around(self) -> dict[str, tuple[int, ...]]:
        return self._readout_shapes | embedding.shapes(self.vocabulary, self.inputs)

    @property
    def _readout_shapes(self) -> dict[str, tuple[int, ...]]:
        return readout.shapes(self.options, self.outputs, self.seen, self.inputs)

    @property
    def parameters(self) -> int:
        """The number of trained parameters: cells, readout and embedding."""
        counts = (self.cell.parameters(p.inputs, self.width, self.outputs) for p in self.parts)
        return sum(counts) + sum(int(np.prod(s)) for s in self._shapes_around.values())

    @property
    def flops(self) -> int:
        """Floating-point operations of one step of one sequence, the readout not counted."""
        return sum(self.cell.flops(p.inputs, self.width, self.outputs) for p in self.parts)

    @property
    def state_size(self) -> int:
        """The numbers a network carries from one step of a sequence to the next."""
        state = self.initial_state(1, 1, torch.zeros(1))
        return sum(part.shape[1] for part in state)

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
        weights: dict[str, np.ndarray] = {}
        for part in self.parts:
            drawn = self.cell.init(rng, part.inputs, self.width, self.outputs)
            weights |= {part.prefix + name: value for name, value in drawn.items()}
        weights |= readout.init(rng, self.options, self._readout_shapes)
        return weights | embedding.init(rng, self.vocabulary, self.inputs)

    def pack(self, seeds: Sequence[int], like: Tensor) -> Tensor:
        """The initial weights of these seeds, flat (R, size)."""
        return self.layout.pack([self.init(seed) for seed in seeds], like)

    def backend(self, like: Tensor, wanted: str = "auto") -> str:
        """See `engine.backend_for`, at the sizes of this network."""
        sizes = [
            Sizes(part.inputs, self.width, 0 if part.prefix else self.outputs)
            for part in self.parts
        ]
        return backend_for(self.cell, wanted, like, sizes)

    def initial_state(self, replicates: int, batch: int, like: Tensor) -> State:
        """The state before the first step: those of all parts, one after another."""
        return tuple(
            each
            for part in self.parts
            for each in self.cell.initial_state(replicates, self.width, batch, like, part.inputs)
        )

    def outputs_at(
        self,
        params: Params,
        inputs: Tensor,
        steps: Sequence[int],
        state: State | None = None,
        backend: str = "auto",
        size: int | None = None,
        through: ThroughTime = WHOLE,
    ) -> Tensor:
        """Outputs (R, k, S * B) at S steps; inputs as in `engine.unroll`, or tokens (T, R, B).

        The first `size` of B sequences are real; a backend that needs no padding skips the rest.
        `through` says how the gradient goes through time.
        """
        return self.run(params, inputs, steps, state, backend, size, through)[0]

    def run(
        self,
        params: Params,
        inputs: Tensor,
        steps: Sequence[int],
        state: State | None = None,
        backend: str = "auto",
        size: int | None = None,
        through: ThroughTime = WHOLE,
    ) -> tuple[Tensor, State]:
        """Outputs as in `outputs_at`, and the state after the last step, of all parts.

        The state has as many sequences as are run: `size`, or all where torch pads.
        """
        padded, replicates = inputs.shape[-1], params.V.shape[0]
        if backend == "auto":
            backend = self.backend(params.V)
        if size is not None and not by_torch(backend):
            inputs = inputs[..., :size]
        batch = inputs.shape[-1]
        if self.vocabulary:
            params, inputs = embedding.looked_up(params, inputs)
        if state is None:
            state = self.initial_state(replicates, batch, params.V)
        states = self.split(state)
        after: State = ()
        hidden = inputs
        for layer in range(1, self.options.layers + 1):
            wanted = steps if layer == self.options.layers else range(len(inputs))
            parts = [part for part in self.parts if part.layer == layer]
            read = []
            for part in parts:
                found, last = self._run(
                    part, params, hidden, next(states), wanted, backend, through
                )
                read.append(found)
                after = (*after, *last)
            hidden = torch.cat(read, dim=2) if len(read) > 1 else read[0]
        seen = _padded(inputs[list(steps)], padded) if self.options.direct else None
        return self.read(params, _padded(hidden, padded), seen), after

    def read(self, params: Params, hidden: Tensor, seen: Tensor | None = None) -> Tensor:
        """Outputs (R, k, S * B) of hidden states (S, R, H, B) of the last layer.

        seen   the inputs of these steps, (S, R or 1, D, B), where the readout has weights for them
        """
        y = read_out(params.V, hidden)
        y = y + params.b_y if self.options.readout_bias else y
        if self.options.direct and seen is not None:
            y = y + product(params.V_x, columns(seen.expand(-1, len(params.V), -1, -1)))
        return torch.sigmoid(y) if self.options.readout == "logistic" else y

    def split(self, state: State) -> Iterator[State]:
        """The state of each part, in their order."""
        size = len(self.cell.state)
        return iter([state[i : i + size] for i in range(0, len(state), size)])

    def _run(
        self,
        part: Part,
        params: Params,
        inputs: Tensor,
        state: State,
        steps: Sequence[int],
        backend: str,
        through: ThroughTime,
    ) -> tuple[Tensor, State]:
        """Hidden states (S, R, H, B) of one cell of the network at S steps, and its last state."""
        own = part_params(params, part.prefix)
        if part.backward:
            steps = [len(inputs) - 1 - step for step in reversed(steps)]
            inputs = inputs.flip(0)
        if through.whole:
            hidden, after = unroll(self.cell, own, inputs, state, steps, backend)
        else:
            hidden, after = unroll_in_chunks(self.cell, own, inputs, state, steps, backend, through)
        return hidden.flip(0) if part.backward else hidden, after


def part_params(params: Params, prefix: str) -> Params:
    """What the cell of this prefix reads, by its own names. A cell alone also sees the readout."""
    if not prefix:
        return params
    return Params(
        {
            name.removeprefix(prefix): tensor
            for name, tensor in params.items()
            if name.startswith(prefix) and name not in READOUT
        }
    )


def _padded(x: Tensor, size: int) -> Tensor:
    """Zeros after the sequences, up to so many of them."""
    return x if x.shape[-1] == size else pad(x, (0, size - x.shape[-1]))
