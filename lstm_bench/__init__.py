"""lstm_bench: what recurrent networks can remember, settled by experiments anyone can re-run."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.3.5"
__all__ = ["cells", "tasks", "train"]

if TYPE_CHECKING:
    from lstm_bench import cells, tasks
    from lstm_bench.training.api import train


def __getattr__(name: str) -> Any:
    """Import torch only when it is needed: the workflow's own process never does."""
    if name == "train":
        return importlib.import_module("lstm_bench.training.api").train
    if name in __all__:
        return importlib.import_module(f"lstm_bench.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
