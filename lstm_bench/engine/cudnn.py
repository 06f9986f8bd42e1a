"""One replicate by cuDNN: torch's own LSTM, GRU and RNN, fed with a cell's weights.

Never taken by `auto`: whether it is faster than the kernels for R = 1 is to be measured first
(benchmarks/gpu.py). On a CPU the same call runs torch's CPU path, and so is tested without a GPU.
cuDNN's numbers may differ from run to run unless CUBLAS_WORKSPACE_CONFIG is set (torch.nn.LSTM,
notes); TF32 is switched off for the process, as this backend promises float32.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lstm_bench.cells.base import Cell, Params, State
from lstm_bench.cells.elman import IRNN, Elman, ElmanReLU
from lstm_bench.cells.gru import GRU
from lstm_bench.cells.lstm import LSTM
from lstm_bench.errors import BenchError

FUNCTIONS: dict[type[Cell], Any] = {
    LSTM: torch.lstm,
    GRU: torch.gru,
    Elman: torch.rnn_tanh,
    IRNN: torch.rnn_relu,
    ElmanReLU: torch.rnn_relu,
}
ORDER = {LSTM: "ifco", GRU: "rzn"}  # torch's; it calls the LSTM's candidate g


def supports(cell: Cell, like: Tensor) -> bool:
    return type(cell) in FUNCTIONS and getattr(cell, "reset", "after") == "after"


def unroll(
    cell: Cell, params: Params, inputs: Tensor, state: State, steps: Sequence[int]
) -> tuple[Tensor, State]:
    """See `lstm_bench.engine.unroll`. Raises BenchError for more than one replicate."""
    if len(state[0]) != 1:
        raise BenchError(
            f"backend: 'cudnn' runs one replicate, but was given {len(state[0])}; "
            "what runs more is 'auto'."
        )
    function, weights = FUNCTIONS[type(cell)], stacked_weights(cell, params)
    x = inputs.squeeze(1).mT.contiguous()  # (T, B, D)
    start = tuple(part.mT.contiguous() for part in state)  # (1, B, H)
    if x.is_cuda:
        torch.backends.cudnn.allow_tf32 = False  # read by the backward pass too
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="RNN module weights are not part of single")
        # biases, one layer, no dropout, training, one direction, time first
        how = (True, 1, 0.0, True, False, False)
        hidden, *last = function(x, start if type(cell) is LSTM else start[0], weights, *how)
    chosen = hidden if len(steps) == len(hidden) else hidden[list(steps)]
    return chosen.mT.unsqueeze(1).contiguous(), tuple(part.mT.contiguous() for part in last)


def stacked_weights(cell: Cell, p: Params) -> list[Tensor]:
    """W (G H, D), U (G H, H) and two biases (G H), as torch stacks them."""
    if type(cell) in (Elman, IRNN, ElmanReLU):
        W, U, b = p.W[0], p.U[0], p.b[0, :, 0]
        return [W, U, b, torch.zeros_like(b)]
    gates = ORDER[type(cell)]
    W, U, b = (torch.cat([p[f"{letter}_{gate}"][0] for gate in gates]) for letter in "WUb")
    b = b[:, 0]
    recurrent = torch.zeros_like(b)
    if type(cell) is GRU:  # the candidate's recurrent bias stands inside the reset gate
        H = len(b) // 3
        recurrent = torch.cat([recurrent[: 2 * H], p.b_u[0, :, 0]])
    return [W, U, b, recurrent]
