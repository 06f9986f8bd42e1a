"""A network as plain modules of torch.nn, with the same outputs.

Torch stacks the gates of a cell as `engine.cudnn` does and has two biases a gate; what a cell has
one of goes into the first. Modules read (B, T, d), `batch_first=True`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import nn

from lstm_bench.cells.base import Cell, Params
from lstm_bench.cells.elman import IRNN, Elman, ElmanReLU
from lstm_bench.cells.gru import GRU
from lstm_bench.cells.lstm import LSTM
from lstm_bench.engine import cudnn
from lstm_bench.engine.network import Network, part_params
from lstm_bench.errors import BenchError

MODULES: dict[type[Cell], Callable[..., nn.RNNBase]] = {
    LSTM: nn.LSTM,
    GRU: nn.GRU,
    Elman: partial(nn.RNN, nonlinearity="tanh"),
    IRNN: partial(nn.RNN, nonlinearity="relu"),
    ElmanReLU: partial(nn.RNN, nonlinearity="relu"),
}


def torch_modules(network: Network, params: Params) -> tuple[nn.RNNBase, nn.Module]:
    """The recurrent layers and the readout of a network of one replicate, R = 1.

    Outputs (B, T, k) are `readout(recurrent(x)[0])`. Raises BenchError for a cell that torch.nn
    does not have, and for a readout that sees the inputs.
    """
    cell, options = network.cell, network.options
    if not cudnn.supports(cell, params.V):
        also = " with reset 'before'" if type(cell) is GRU else ""
        known = ", ".join(each.name for each in MODULES)
        raise BenchError(
            f"to_torch: cell {cell.name!r}{also} has no counterpart in torch.nn; those that have: "
            f"{known}."
        )
    if options.direct:
        raise BenchError(
            "to_torch: network option direct is True, but must be False: the readout of a module "
            "sees hidden states alone."
        )
    recurrent = MODULES[type(cell)](
        network.inputs,
        network.width,
        num_layers=options.layers,
        bidirectional=options.bidirectional,
        batch_first=True,
    )
    linear = nn.Linear(network.seen, network.outputs, bias=options.readout_bias)
    with torch.no_grad():
        for part in network.parts:
            stacked = cudnn.stacked_weights(cell, part_params(params, part.prefix))
            ending = f"l{part.layer - 1}" + ("_reverse" if part.backward else "")
            for name, value in zip(("weight_ih", "weight_hh", "bias_ih", "bias_hh"), stacked):
                getattr(recurrent, f"{name}_{ending}").copy_(value)
        linear.weight.copy_(params.V[0])
        if options.readout_bias:
            linear.bias.copy_(params.b_y[0, :, 0])
    logistic = options.readout == "logistic"
    return recurrent, nn.Sequential(linear, nn.Sigmoid()) if logistic else linear
