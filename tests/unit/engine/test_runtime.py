"""A training computes with settings of its own, and gives a process its own back."""

from __future__ import annotations

import platform
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import torch

import lstm_bench
from lstm_bench.engine import runtime

SAME = ("replicates.parquet", "curves.parquet", "model.safetensors")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    had = [(setter, getter()) for getter, setter, _ in runtime.SETTINGS]
    yield
    for (getter, _, _), (setter, value) in zip(runtime.SETTINGS, had):
        if getter() != value:
            setter(value)


def test_denormals_are_flushed_and_one_thread_computes_whatever_was_set_before() -> None:
    torch.set_num_threads(2)
    torch.set_flush_denormal(False)
    runtime.configure()
    assert torch.get_num_threads() == 1
    tiny = torch.full((64,), 1e-30)
    assert (tiny * tiny * 1e20).sum() == 0
    assert (torch.full((64,), 1e-38) * 1e-3).sum() == 0


@pytest.mark.skipif(
    sys.platform != "linux" or platform.libc_ver()[0] != "glibc", reason="glibc's allocator only"
)
def test_glibc_takes_the_settings_that_keep_big_buffers_mapped() -> None:
    assert runtime.keep_buffers()


def trained(folder: Path) -> list[bytes]:
    """What two small trainings store: one on the kernel, one by torch's products and QR."""
    sizes = {"updates": 6, "evaluate_every": 3, "width": 16, "validation_size": 32, "test_size": 32}
    found = []
    for cell in ("lstm", "urnn"):
        done = lstm_bench.train("adding", cell, 6, replicates=2, root=folder, device="cpu", **sizes)
        found += [(done.folders[0] / name).read_bytes() for name in SAME]
    return found


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    return trained(tmp_path_factory.mktemp("plain"))


def _raise_warnings(stack: ExitStack) -> None:
    stack.enter_context(warnings.catch_warnings())
    warnings.simplefilter("error")


HABITS: dict[str, Callable[[ExitStack], object]] = {
    "float64": lambda s: torch.set_default_dtype(torch.float64),
    "bfloat16 products": lambda s: torch.set_float32_matmul_precision("medium"),
    "three threads": lambda s: torch.set_num_threads(3),
    "denormals": lambda s: torch.set_flush_denormal(False),
    "no gradients": lambda s: s.enter_context(torch.no_grad()),
    "inference": lambda s: s.enter_context(torch.inference_mode()),
    "a device": lambda s: s.enter_context(torch.device("meta")),
    "autocast": lambda s: s.enter_context(torch.autocast("cpu", torch.bfloat16)),
    "anomalies": lambda s: s.enter_context(torch.autograd.set_detect_anomaly(True)),
    "deterministic": lambda s: torch.use_deterministic_algorithms(True),
    "no oneDNN": lambda s: setattr(torch.backends.mkldnn, "enabled", False),
    "numpy raises": lambda s: s.enter_context(np.errstate(all="raise")),
    "warnings raise": _raise_warnings,
}


@pytest.mark.parametrize("habit", HABITS)
def test_a_training_has_the_same_bytes_whatever_the_process_had_set(
    habit: str, plain: list[bytes], tmp_path: Path
) -> None:
    def state() -> list[object]:
        settings = [getter() for getter, _, _ in runtime.SETTINGS]
        modes = torch.is_inference_mode_enabled(), torch.get_default_device()
        return [*settings, *modes, list(warnings.filters)]

    with ExitStack() as stack:
        HABITS[habit](stack)
        before = state()
        assert trained(tmp_path) == plain
        assert state() == before, "and the process has its own settings back"
    torch.set_float32_matmul_precision("highest")


def test_numpys_own_factorisations_run_on_one_thread() -> None:
    from threadpoolctl import threadpool_info, threadpool_limits

    with threadpool_limits(2, user_api="blas"), runtime.pinned():
        counts = [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]
    assert counts
    assert set(counts) == {1}
