"""The suite's rungs once more, in plain torch: this file imports nothing of lstm_bench.

    python benchmarks/replication.py > benchmarks/replication.md

Tasks, networks, initial weights, optimiser, clipping and the meaning of *solved* are written here
anew from their descriptions, with torch.nn's modules, autograd and random numbers. `SUITE` holds
what the default sweep and the study found (docs/results.md); the two agree where Fisher's exact
test of the shares solved does not tell them apart.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import scipy
import torch
from torch import Tensor, nn

WIDTH, BATCH, UPDATES = 32, 32, 2000
VALIDATION, CONFIRMATION, APART = 512, 4096, 25

Sample = tuple[Tensor, Tensor]  # inputs (B, L, d), targets


@dataclass(frozen=True)
class Rung:
    """A condition, and of how many replicates of the suite how many solved it, after how long."""

    task: str
    cell: str
    T: int
    rate: float
    solved: int
    n: int
    median: float


SUITE = (
    Rung("adding", "elman", 10, 0.008, solved=12, n=12, median=750),
    Rung("copy", "gru", 40, 0.032, solved=12, n=12, median=625),
    Rung("temporal_order", "elman", 40, 0.008, solved=4, n=12, median=613.5),
    Rung("temporal_order", "lstm (chrono)", 1024, 0.128, solved=12, n=12, median=75.5),
    Rung("adding", "gru", 1024, 0.064, solved=12, n=12, median=196),
    Rung("adding", "lstm", 160, 0.032, solved=12, n=12, median=725),
    # of the study: gradients whose squares overflow (docs/results.md)
    Rung("temporal_order", "gru", 320, 0.064, solved=17, n=20, median=414),
)


def adding(B: int, T: int) -> Sample:
    values, half = torch.rand(B, T), T // 2
    marks = torch.zeros(B, T)
    first, second = torch.randint(0, half, (B,)), torch.randint(half, T, (B,))
    rows = torch.arange(B)
    marks[rows, first] = marks[rows, second] = 1.0
    return torch.stack([values, marks], -1), (values * marks).sum(1, keepdim=True)


def temporal_order(B: int, T: int) -> Sample:
    tokens, rows = torch.randint(2, 6, (B, T)), torch.arange(B)
    symbols = torch.randint(0, 2, (B, 2))
    tokens[rows, torch.randint(T // 10, 2 * T // 10, (B,))] = symbols[:, 0]
    tokens[rows, torch.randint(5 * T // 10, 6 * T // 10, (B,))] = symbols[:, 1]
    return nn.functional.one_hot(tokens, 6).float(), 2 * symbols[:, 0] + symbols[:, 1]


def copy(B: int, T: int, length: int = 3, symbols: int = 4) -> Sample:
    string = torch.randint(0, symbols, (B, length))
    tokens = torch.full((B, T + 2 * length), symbols)
    targets = tokens.clone()
    tokens[:, :length], tokens[:, length + T - 1] = string, symbols + 1
    targets[:, -length:] = string
    return nn.functional.one_hot(tokens, symbols + 2).float(), targets


@dataclass(frozen=True)
class Task:
    sample: Callable[[int, int], Sample]
    inputs: int
    outputs: int
    asked: int  # steps at the end that are read; 0 for all
    criterion: float

    def loss(self, y: Tensor, target: Tensor) -> Tensor:
        if target.is_floating_point():
            return ((y[:, -1] - target) ** 2).mean()
        return nn.functional.cross_entropy(y.flatten(0, 1), target.flatten())

    def score(self, y: Tensor, target: Tensor) -> float:
        if target.is_floating_point():
            error, chance = (y[:, -1] - target) ** 2, (target - 1) ** 2
            return float(1 - error.mean() / chance.mean())
        right = y.argmax(-1) == (target if target.dim() == 2 else target[:, None])
        return float(right[:, -3:].float().mean())


TASKS = {
    "adding": Task(adding, 2, 1, 1, 0.94),
    "temporal_order": Task(temporal_order, 6, 4, 1, 0.99),
    "copy": Task(copy, 6, 5, 0, 0.99),
}


class Network(nn.Module):
    """One layer of torch.nn and a linear readout; Glorot-uniform weights, zero biases.

    torch.nn has two biases a gate, which would double Adam's step: of the second only the one that
    the reset gate of a GRU multiplies is trained.
    """

    def __init__(self, cell: str, task: Task, T: int) -> None:
        super().__init__()
        kind = {"elman": nn.RNN, "gru": nn.GRU}.get(cell, nn.LSTM)
        self.layer = kind(task.inputs, WIDTH, batch_first=True)
        self.readout, self.asked = nn.Linear(WIDTH, task.outputs), task.asked
        for name, weight in self.layer.named_parameters():
            for gate in weight.data.split(WIDTH):
                if name.startswith("weight"):
                    nn.init.xavier_uniform_(gate)
                else:
                    nn.init.zeros_(gate)
        nn.init.xavier_uniform_(self.readout.weight)
        nn.init.zeros_(self.readout.bias)
        second, bias = self.layer.bias_hh_l0, self.layer.bias_ih_l0.data
        trained = torch.zeros_like(second)
        if cell == "gru":
            trained[2 * WIDTH :] = 1
        second.register_hook(lambda gradient: gradient * trained)
        if cell == "lstm":
            bias[WIDTH : 2 * WIDTH] = 1.0  # torch's order of gates: i, f, g, o
        elif cell == "lstm (chrono)":
            keep = torch.log(1 + (T - 2) * torch.rand(WIDTH))
            bias[WIDTH : 2 * WIDTH], bias[:WIDTH] = keep, -keep

    def forward(self, x: Tensor) -> Tensor:
        return self.readout(self.layer(x)[0][:, -self.asked :])


def solves(rung: Rung, seed: int) -> int | None:
    """The update at which a replicate solves it; None where it does not."""
    torch.manual_seed(seed)
    network = Network(rung.cell, TASKS[rung.task], rung.T)
    optimiser = torch.optim.Adam(network.parameters(), rung.rate)
    return learns(network, optimiser, TASKS[rung.task], rung.T, UPDATES)


def learns(
    network: nn.Module, optimiser: torch.optim.Optimizer, task: Task, T: int, updates: int
) -> int | None:
    """Train until solved, or for so many `updates`; the update at which it is solved."""
    validation, met, due = task.sample(VALIDATION, T), [], 5
    for update in range(1, updates + 1):
        x, target = task.sample(BATCH, T)
        optimiser.zero_grad()
        task.loss(network(x), target).backward()
        if not clipped(network):
            return None
        optimiser.step()
        if update < due and update < updates:
            continue
        due = update + min(50, max(5, update // 10))
        earlier = [each for each in met if update - each >= APART]
        met = [each for each in met if update - each < APART]
        if score(network, task, validation) < task.criterion:
            continue
        met.append(update)
        fresh = task.sample(CONFIRMATION, T) if earlier else None
        if fresh is not None and score(network, task, fresh) >= task.criterion:
            return earlier[0]
    return None


def clipped(network: nn.Module) -> bool:
    """Clip the gradient to norm 1; whether it is finite. In double: its squares can overflow."""
    gradients = [each.grad for each in network.parameters() if each.grad is not None]
    norm = math.sqrt(sum(float(each.double().square().sum()) for each in gradients))
    for each in gradients:
        each.copy_(each.double() / max(norm, 1.0))
    return math.isfinite(norm)


def score(network: nn.Module, task: Task, held_out: Sample) -> float:
    with torch.no_grad():
        y = torch.cat([network(part) for part in held_out[0].split(128)])
    return task.score(y, held_out[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print("| task, T | cell | rate | here: solved, median | suite: solved, median | p | minutes |")
    print("| --- | --- | ---: | --- | --- | ---: | ---: |")
    for rung in SUITE:
        told = agreement(lambda seed, rung=rung: solves(rung, seed), rung, args.seeds)
        print(f"| {rung.task}, {rung.T} | {rung.cell} | {rung.rate:g} | {told} |", flush=True)


def agreement(solve: Callable[[int], int | None], rung: Rung, seeds: int) -> str:
    """How many of the seeds solve it here and in the suite, Fisher's p, and minutes."""
    started = time.perf_counter()
    solved = [update for update in map(solve, range(seeds)) if update is not None]
    table = [[len(solved), seeds - len(solved)], [rung.solved, rung.n - rung.solved]]
    p = scipy.stats.fisher_exact(table).pvalue
    here = f"{len(solved)} of {seeds}"
    here += f", {statistics.median(solved):.0f}" if solved else ""
    suite = f"{rung.solved} of {rung.n}" + (f", {rung.median:.0f}" if rung.solved else "")
    return f"{here} | {suite} | {p:.2f} | {(time.perf_counter() - started) / 60:.1f}"


if __name__ == "__main__":
    main()
