"""One thread, and the repository root on the path: `tests.contract.contracts` is importable."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1]))
torch.set_num_threads(1)
# under nohup every child would ignore a terminal that closes, which some tests send
signal.signal(signal.SIGHUP, signal.SIG_DFL)

SLOW = ("workflow", "faults", "kernel")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Folders that run whole sweeps come first: no core waits for the last of them."""
    root = Path(__file__).parent
    items.sort(key=lambda item: item.path.relative_to(root).parts[0] not in SLOW)
