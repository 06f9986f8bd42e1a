"""Configs of sweeps that several test files know, and the plugins beside them."""

from __future__ import annotations

import re
from typing import Any

from tests.workflow.workspace import ROOT

# an experiment that reads stored weights or runs of its own, and its section
PROBED: dict[str, Any] = {
    "selective_memory": {
        "tasks": ["temporal_order"],
        "lengths": [10],
        "sequences": 128,
        "lags": [0, 2],
    },
    "overfitting": {
        "tasks": ["temporal_order"],
        "lengths": [10],
        "sizes": [16, 64],
        "updates": 40,
        "fitted": 0.9,
    },
    "initialisation": {"tasks": ["temporal_order"], "lengths": [10], "biases": [1, 3]},
    "extrapolation": {
        "tasks": ["temporal_order", "anbn"],
        "lengths": [10],
        "factors": [2],
        "sequences": 64,
    },
    "gradient_flow": {"length": 30, "batch": 8, "exponents": 1, "trajectories": 1},
    "truncation": {
        "tasks": ["temporal_order"],
        "lengths": [10],
        "cells": ["lstm"],
        "windows": [5],
        "updates": 40,
    },
}

TASK = "\"><script>document.title='PWNED'</script>{x} ../😀"
CELL = "$\\frac{$ `touch PWNED` $(touch PWNED); touch PWNED &"
PLUGIN = '''
from dataclasses import dataclass

from lstm_bench.cells.elman import Elman


@dataclass(frozen=True)
class Plain(Elman):
    """</script><script>document.title='PWNED'</script>"""

    name = "plain"
'''
PAGES = {"my_cell.py": "adding-a-cell.md", "my_task.py": "adding-a-task.md"}
NAMED: dict[str, Any] = {
    "experiments": ["horizon", "training_time"],
    "tasks": [{"task": "temporal_order", "label": TASK}, "latch"],
    "cells": [{"cell": "plain", "label": CELL}, "slow"],
    "plugins": ["pl{ug} in's; touch PWNED.py", *PAGES],
    "tracking": {"experiment": "../'; DROP TABLE runs; -- <script>"},
}


def code_blocks(page: str) -> list[str]:
    """The Python blocks of a page."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.S)


def plugins() -> dict[str, str]:
    """The text of every plugin of NAMED: what nobody should write, and what two pages tell to."""
    own, *_ = NAMED["plugins"]
    return {own: PLUGIN, **{file: code_blocks(page)[0] for file, page in PAGES.items()}}
