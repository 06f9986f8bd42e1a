"""How often a network with random weights solves a task: the control for tasks that look hard.

    h_t = tanh(W x_t + U h_{t-1} + b),   y_t = sigma(V h_t + c)   (no sigma for cross-entropies)

Every weight is drawn from U[-100, 100] and nothing is trained. A network is screened on 16
sequences (a score of 0.75), then judged on 2,560 others by the task's own criterion. Hochreiter &
Schmidhuber (1997, sec. 5.3) hold that a task which guessing solves says little of a method.

    python benchmarks/random_guessing.py two_sequence --T 100 --width 1 --option informative=1
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
import yaml

from lstm_bench import tasks
from lstm_bench.stats.rates import wilson
from lstm_bench.tasks import Batch, Task

RANGE = 100.0
SCREEN, JUDGE, CHUNK = 16, 2560, 2000


@dataclass(frozen=True)
class Weights:
    """G networks of width h with d inputs and k outputs, one row each."""

    W: np.ndarray  # (G, d, h)
    U: np.ndarray  # (G, h, h)
    b: np.ndarray  # (G, 1, h)
    V: np.ndarray  # (G, h, k)
    c: np.ndarray  # (G, 1, k)

    @classmethod
    def draw(cls, rng: np.random.Generator, guesses: int, task: Task, width: int) -> Weights:
        d, k = task.inputs, task.outputs
        shapes = ((d, width), (width, width), (1, width), (width, k), (1, k))
        return cls(*(rng.uniform(-RANGE, RANGE, (guesses, *shape)) for shape in shapes))

    def of(self, row: int) -> Weights:
        return Weights(*(part[row : row + 1] for part in vars(self).values()))


def answers(weights: Weights, batch: Batch, squash: bool) -> np.ndarray:
    """Outputs (G, sequences, S, k) at the S steps where the batch is asked."""
    h, asked, out = np.zeros((len(weights.b), len(batch.inputs), weights.U.shape[1])), set(), []
    asked.update(batch.target_steps.tolist())
    for t in range(batch.inputs.shape[1]):
        h = np.tanh(batch.inputs[:, t].astype(float) @ weights.W + h @ weights.U + weights.b)
        if t in asked:
            y = h @ weights.V + weights.c
            out.append((1 + np.tanh(y / 2)) / 2 if squash else y)
    return np.stack(out, axis=2)


def solvers(task: Task, T: int, width: int, guesses: int, seed: int = 0) -> int:
    """How many of `guesses` random networks solve the task."""
    rng, squash, found = np.random.default_rng(seed), task.loss == "squared_error", 0
    for start in range(0, guesses, CHUNK):
        weights = Weights.draw(rng, min(CHUNK, guesses - start), task, width)
        screen = task.sample(rng, SCREEN, T)
        at = screen.at(screen.target_steps)
        for row, y in enumerate(answers(weights, screen, squash)):
            if task.score(y, at) < 0.75:
                continue
            judge = task.sample(rng, JUDGE, T)
            (final,) = answers(weights.of(row), judge, squash)
            found += task.score(final, judge.at(judge.target_steps)) >= task.solved_score
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task")
    parser.add_argument("--T", type=int, default=100)
    parser.add_argument("--width", type=int, default=1)
    parser.add_argument("--guesses", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--option", action="append", default=[], metavar="NAME=VALUE")
    given = parser.parse_args()
    options = {k: yaml.safe_load(v) for k, v in (each.split("=", 1) for each in given.option)}
    task = tasks.create(given.task, options)
    task.require(given.T)
    started = time.perf_counter()
    found = solvers(task, given.T, given.width, given.guesses, given.seed)
    seconds, (low, high) = time.perf_counter() - started, wilson(found, given.guesses)
    print(
        f"{given.task} {options} T={given.T} width {given.width}: {found} of {given.guesses} "
        f"random networks solve it; share 95 % from {low:.2g} to {high:.2g}; {seconds:.0f} s"
    )


if __name__ == "__main__":
    main()
