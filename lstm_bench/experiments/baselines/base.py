"""What a baseline is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Baseline:
    """A simple answer and its mean loss on the test part.

    chosen   what was chosen on the training and validation parts: `period 12`, `5-grams`
    """

    name: str
    loss: float
    chosen: str = ""
