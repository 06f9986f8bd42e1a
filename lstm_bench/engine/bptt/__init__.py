"""Backpropagation through time written out, for the cells whose sweep it speeds up.

Each module is the forward equations of a cell and, line by line in reverse, their derivatives.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.cells.elman import IRNN, Elman, ElmanReLU, Jordan
from lstm_bench.cells.gru import GRU
from lstm_bench.cells.lstm import LSTM
from lstm_bench.engine.bptt.gru import GRUThroughTime
from lstm_bench.engine.bptt.jordan import JordanThroughTime
from lstm_bench.engine.bptt.lstm import LSTMThroughTime
from lstm_bench.engine.bptt.plain import PlainThroughTime
from lstm_bench.engine.parameters import product, stacked

name = "bptt"
NARROW = 64


def supports(cell: Cell, like: Tensor) -> bool:
    """True for the very classes; a subclass or an option may have equations of its own."""
    if isinstance(cell, GRU) and cell.reset != "after":
        return False
    return type(cell) in (Elman, ElmanReLU, IRNN, Jordan, LSTM, GRU)


def unroll(
    cell: Cell, p: Params, inputs: Tensor, state: State, steps: Sequence[int]
) -> tuple[Tensor, State]:
    """See `lstm_bench.engine.unroll`."""
    steps = tuple(steps)
    if type(cell) is LSTM:
        hidden, h, c = LSTMThroughTime.apply(stacked(p, "ofic"), inputs, *state, steps)
        return hidden, (h, c)
    if type(cell) is GRU:
        gates = [stacked(p, "rz"), torch.cat([p.U_n, torch.zeros_like(p.W_n), p.b_u], dim=2)]
        N = torch.cat([p.W_n, p.b_n], dim=2)
        hidden, h = GRUThroughTime.apply(torch.cat(gates, dim=1), N, inputs, *state, steps)
        return hidden, (h,)
    M = torch.cat(plain_weights(cell, p), dim=2)
    if feeds_little_back(cell, p):
        hidden, h = JordanThroughTime.apply(M, p.V, inputs, *state, steps)
        return hidden, (h,)
    hidden, h = PlainThroughTime.apply(M, inputs, *state, steps, type(cell) in (IRNN, ElmanReLU))
    return hidden, (h,)


def plain_weights(cell: Cell, p: Params) -> tuple[Tensor, Tensor, Tensor]:
    """U (R, H, H), W (R, H, D) and b (R, H, 1) of a plain network.

    U (R, H, k) of what V h is fed back where that is little: see `feeds_little_back`.
    """
    if type(cell) is Jordan:  # U (V h + b_y) + b is an Elman network of rank k
        U = p.U if feeds_little_back(cell, p) else product(p.U, p.V)
        return U, p.W, product(p.U, p.b_y) + p.b
    return p.U, p.W, p.b


def feeds_little_back(cell: Cell, p: Params) -> bool:
    """Whether a Jordan network multiplies by V, then U, at every step: 2 k H products, not H H.

    Not up to NARROW units: it would save less than a third there, and numbers would move.
    """
    return type(cell) is Jordan and p.U.shape[1] > max(NARROW, 2 * p.V.shape[1])
