"""Settings every training process needs before it computes: measured, free, and in one place.

Denormals are flushed (vanishing gradients become denormals, 5-7 times slower), one thread serves
one process (processes run in parallel instead), and big buffers stay mapped between steps (glibc
otherwise maps and faults them anew at every step).
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys

import torch

from lstm_bench.errors import BenchError

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # <malloc.h>
_configured = False


def keep_buffers() -> bool:
    """Tell glibc to keep freed memory; False where there is no glibc."""
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # read at torch's first allocation
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 64 * 2**20))
    return all(libc.mallopt(key, value) == 1 for key, value in settings)


def configure() -> None:
    """Apply all of it, once a process. With one thread no product is split, and no bit moves."""
    global _configured
    torch.set_flush_denormal(True)
    torch.set_num_threads(1)
    if not _configured:
        keep_buffers()
        _configured = True


def resolve_device(wanted: str) -> torch.device:
    """`auto`, `cpu` or `cuda`. Raises BenchError where CUDA is asked for and absent."""
    if wanted not in ("auto", "cpu", "cuda"):
        raise BenchError(f"device: {wanted!r} is unknown; allowed are auto, cpu and cuda.")
    if wanted == "cuda" and not torch.cuda.is_available():
        raise BenchError(
            "device: 'cuda' was asked for, but torch finds no CUDA device here; "
            "use 'cpu', or 'auto' to take a GPU only where there is one."
        )
    use_cuda = wanted == "cuda" or (wanted == "auto" and torch.cuda.is_available())
    return torch.device("cuda" if use_cuda else "cpu")
