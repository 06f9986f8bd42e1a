"""The interventions of the cause study once more, in plain torch; imports nothing of lstm_bench.

    python benchmarks/replication_cause.py > benchmarks/replication_cause.md

Tasks, starts and the meaning of *solved* are those of replication.py. New are a network that runs
step by step, so that the norm of dL/dh_t can be set by a hook, and weights that are handed from
length to length. `SUITE` holds what the study found (docs/study/cause.md).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from functools import partial

import torch
from replication import TASKS, WIDTH, Network, Rung, Task, agreement, learns
from torch import Tensor, nn


@dataclass(frozen=True)
class Intervened(Rung):
    """A condition, what is done to it, and what the suite found.

    before   lengths the weights are trained at first, each and T for an equal share of the updates
    decay    the norm of dL/dh_t is that of the last step times so much for each step between
    """

    updates: int = 2000
    sgd: bool = False
    before: tuple[int, ...] = ()
    decay: float | None = None

    @property
    def what(self) -> str:
        told = "SGD" if self.sgd else "Adam"
        told += f", after T = {', '.join(map(str, self.before))}" if self.before else ""
        return told + (f", norm x {self.decay:g} a step" if self.decay else "")


SUITE = (
    Intervened(
        *("copy", "lstm", 40, 0.016), solved=12, n=12, median=1116, updates=4000, before=(10, 20)
    ),
)


class Stepped(nn.Module):
    """One layer of torch.nn's cell, step by step; weights as `Network` starts them."""

    def __init__(self, cell: str, task: Task, T: int, decay: float) -> None:
        super().__init__()
        start, self.decay = Network(cell, task, T), decay
        kind = {"elman": nn.RNNCell, "gru": nn.GRUCell}[cell]
        self.cell, self.readout = kind(task.inputs, WIDTH), start.readout
        for name, weight in self.cell.named_parameters():
            weight.data.copy_(getattr(start.layer, f"{name}_l0").data)
        trained = torch.zeros_like(self.cell.bias_hh)
        if cell == "gru":
            trained[2 * WIDTH :] = 1
        self.cell.bias_hh.register_hook(lambda gradient: gradient * trained)

    def forward(self, x: Tensor) -> Tensor:
        h, norms = x.new_zeros(len(x), WIDTH), []

        def as_long_as(gradient: Tensor, lag: int) -> Tensor:
            if not lag:
                norms[:] = [gradient.norm()]
                return gradient
            norm = gradient.norm()
            return gradient * (norms[0] * self.decay**lag / norm) if norm > 0 else gradient

        for t in range(x.shape[1]):
            h = self.cell(x[:, t], h)
            if h.requires_grad:
                h.register_hook(partial(as_long_as, lag=x.shape[1] - 1 - t))
        return self.readout(h)[:, None]


def solves(rung: Intervened, seed: int) -> int | None:
    """The update at which a replicate solves it, those at shorter lengths counted too."""
    torch.manual_seed(seed)
    task, made = TASKS[rung.task], Network
    if rung.decay:
        made = partial(Stepped, decay=rung.decay)
    network = made(rung.cell, task, rung.T)
    share, spent = rung.updates // (len(rung.before) + 1), 0
    for T in (*rung.before, rung.T):
        weights = network.parameters()
        optimiser = (
            torch.optim.SGD(weights, rung.rate, momentum=0.9)
            if rung.sgd
            else torch.optim.Adam(weights, rung.rate)
        )
        counted: list[int] = []
        optimiser.register_step_post_hook(lambda *_, counted=counted: counted.append(1))
        update = learns(network, optimiser, task, T, share)
        if T == rung.T:
            return None if update is None else spent + update
        spent += len(counted)
    return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    args = parser.parse_args()
    torch.set_num_threads(1)
    print(
        "| task, T | cell | what | rate | here: solved, median | suite: solved, median | p | min |"
    )
    print("| --- | --- | --- | ---: | --- | --- | ---: | ---: |")
    for rung in SUITE:
        told = agreement(partial(solves, rung), rung, args.seeds)
        about = f"{rung.task}, {rung.T} | {rung.cell} | {rung.what} | {rung.rate:g}"
        print(f"| {about} | {told} |", flush=True)


if __name__ == "__main__":
    main()
