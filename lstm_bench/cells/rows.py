"""Cells written for one network, with sequences as rows: the way of torch.nn."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor

from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.errors import BenchError

Weights = Mapping[str, Tensor]


class ByReplicate(Params):
    """Weights of R replicates that are taken apart once a pass, not once a step."""

    _each: list[dict[str, Tensor]] | None = None

    def each(self, shapes: Mapping[str, tuple[int, ...]]) -> list[dict[str, Tensor]]:
        """The weights of every replicate, in these shapes."""
        if self._each is None:
            parts = {name: self[name].unbind(0) for name in shapes}
            self._each = [
                {name: part[r].reshape(shapes[name]) for name, part in parts.items()}
                for r in range(max((len(part) for part in parts.values()), default=1))
            ]
        return self._each


class RowCell(Cell):
    """A cell with `one` instead of `step`; replicates are computed one by one."""

    @abstractmethod
    def one(self, weights: Weights, x: Tensor, state: State) -> State:
        """The next state (each (B, n)) of one replicate from the input x (B, d) and the state."""

    def prepare(self, p: Params) -> ByReplicate:
        return ByReplicate(dict(p))

    def step(self, p: Params, x: Tensor, state: State) -> State:
        after = [self.one(*given) for given in self.each(p, x, state)]
        return tuple(torch.stack(parts).mT for parts in zip(*after))

    def each(self, p: Params, x: Tensor, state: State) -> Iterator[tuple[Weights, Tensor, State]]:
        """What `one` is given, replicate by replicate."""
        p = p if isinstance(p, ByReplicate) else self.prepare(p)
        for r, weights in enumerate(p.each(self.shapes(x.shape[1], state[0].shape[1], 1))):
            rows = x[r if len(x) > 1 else 0].mT.contiguous()
            yield weights, rows, tuple(part[r].mT.contiguous() for part in state)


class SequenceCell(Cell):
    """A layer that reads whole sequences: it has no step, and no state to be carried or cut."""

    @abstractmethod
    def sequence(self, p: Params, inputs: Tensor, state: State) -> Tensor:
        """Hidden states (T, R, width, B) of inputs (T, R, d, B), or (T, 1, d, B) for all R.

        `state` is that of `initial_state`, whose first part is (R, width, B).
        """

    def step(self, p: Params, x: Tensor, state: State) -> State:
        raise BenchError(f"cell {self.name!r} reads whole sequences and has no single step.")
