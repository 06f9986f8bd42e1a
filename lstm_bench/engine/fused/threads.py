"""The kernel's tasks on as many threads as torch may use; a call releases Python's lock."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import torch

_pool: tuple[int, int, ThreadPoolExecutor] | None = None  # of which process, how many, the pool


def pool(workers: int) -> ThreadPoolExecutor:
    """Kept between calls; made anew in a forked child, whose threads did not come along."""
    global _pool
    if _pool is None or _pool[:2] != (os.getpid(), workers):
        _pool = (os.getpid(), workers, ThreadPoolExecutor(workers))
    return _pool[2]


def share(work: Callable[[int, int], int], tasks: int) -> None:
    """work(first, last) over all tasks, by as many threads as torch may use.

    Each task is computed whole by one thread, so that no bit depends on how many there are.
    """
    workers = min(torch.get_num_threads(), tasks)

    def part(share: int) -> int:
        return work(tasks * share // workers, tasks * (share + 1) // workers)

    codes = [part(0)] if workers == 1 else list(pool(workers).map(part, range(workers)))
    if 1 in codes:
        raise MemoryError("the compiled kernel found no memory for its work space")
