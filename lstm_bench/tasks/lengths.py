"""Sequences of length T to 1.1 T, as Hochreiter & Schmidhuber (1997) draw them in most experiments.

The length n of a sequence is uniform on the integers T, T + 1, ..., T + floor(T / 10). All arrays
have L = T + floor(T / 10) steps; a shorter sequence is padded with zeros, and asked at step n - 1.
"""

from __future__ import annotations

import numpy as np


def longest(T: int) -> int:
    """L, the steps of the longest sequence."""
    return T + T // 10


def shortest(L: int) -> int:
    """The T whose longest sequence has L steps: the inverse of `longest`."""
    return L - L // 11


def draw(rng: np.random.Generator, batch: int, T: int) -> np.ndarray:
    """(batch,) lengths n."""
    return rng.integers(T, longest(T) + 1, batch)


def inside(lengths: np.ndarray, L: int) -> np.ndarray:
    """(batch, L) bool, the steps before the end of each sequence."""
    return np.arange(L) < lengths[:, None]


def last_step_mask(lengths: np.ndarray, L: int) -> np.ndarray:
    """(batch, L) float32, 1 at the last step of each sequence."""
    mask = np.zeros((len(lengths), L), dtype=np.float32)
    mask[np.arange(len(lengths)), lengths - 1] = 1
    return mask


def at_last_step(values: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """(batch, k) values to (batch, L, k) float32 targets, zero where the mask is."""
    return values[:, None].astype(np.float32) * mask[..., None]


def target_steps(T: int) -> tuple[int, ...]:
    """The steps that may be a sequence's last."""
    return tuple(range(T - 1, longest(T)))
