"""The adding problem in plain PyTorch, one run a process: what the suite's sweep is held against.

    python benchmarks/plain_torch.py --cell lstm --T 50 --seed 0

Written as such scripts are: nn.LSTM, torch.optim.Adam, a loop. It prints its results as JSON.
"""

from __future__ import annotations

import argparse
import json

import torch
from torch import nn

LAYERS = {"lstm": nn.LSTM, "gru": nn.GRU, "elman": nn.RNN}


class Network(nn.Module):
    """A recurrent layer and a linear readout of its last state."""

    def __init__(self, cell: str, width: int) -> None:
        super().__init__()
        self.rnn = LAYERS[cell](2, width, batch_first=True)
        self.readout = nn.Linear(width, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, _ = self.rnn(x)
        return self.readout(states[:, -1]).squeeze(-1)


def adding(size: int, T: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Inputs (size, T, 2), values beside marks, and the sum of the two marked values (size,)."""
    values, marks = torch.rand(size, T), torch.zeros(size, T)
    rows = torch.arange(size)
    first, second = torch.randint(0, T // 2, (size,)), torch.randint(T // 2, T, (size,))
    marks[rows, first] = 1
    marks[rows, second] = 1
    return torch.stack([values, marks], dim=-1), values[rows, first] + values[rows, second]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cell", choices=sorted(LAYERS), default="lstm")
    parser.add_argument("--T", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--updates", type=int, default=1000)
    parser.add_argument("--evaluate-every", type=int, default=50)
    parser.add_argument("--validation-size", type=int, default=512)
    parser.add_argument("--test-size", type=int, default=2048)
    parser.add_argument("--learning-rate", type=float, default=0.003)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    model, criterion = Network(args.cell, args.width), nn.MSELoss()
    optimiser = torch.optim.Adam(model.parameters(), lr=args.learning_rate)
    validation, test = adding(args.validation_size, args.T), adding(args.test_size, args.T)

    def loss_on(data: tuple[torch.Tensor, torch.Tensor]) -> float:
        model.eval()
        with torch.no_grad():
            loss = criterion(model(data[0]), data[1]).item()
        model.train()
        return loss

    history = [loss_on(validation)]
    for update in range(1, args.updates + 1):
        inputs, targets = adding(args.batch, args.T)
        optimiser.zero_grad()
        loss = criterion(model(inputs), targets)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        if update % args.evaluate_every == 0:
            history.append(loss_on(validation))
    print(json.dumps({"validation": [history[-1]], "test": [loss_on(test)]}))


if __name__ == "__main__":
    main()
