"""`python -m benchmarks.samplers`: what drawing a batch costs beside training on it.

For every task at T = 50 and 200 (or its shortest length): sequences a second of the sampler in
batches of 32, and its time as a share of one training step of an LSTM with 64 units on the same
batch, on one core. Seconds are those of the process, so that what else the machine does counts
little; draws and steps alternate; medians. The aim is below 10 %. Prints a markdown table, the
costliest last.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import click
import numpy as np
import torch

from lstm_bench import tasks
from lstm_bench.engine.runtime import configure
from lstm_bench.errors import BenchError
from lstm_bench.spec import Condition, SeedBlock, Training
from lstm_bench.training.model import ReplicateBatch
from lstm_bench.training.stateful import stream_of

LENGTHS = (50, 200)
BATCH, WIDTH = 32, 64
REPEATS, WARM_UP = 9, 2
AIM = 0.10


def nearest_length(task: tasks.Task, T: int) -> int:
    """T, or the task's shortest length where it cannot have T."""
    try:
        task.require(T)
    except BenchError:
        return task.shortest
    return T


def measure(name: str, T: int) -> tuple[float, float]:
    """Median CPU seconds of drawing a batch and of an update on it."""
    condition = Condition(name, T, "lstm", WIDTH, training=Training(batch=BATCH))
    model = ReplicateBatch.create(condition, SeedBlock(0, 0), torch.device("cpu"))
    stream = stream_of(condition, 0)
    drawing, training = [], []
    together = model.task.draws_at_once
    for draw in range(WARM_UP + REPEATS):
        updates = range(draw * together, (draw + 1) * together)
        batches, seconds = timed(lambda updates=updates: [stream(update) for update in updates])
        drawing.append(seconds / together)
        training.append(timed(lambda batch=batches[0]: model.step([batch]))[1])
    return float(np.median(drawing[WARM_UP:])), float(np.median(training[WARM_UP:]))


def timed(run: Callable[[], Any]) -> tuple[Any, float]:
    started = time.process_time()
    result = run()
    return result, time.process_time() - started


def table(names: list[str]) -> str:
    """The markdown table."""
    rows = []
    for name in names:
        for T in dict.fromkeys(nearest_length(tasks.create(name), T) for T in LENGTHS):
            draw, step = measure(name, T)
            rows.append((draw / step, name, T, BATCH / draw, step))
    lines = [
        "| task | T | sequences/s | LSTM step, ms | sampler / step | |",
        "| --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for share, name, T, speed, step in sorted(rows):
        note = "" if share < AIM else f"above {AIM:.0%}"
        lines.append(f"| {name} | {T} | {speed:,.0f} | {1000 * step:.1f} | {share:.1%} | {note} |")
    return "\n".join(lines)


@click.command()
@click.argument("names", nargs=-1)
def main(names: tuple[str, ...]) -> None:
    """Print the table of these tasks, or of all."""
    configure()
    torch.set_num_threads(1)
    click.echo(table(list(names) or sorted(tasks.registry())))


if __name__ == "__main__":
    main()
