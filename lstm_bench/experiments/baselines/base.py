"""What a baseline is."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Baseline:
    """A simple answer and its loss on the test part.

    losses   (items,) of every window, piece or sequence, in the order of `FromFile.places`; NaN of
             one that it has no answer to
    weights  (items,) how many answers each has, or None: one
    chosen   what was chosen on the training and validation parts: `period 12`, `5-grams`
    """

    name: str
    losses: np.ndarray = field(repr=False, compare=False)
    chosen: str = ""
    weights: np.ndarray | None = field(default=None, repr=False, compare=False)

    @property
    def loss(self) -> float:
        """The mean over answers."""
        known = np.isfinite(self.losses)
        if not known.any():
            return float("nan")
        weights = None if self.weights is None else self.weights[known]
        return float(np.average(self.losses[known], weights=weights))
