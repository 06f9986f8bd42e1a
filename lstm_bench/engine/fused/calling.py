"""Calls of compiled code: steps as numbers, and tasks on as many threads as torch may use."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import Tensor


@functools.lru_cache(maxsize=64)
def as_tensor(steps: tuple[int, ...]) -> Tensor:
    return torch.tensor(steps, dtype=torch.int64)


@functools.lru_cache(maxsize=1)
def pool(process: int, workers: int) -> ThreadPoolExecutor:
    """Kept between calls; made anew in a forked child, whose threads did not come along."""
    return ThreadPoolExecutor(workers)


def share(work: Callable[[int, int], int], tasks: int) -> None:
    """work(first, last) over all tasks; a call releases Python's lock.

    Each task is computed whole by one thread, so that no bit depends on how many there are.
    """
    workers = min(torch.get_num_threads(), tasks)

    def part(share: int) -> int:
        return work(tasks * share // workers, tasks * (share + 1) // workers)

    each = pool(os.getpid(), workers).map if workers > 1 else map
    codes = list(each(part, range(workers)))
    if 1 in codes:
        raise MemoryError("the compiled kernel found no memory for its work space")
