"""Modules as people write them, each with one thing that is not in torch.nn's own."""

from __future__ import annotations

import torch
from torch import nn


class Janet(nn.Module):
    """JANET (van der Westhuizen & Lasenby 2018): a forget gate and nothing else."""

    def __init__(self, inputs: int, width: int, beta: float = 1.0) -> None:
        super().__init__()
        self.net = nn.Linear(inputs + width, 2 * width)
        self.beta = beta

    roles = {"write": "i", "keep": "f"}

    def gates(self, x, h):
        s, candidate = self.net(torch.cat([x, h], dim=1)).chunk(2, dim=1)
        f, i = torch.sigmoid(s), 1 - torch.sigmoid(s - self.beta)
        return {"f": f, "i": i, "candidate": torch.tanh(candidate)}

    def forward(self, x, h):
        f, i, candidate = self.gates(x, h).values()
        return f * h + i * candidate


class MultiHead(nn.Module):
    """Heads of an Elman network side by side: a weight with three axes, a scale with none."""

    def __init__(self, inputs: int, width: int, heads: int = 4) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"{width} units do not fall into {heads} heads")
        size = width // heads
        self.read = nn.Linear(inputs, width)
        self.turn = nn.Parameter(torch.randn(heads, size, size) / size**0.5)
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.heads = heads

    def forward(self, x, state):
        turned = torch.einsum("bhi,hij->bhj", state, self.turn)
        after = torch.tanh(self.read(x).view_as(turned) + self.scale * turned)
        return after.flatten(1), after

    def initial_state(self, batch: int):
        return torch.zeros(batch, self.heads, self.turn.shape[1])


class LearntStart(nn.Module):
    """A first state that is trained, and a constant it is turned with."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.cell = nn.RNNCell(inputs, width)
        self.start = nn.Parameter(torch.full((width,), 0.5))
        self.register_buffer("turn", torch.randn(width, width) / width**0.5)
        self.register_buffer("order", torch.arange(width).flip(0))

    def initial_state(self, batch: int):
        return self.start.expand(batch, -1)

    def forward(self, x, h):
        return self.cell(x, h[:, self.order] @ self.turn)


class Tied(nn.Module):
    """One matrix, used under two names."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.read = nn.Linear(inputs, width)
        self.first = nn.Linear(width, width, bias=False)
        self.second = nn.Linear(width, width, bias=False)
        self.second.weight = self.first.weight

    def forward(self, x, state):
        h, slow = state["h"], state["slow"]
        h = torch.tanh(self.read(x) + self.first(h) + self.second(slow))
        return h, {"h": h, "slow": 0.9 * slow + 0.1 * h}

    def initial_state(self, batch: int):
        zeros = torch.zeros(batch, self.first.weight.shape[0])
        return {"h": zeros, "slow": zeros}


class CausalAverage(nn.Module):
    """A layer without a state: a mean of all inputs so far."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.read = nn.Linear(inputs, width)

    def forward(self, x):
        steps = torch.arange(1, x.shape[1] + 1).to(x)
        return torch.tanh(self.read(x)).cumsum(1) / steps[:, None]


class FrozenBias(nn.LSTM):
    """nn.LSTM with one bias: the other stays 0."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__(inputs, width)
        with torch.no_grad():
            self.bias_hh_l0.zero_()
        self.bias_hh_l0.requires_grad_(False)


class FrozenBiasCell(nn.LSTMCell):
    """nn.LSTMCell with one bias: the other stays 0."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__(inputs, width)
        with torch.no_grad():
            self.bias_hh.zero_()
        self.bias_hh.requires_grad_(False)


def two_layers(inputs: int, width: int, dropout: float = 0.0) -> nn.Module:
    """A factory."""
    return nn.GRU(inputs, width, num_layers=2, batch_first=True, dropout=dropout)
