"""lstm_bench: what recurrent networks can remember, settled by experiments anyone can re-run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.3.4"
__all__ = ["train"]

if TYPE_CHECKING:
    from lstm_bench.training.api import train


def __getattr__(name: str) -> Any:
    """Import torch only when it is needed: the workflow's own process never does."""
    if name == "train":
        from lstm_bench.training.api import train

        return train
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
