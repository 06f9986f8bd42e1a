"""`python -m tests.numerics.golden`: write anew the losses that `test_golden.py` guards.

Every task with one cell and every cell on three tasks: every version has a number that moves with
it, and the number of pairs grows with the sum of tasks and cells.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch

from lstm_bench import cells, tasks
from lstm_bench.check.tasks import length
from lstm_bench.training.run import code_identity
from tests.numerics.training import condition, trained

FILE = Path(__file__).with_name("golden.json")
SEEDS = (0, 1)
UPDATES = 20
COMMON_CELL, COMMON_TASKS = "lstm", ("adding", "copy", "temporal_order")


def of_the_suite(registry: Mapping[str, type]) -> list[str]:
    """Other tests define tasks and cells too, for as long as the process lives."""
    return sorted(n for n, cls in registry.items() if cls.__module__.startswith("lstm_bench."))


PAIRS = [
    (task, cell)
    for task in of_the_suite(tasks.registry())
    for cell in of_the_suite(cells.registry())
    if cell == COMMON_CELL or task in COMMON_TASKS
]


def measure(task: str, cell: str) -> dict[str, object]:
    """The identity of the code, and the validation losses after 20 updates, one a seed."""
    c = condition(task, T=length(tasks.create(task)), cell=cell, updates=UPDATES)
    model = trained(c, SEEDS[0], SEEDS[-1])
    losses = {p.seed: p.validation_loss for p in model.progress}
    return {"identity": code_identity(c), "losses": [losses[seed] for seed in SEEDS]}


def main() -> None:
    torch.set_num_threads(1)
    found = {f"{task} {cell}": measure(task, cell) for task, cell in PAIRS}
    FILE.write_text(json.dumps(found, indent=1) + "\n")
    print(f"{FILE}: {len(found)} pairs of task and cell")


if __name__ == "__main__":
    main()
