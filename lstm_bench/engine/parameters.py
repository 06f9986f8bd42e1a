"""Parameters of R replicates in one flat tensor (R, size), seen by name.

One row a replicate, so that optimiser, clipping and divergence act on a replicate at once. Every
parameter starts at a multiple of 64 numbers: each replicate then passes through the same vector
instructions whatever stands beside it, and its numbers are the same bit for bit in any company.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from lstm_bench.cells.base import Params

ALIGNMENT = 64


def aligned(count: int, unit: int = ALIGNMENT) -> int:
    """The next multiple of `unit`."""
    return -(-count // unit) * unit


def in_company(weights: Tensor) -> Tensor:
    """Weights (R, ...) of at least two replicates on a CPU: one alone is joined by its copy.

    The matrix library multiplies a batch of one by another routine when a factor is a vector, with
    other last bits; from two on, a replicate's numbers do not depend on how many there are.
    """
    if len(weights) == 1 and weights.device.type == "cpu":
        return torch.cat([weights, weights])
    return weights


def product(a: Tensor, b: Tensor) -> Tensor:
    """a @ b for each replicate; its bits do not depend on how many replicates there are."""
    return torch.bmm(in_company(a), in_company(b))[: len(a)]


class Layout:
    """Where each named parameter lies in a row."""

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        self.slots: dict[str, tuple[int, tuple[int, ...]]] = {}
        self.size = 0
        self._places: list[tuple[str, int, tuple[int, ...], tuple[int, ...]]] = []
        for name, shape in shapes.items():
            self.slots[name] = (self.size, tuple(shape))
            seen = (*shape, *(1,) * (2 - len(shape)))
            steps = tuple(int(np.prod(seen[i + 1 :])) for i in range(len(seen)))
            self._places.append((name, self.size, seen, steps))
            self.size += aligned(int(np.prod(shape)))

    def views(self, flat: Tensor) -> dict[str, Tensor]:
        """Views into flat (R, size): matrices (R, rows, columns), biases (R, rows, 1).

        A number is (R, 1, 1), and what has more axes than a matrix keeps them: (R, ...).
        """
        R, start, (row, one) = len(flat), flat.storage_offset(), flat.stride()
        # one call a view: an update of a small network takes them twice
        return {
            name: flat.as_strided(
                (R, *shape), (row, *[step * one for step in steps]), start + at * one
            )
            for name, at, shape, steps in self._places
        }

    def leaves(self, flat: Tensor) -> Params:
        """The same views as autograd leaves, which share their memory with `flat`."""
        views = self.views(flat.detach())
        return Params({name: view.requires_grad_() for name, view in views.items()})

    def pack(self, replicates: Sequence[Mapping[str, np.ndarray]], like: Tensor) -> Tensor:
        """Stack one dictionary of arrays a replicate into (R, size); padding is zero."""
        flat = like.new_zeros(len(replicates), self.size)
        for row, weights in enumerate(replicates):
            for name, (start, shape) in self.slots.items():
                value = torch.from_numpy(np.ascontiguousarray(weights[name]))
                flat[row, start : start + int(np.prod(shape))] = value.flatten().to(flat)
        return flat

    def unpack(self, flat: Tensor) -> dict[str, Tensor]:
        """Contiguous copies (R, *shape) by name, for a file."""
        return {
            name: view.reshape(len(flat), *self.slots[name][1]).contiguous()
            for name, view in self.views(flat).items()
        }
