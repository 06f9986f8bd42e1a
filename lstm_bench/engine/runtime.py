"""Settings every training needs while it computes: in one place, whatever the process had before.

Denormals are flushed (vanishing gradients become denormals, 5-7 times slower), one thread serves
one process (processes run in parallel instead), and big buffers stay mapped between steps (glibc
otherwise maps and faults them anew at every step). All else is what torch and numpy start with:
dtype, device, precision of products, modes of autograd, what numpy raises. A plugin or a notebook
may have changed any of it, and a run is stored under a name that does not say so.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from lstm_bench.errors import BenchError

_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_MAX = -1, -2, -4  # <malloc.h>
_configured = False

Setting = tuple[Callable[[], Any], Callable[[Any], Any], Any]  # how to read it, to set it; to what


def _attribute(owner: Any, name: str, value: Any) -> Setting:
    return partial(getattr, owner, name), partial(setattr, owner, name), value


def _autocast(device: str) -> Setting:
    setter = partial(torch.set_autocast_enabled, device)
    return partial(torch.is_autocast_enabled, device), setter, False


def _flushes_denormals() -> bool:
    return bool(torch.full((1,), 2e-38, dtype=torch.float32, device="cpu").mul_(0.5).eq(0))


def _deterministic() -> tuple[bool, bool]:
    warn = torch.is_deterministic_algorithms_warn_only_enabled()
    return torch.are_deterministic_algorithms_enabled(), warn


def _set_deterministic(how: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(how[0], warn_only=how[1])


NUMPY = {"divide": "warn", "over": "warn", "under": "ignore", "invalid": "warn"}  # as it starts

SETTINGS: tuple[Setting, ...] = (
    (torch.get_default_dtype, torch.set_default_dtype, torch.float32),
    (torch.get_num_threads, torch.set_num_threads, 1),
    (_flushes_denormals, torch.set_flush_denormal, True),
    (torch.is_grad_enabled, torch.set_grad_enabled, True),
    # it takes a gradient that is not finite for an error; here it is a replicate that diverged
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly, False),
    (_deterministic, _set_deterministic, (False, False)),
    *(_autocast(device) for device in ("cpu", "cuda")),
    _attribute(torch.backends.mkldnn, "enabled", torch.backends.mkldnn.is_available()),
    _attribute(torch.backends.mkldnn, "deterministic", False),
    # what torch.set_float32_matmul_precision sets: bfloat16 products, on CPUs that have them
    _attribute(
        torch.backends.mkldnn.matmul,  # type: ignore[attr-defined]
        "fp32_precision",
        "ieee",
    ),
    _attribute(torch.backends.cuda.matmul, "fp32_precision", "ieee"),
    (np.geterr, lambda how: np.seterr(**how), NUMPY),
)


def keep_buffers() -> bool:
    """Tell glibc to keep freed memory; False where there is no glibc."""
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # read at torch's first allocation
    if sys.platform != "linux" or platform.libc_ver()[0] != "glibc":
        return False
    libc = ctypes.CDLL(None)
    settings = ((_M_MMAP_MAX, 0), (_M_TRIM_THRESHOLD, 2**31 - 1), (_M_TOP_PAD, 64 * 2**20))
    return all(libc.mallopt(key, value) == 1 for key, value in settings)


def configure() -> list[Callable[[], Any]]:
    """Apply all of it; returns what takes back what was changed."""
    global _configured
    undo: list[Callable[[], Any]] = []
    for getter, setter, value in SETTINGS:
        had = getter()
        if had != value:  # setting what is set already may import half of torch
            setter(value)
            undo.append(partial(setter, had))
    if not _configured:
        keep_buffers()
        _configured = True
    return undo


@contextmanager
def pinned() -> Iterator[None]:
    """All of it for a while; then the process has what it had before, but for glibc's memory."""
    with ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        for take_back in configure():
            stack.callback(take_back)
        # numpy's own BLAS splits big factorisations, and their last bits follow
        stack.enter_context(threadpool_limits(1, user_api="blas"))
        stack.enter_context(warnings.catch_warnings())
        # a warning is no error; filters that name a module are somebody's intention
        warnings.filters[:] = [  # type: ignore[index]
            ("default", *rest) if action == "error" and rest[2] is None else (action, *rest)
            for action, *rest in warnings.filters
        ]
        yield


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
