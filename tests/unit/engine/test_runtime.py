from __future__ import annotations

import platform
import sys

import pytest
import torch

from lstm_bench.engine import runtime


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
