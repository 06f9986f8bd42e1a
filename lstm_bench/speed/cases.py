"""What is timed: one forward and backward pass of R networks, and how many operations it has.

The loss reads the hidden states of the last step, weighted by a fixed draw G, so that the gradient
that enters the backward pass is G. numpy only: a peer without torch is not charged for its import.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace

import numpy as np


@dataclass(frozen=True)
class Case:
    """A cell and the sizes it is timed at: R networks, B sequences, H units, T steps, D inputs."""

    cell: str
    width: int
    T: int
    replicates: int
    batch: int
    inputs: int
    options: Mapping[str, object] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        return asdict(self)

    def at_most(self, T: int, replicates: int) -> Case:
        """The same, shortened: what the comparison with float64 is made on."""
        return replace(self, T=min(self.T, T), replicates=min(self.replicates, replicates))

    def draw_inputs(self) -> np.ndarray:
        """Inputs (T, R, D, B), standard normal, float32."""
        rng = np.random.Generator(np.random.Philox(key=self.T))
        shape = (self.T, self.replicates, self.inputs, self.batch)
        return rng.standard_normal(shape, dtype=np.float32)

    def draw_direction(self) -> np.ndarray:
        """G (R, H, B), the gradient of the loss by the hidden states of the last step."""
        rng = np.random.Generator(np.random.Philox(key=self.width))
        shape = (self.replicates, self.width, self.batch)
        return rng.standard_normal(shape, dtype=np.float32)

    def floating_point_operations(self, step: int) -> int:
        """Of one pass: 3 R T B times those of one forward step of one sequence.

        A multiplication by h x (h + d) weights is 2 h (h + d) operations, and the backward pass
        has two products for the one of the forward pass: 6 R T B G H (H + D) for G gates.
        """
        return 3 * self.replicates * self.T * self.batch * step

    def least_memory(self) -> int:
        """Bytes of the hidden states of all steps, which every backward pass needs."""
        return 4 * self.replicates * self.T * self.batch * self.width


def relative_errors(
    found: Mapping[str, np.ndarray], exact: Mapping[str, np.ndarray]
) -> dict[str, float]:
    """||g - g64|| / ||g64|| of every tensor; infinite where one is not finite, or not there."""
    errors = {}
    for name, reference in exact.items():
        if name not in found or not np.isfinite(found[name]).all():
            errors[name] = float("inf")
            continue
        off = float(np.linalg.norm(found[name].astype(np.float64) - reference))
        norm = float(np.linalg.norm(reference))
        errors[name] = off / norm if norm else (0.0 if off == 0 else float("inf"))
    return errors
