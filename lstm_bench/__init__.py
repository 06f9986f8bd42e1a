"""lstm_bench: what recurrent networks can remember, settled by experiments anyone can re-run."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.9.0"
__all__ = [
    "BenchError",
    "Cell",
    "Condition",
    "Experiment",
    "Task",
    "Training",
    "cells",
    "from_flux",
    "load",
    "load_network",
    "load_plugins",
    "tasks",
    "train",
]

_HOMES = {  # the modules of names that are none
    "BenchError": "errors",
    "Cell": "cells",
    "Condition": "spec",
    "Experiment": "experiments",
    "Task": "tasks",
    "Training": "spec",
    "from_flux": "training.elsewhere",
    "load": "training.load",
    "load_network": "tracking.networks",
    "load_plugins": "registry",
    "train": "training.api",
}

if TYPE_CHECKING:
    from lstm_bench import cells, tasks
    from lstm_bench.cells import Cell
    from lstm_bench.errors import BenchError
    from lstm_bench.experiments import Experiment
    from lstm_bench.registry import load_plugins
    from lstm_bench.spec import Condition, Training
    from lstm_bench.tasks import Task
    from lstm_bench.tracking.networks import load_network
    from lstm_bench.training.api import train
    from lstm_bench.training.elsewhere import from_flux
    from lstm_bench.training.load import load


def __getattr__(name: str) -> Any:
    """Import torch only when it is needed: the workflow's own process never does."""
    if name in _HOMES:
        return getattr(importlib.import_module(f"lstm_bench.{_HOMES[name]}"), name)
    if name in __all__:
        return importlib.import_module(f"lstm_bench.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
