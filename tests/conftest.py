"""One thread, and the repository root on the path."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
torch.set_num_threads(1)
# under nohup every child would ignore a terminal that closes, which some tests send
signal.signal(signal.SIGHUP, signal.SIG_DFL)
# no test cuts the power, and syncs were a fifth of those that store runs; sweeps sync as ever
os.fsync = lambda descriptor: None  # type: ignore[assignment]

# whole sweeps, processes, compilers, servers and browsers: what `make check` leaves to `make test`
SLOW = (
    "workflow",
    "faults",
    "kernel",
    "slurm",
    "numerics",
    "unit/benchmarks",
    "unit/engine/test_fused_library.py",
    "unit/experiments/test_ends.py",
    "unit/experiments/test_known_memory.py",
    "unit/plotting/test_figures.py",
    "unit/report/test_explorer_page.py",
    "unit/test_stages.py",
    "unit/tracking",
    "unit/training",
)
FIRST = ("workflow", "faults", "kernel")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Folders that run whole sweeps come first: no core waits for the last of them."""
    root = Path(__file__).parent
    for item in items:
        if any(item.path.is_relative_to(root / each) for each in SLOW):
            item.add_marker(pytest.mark.slow)
    items.sort(key=lambda item: item.path.relative_to(root).parts[0] not in FIRST)


@pytest.fixture(autouse=True)
def _tracking_server() -> Iterator[None]:
    """What `mlflow.set_tracking_uri` sets would hold for the tests that follow, too."""
    before = os.environ.get("MLFLOW_TRACKING_URI")
    yield
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    if before is not None:
        os.environ["MLFLOW_TRACKING_URI"] = before
