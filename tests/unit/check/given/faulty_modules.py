"""Ten modules, each with one fault that people make."""

from __future__ import annotations

import torch
from torch import nn


class Whole(nn.Module):
    """A sound cell; the others differ from it in one thing."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.read = nn.Linear(inputs, width)
        self.turn = nn.Linear(width, width, bias=False)

    def forward(self, x, h):
        return torch.tanh(self.read(x) + self.turn(h))


class FutureLeak(nn.Module):
    """A layer centred over all steps, those to come included."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.rnn = nn.GRU(inputs, width, batch_first=True)

    def forward(self, x):
        return self.rnn(x - x.mean(dim=1, keepdim=True))[0]


class BatchLeak(Whole):
    """Normalised over the sequences of the batch."""

    def forward(self, x, h):
        h = super().forward(x, h)
        return h - h.mean(dim=0)


class StateDropped(Whole):
    """Reads a state of zeros whatever it is given."""

    def forward(self, x, h):
        return super().forward(x, torch.zeros_like(h))


class HiddenRandomness(Whole):
    """Dropout that is always on."""

    def forward(self, x, h):
        return nn.functional.dropout(super().forward(x, h), 0.1, training=True)


class AxesSwapped(nn.Module):
    """It says that sequences come first, and its LSTM runs along the first axis."""

    batch_first = True

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.rnn = nn.LSTM(inputs, width)

    def forward(self, x):
        return self.rnn(x)


class InPlaceState(Whole):
    """Decays the state it is given."""

    def forward(self, x, h):
        return torch.tanh(self.read(x) + h.mul_(0.9))


class DeadGradient(Whole):
    """No gradient passes from a step to the one before."""

    def forward(self, x, h):
        return super().forward(x, h.detach())


class NanAfter500(Whole):
    """A counter in the state, and a root of what turns negative."""

    def initial_state(self, batch: int):
        return torch.zeros(batch, self.turn.weight.shape[0]), torch.zeros(batch, 2)

    def forward(self, x, state):
        h, count = state
        h = super().forward(x, h) * (500.5 - count[:, :1]).sqrt() / 500.5**0.5
        return h, count + 1


class WeightsChanged(Whole):
    """Shrinks its own weights, once a call."""

    def forward(self, x, h):
        with torch.no_grad():
            self.turn.weight.mul_(0.999)
        return super().forward(x, h)


class OutputTooLong(nn.Module):
    """A layer that gives its first state, too."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.rnn = nn.GRU(inputs, width, batch_first=True)

    def forward(self, x):
        y, _ = self.rnn(x)
        return torch.cat([torch.zeros_like(y[:, :1]), y], dim=1)
