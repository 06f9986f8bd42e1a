"""Four conditions of `uses` once more, in plain torch: this file imports nothing of lstm_bench.

    python benchmarks/replication_uses.py docs/study/uses > benchmarks/replication_uses.md

Tasks, networks, initial weights, optimiser, early stopping and the share learnt are written here
anew from their descriptions. The folder is a report of the suite: its tables have the widths and
learning rates, and the shares that a Mann-Whitney test compares with those found here.
"""

from __future__ import annotations

import argparse
import csv
import math
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import scipy
import torch
from torch import Tensor, nn

T, BATCH, UPDATES = 40, 32, 1000
VALIDATION, TEST = 512, 2048
Sample = tuple[Tensor, Tensor]  # inputs (B, L, d), targets (B, asked) or (B, asked, 1)


def translation(B: int, words: int = 4, fillers: int = 4) -> Sample:
    """Any lexicon will do: word i is called i, and nouns 0 and 1 have the first gender."""
    adjective, noun, verb = torch.randint(0, words, (3, B))
    number, gender = torch.randint(0, 2, (B,)), noun // (words // 2)
    tokens = torch.full((B, T + 7), 4 * words + fillers)  # the delimiter
    tokens[:, 0], tokens[:, 1] = adjective, words + 2 * noun + number
    tokens[:, 2 : T + 2] = 4 * words + torch.randint(0, fillers, (B, T))
    tokens[:, T + 2] = 3 * words + verb
    verbs, nouns, last = 0, 2 * words + 4, 4 * words + 4
    said = [verbs + 2 * verb + number, 2 * words + 2 * gender + number]
    said += [nouns + 2 * noun + number, last + 2 * adjective + gender]
    one_hot = nn.functional.one_hot(tokens, 4 * words + fillers + 1).float()
    return one_hot, torch.stack(said, 1)


def sine_mix(B: int, horizon: int = 5) -> Sample:
    frequency, phase = 0.02 + 0.28 * torch.rand(B, 2, 1), 2 * math.pi * torch.rand(B, 2, 1)
    x = torch.sin(2 * math.pi * frequency * torch.arange(T + horizon) + phase).sum(1)[..., None]
    return x[:, :T], x[:, T // 2 + horizon :]


@dataclass(frozen=True)
class Task:
    """The chance loss is exact, the optimal loss 0."""

    sample: Callable[[int], Sample]
    inputs: int
    outputs: int
    asked: int
    chance: float

    def loss(self, y: Tensor, target: Tensor) -> Tensor:
        if target.is_floating_point():
            return ((y - target) ** 2).mean()
        return nn.functional.cross_entropy(y.flatten(0, 1), target.flatten())


TASKS = {
    "translation": Task(translation, 21, 28, 4, (3 * math.log(8) + math.log(4)) / 4),
    "sine_mix": Task(sine_mix, 1, 1, T // 2, 1.0),
}


class Network(nn.Module):
    """One layer of torch.nn and a linear readout; Glorot-uniform weights, zero biases.

    torch.nn has two biases a gate, which would double Adam's step: the second is not trained. The
    LSTM's forget bias starts at 1 (torch's order of gates: i, f, g, o).
    """

    def __init__(self, cell: str, task: Task, width: int) -> None:
        super().__init__()
        kind = {"elman": nn.RNN, "lstm": nn.LSTM}[cell]
        self.layer = kind(task.inputs, width, batch_first=True)
        self.readout, self.asked = nn.Linear(width, task.outputs), task.asked
        for name, weight in self.layer.named_parameters():
            for gate in weight.data.split(width):
                (nn.init.xavier_uniform_ if name.startswith("weight") else nn.init.zeros_)(gate)
        nn.init.xavier_uniform_(self.readout.weight)
        nn.init.zeros_(self.readout.bias)
        self.layer.bias_hh_l0.requires_grad_(False)
        if cell == "lstm":
            self.layer.bias_ih_l0.data[width : 2 * width] = 1.0

    def forward(self, x: Tensor) -> Tensor:
        return self.readout(self.layer(x)[0][:, -self.asked :])


def share_learnt(task: Task, cell: str, width: int, rate: float, seed: int) -> float:
    """Of a replicate trained to the end, by the weights of its lowest validation loss."""
    torch.manual_seed(seed)
    network = Network(cell, task, width)
    trained = [weight for weight in network.parameters() if weight.requires_grad]
    optimiser = torch.optim.Adam(trained, rate)
    validation, best, kept, due = task.sample(VALIDATION), math.inf, {}, 5
    for update in range(1, UPDATES + 1):
        x, target = task.sample(BATCH)
        optimiser.zero_grad()
        task.loss(network(x), target).backward()
        nn.utils.clip_grad_norm_(trained, 1.0)
        optimiser.step()
        if update < due and update < UPDATES:
            continue
        due = update + min(50, max(5, update // 10))
        if (loss := held_out(network, task, validation)) < best:
            best = loss
            kept = {name: each.clone() for name, each in network.state_dict().items()}
    network.load_state_dict(kept)
    return 1 - held_out(network, task, task.sample(TEST)) / task.chance


def held_out(network: Network, task: Task, sample: Sample) -> float:
    with torch.no_grad():
        return float(task.loss(network(sample[0]), sample[1]))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    args = parser.parse_args()
    torch.set_num_threads(1)
    table = rows(args.report / "experiments/uses/table.csv")
    values = rows(args.report / "claims/values.csv")
    print("| task, T | cell | width | rate | here: mean share (SD) | suite | p | minutes |")
    print("| --- | --- | ---: | ---: | --- | --- | ---: | ---: |")
    for name, task in TASKS.items():
        for cell in ("lstm", "elman"):
            (about,) = (r for r in table if (r["task"], r["cell"], r["T"]) == (name, cell, str(T)))
            width, rate = int(float(about["width"])), float(about["learning_rate"])
            started = time.perf_counter()
            here = [share_learnt(task, cell, width, rate, seed) for seed in range(args.seeds)]
            suite = [
                float(r["value"])
                for r in values
                if (r["claim"], r["task"], r["cell"]) == ("uses_elman", name, cell)
            ]
            p = scipy.stats.mannwhitneyu(here, suite).pvalue
            told = [
                f"{statistics.fmean(each):.3f} ({statistics.stdev(each):.3f}), n = {len(each)}"
                for each in (here, suite)
            ]
            minutes = (time.perf_counter() - started) / 60
            print(
                f"| {name}, {T} | {cell} | {width} | {rate:g} | {told[0]} | {told[1]} | {p:.2f} "
                f"| {minutes:.1f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
