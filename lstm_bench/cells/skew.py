"""Skew-symmetric matrices, and what is made of them: A = -A^T has h (h - 1) / 2 free entries."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def count(width: int) -> int:
    """The number of free entries of a skew-symmetric matrix."""
    return width * (width - 1) // 2


def matrix(entries: Tensor, width: int) -> Tensor:
    """A (R, h, h) from the entries above its diagonal, row by row, (R, h (h - 1) / 2, 1)."""
    rows, columns = torch.triu_indices(width, width, 1, device=entries.device)
    flat = entries.new_zeros(len(entries), width * width)
    upper = flat.index_copy(1, rows * width + columns, entries.squeeze(2)).unflatten(1, (width, -1))
    return upper - upper.transpose(1, 2)


def blocks(values: np.ndarray, width: int) -> np.ndarray:
    """The entries of the matrix whose 2x2 diagonal blocks are [[0, s_j], [-s_j, 0]]."""
    upper = np.zeros((width, width))
    first = 2 * np.arange(width // 2)
    upper[first, first + 1] = values
    return upper[np.triu_indices(width, 1)]


def cayley_angles(rng: np.random.Generator, width: int) -> np.ndarray:
    """s_j = -sqrt((1 - cos t_j) / (1 + cos t_j)), t_j ~ U[0, pi/2]: Cayley rotations by +-t_j.

    Helfrich, Willmott & Ye (2018), sec. 4.2.
    """
    t = rng.uniform(0, np.pi / 2, width // 2)
    return -np.sqrt((1 - np.cos(t)) / (1 + np.cos(t)))


def henaff_angles(rng: np.random.Generator, width: int) -> np.ndarray:
    """s_j ~ U[-pi, pi]: rotations of as many planes by angles of their own.

    Henaff, Szlam & LeCun (2016), in the form of Lezcano-Casado & Martinez-Rubio (2019).
    """
    return rng.uniform(-np.pi, np.pi, width // 2)


def cayley(A: Tensor) -> Tensor:
    """(I + A)^-1 (I - A), orthogonal; A (R, h, h). NaN where A has one, never an exception."""
    eye = torch.eye(A.shape[1], dtype=A.dtype, device=A.device)
    return torch.linalg.solve_ex(eye + A, eye - A).result


def exponential(A: Tensor) -> Tensor:
    """e^A, orthogonal; A (R, h, h). One replicate after another: a batch is sorted by norm, and
    the bits of one would depend on how large its company's matrices are."""
    return torch.stack([torch.matrix_exp(each.clone()) for each in A])
