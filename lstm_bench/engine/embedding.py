"""Tokens as vectors: rows of a matrix E that is learnt, looked up before the first layer.

A row looked up is the product of E with a one-hot vector, without the vector: of a vocabulary of
thousands, neither the inputs nor their gradient could be held otherwise.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding

from lstm_bench.cells.base import EMBEDDING, Params


def shapes(vocabulary: int, size: int) -> dict[str, tuple[int, ...]]:
    """That of E, (vocabulary, size), by its name; nothing without a vocabulary."""
    return {EMBEDDING: (vocabulary, size)} if vocabulary else {}


def init(rng: np.random.Generator, vocabulary: int, size: int) -> dict[str, np.ndarray]:
    """E of one replicate: standard normal, as in torch.nn.Embedding."""
    return {name: rng.standard_normal(each) for name, each in shapes(vocabulary, size).items()}


def looked_up(params: Params, tokens: Tensor) -> tuple[Params, Tensor]:
    """The other weights, and the vectors (T, R, D, B) of tokens (T, R, B), or (T, 1, B) for all.

    Replicate by replicate, so that no number depends on the company; torch's own gradient adds in
    the order of the tokens, on a GPU too.
    """
    rest = {name: value for name, value in params.items() if name != EMBEDDING}
    rows = params[EMBEDDING].unbind(0)
    read = tokens.expand(-1, len(rows), -1).unbind(1)
    found = [embedding(own, each) for own, each in zip(read, rows, strict=True)]
    return Params(rest), torch.stack(found, dim=1).mT.contiguous()
