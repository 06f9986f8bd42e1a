"""How many CPU seconds an update takes on this machine, by the engine a sweep trains with.

CPU time, not the clock: beside other work a process gets less of a core, and the clock would call
that cost. The fastest of several samples counts, since work beside it also slows the core itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import torch

from lstm_bench.engine.runtime import configure
from lstm_bench.spec import Condition, SeedBlock
from lstm_bench.training.model import ReplicateBatch
from lstm_bench.training.stateful import stream_of

SAMPLES, LEAST = 5, 0.02  # samples, each of so many CPU seconds or one update


def update_seconds(condition: Condition, replicates: int) -> float:
    """CPU seconds of one update of so many replicates side by side, the drawing of data included.

    Raises BenchError for a condition that cannot be trained.
    """
    configure()
    block = SeedBlock(0, replicates - 1)
    model = ReplicateBatch.create(condition, block, torch.device("cpu"))
    streams = [stream_of(condition, seed) for seed in block.seeds]

    def updates() -> Iterator[float]:
        while True:
            started = time.process_time()
            begins = [stream.begins(model.update) for stream in streams]
            model.step([stream(model.update) for stream in streams], begins)
            yield time.process_time() - started

    taken = updates()
    next(taken)  # the first compiles, and fills caches
    found = []
    for _ in range(SAMPLES):
        sample = [next(taken)]
        while sum(sample) < LEAST:
            sample.append(next(taken))
        found.append(sum(sample) / len(sample))
    return min(found)
