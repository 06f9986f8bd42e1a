"""One condition from Python or the shell: the same training and the same files as in a sweep."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lstm_bench import cells, tasks
from lstm_bench.engine.network import Network
from lstm_bench.errors import BenchError, unknown
from lstm_bench.registry import chosen_options, load_plugins
from lstm_bench.spec import Condition, Training, seed_blocks, training_keys
from lstm_bench.store.collect import read_all
from lstm_bench.store.paths import Results
from lstm_bench.training.run import train_block

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Trained:
    """A finished condition. The tables are read from its files."""

    condition: Condition
    folders: tuple[Path, ...]

    @property
    def replicates(self) -> pd.DataFrame:
        """One row a replicate: status, updates to solve, losses and scores."""
        return read_all(folder / "replicates.parquet" for folder in self.folders)

    @property
    def curves(self) -> pd.DataFrame:
        """One row an evaluation: losses, score and gradient norm by update."""
        return read_all(folder / "curves.parquet" for folder in self.folders)


def make_condition(
    task: str,
    cell: str,
    T: int,
    *,
    width: int = 32,
    task_options: Mapping[str, Any] | None = None,
    cell_options: Mapping[str, Any] | None = None,
    network: Mapping[str, Any] | None = None,
    **training: Any,
) -> Condition:
    """A checked condition. Raises BenchError for a name, a length or a value that cannot be."""
    for key, value in training.items():
        if key not in training_keys():
            raise unknown("training option", key, training_keys())
        default = getattr(Training, key)
        if isinstance(default, int | float) and not isinstance(value, int | float):
            raise BenchError(f"{key}: {value!r} is not allowed; it must be a number.")
        if isinstance(value, float) and not math.isfinite(value):
            raise BenchError(f"{key}: {value!r} is not allowed; it must be a finite number.")
    for key, value in {"T": T, "width": width}.items():
        if not isinstance(value, int) or value < 1:
            raise BenchError(f"{key}: {value!r} is not allowed; it must be a whole number above 0.")
    chosen_task = tasks.create(task, task_options)
    chosen_task.require(T)
    condition = Condition(
        task=task,
        T=T,
        cell=cell,
        width=width,
        task_options=chosen_options(chosen_task),
        cell_options=chosen_options(cells.create(cell, cell_options)),
        training=Training(**training),
        network=network or {},
    )
    return replace(condition, network=chosen_options(Network.of(condition, chosen_task).options))


def train(
    task: str,
    cell: str,
    T: int,
    *,
    replicates: int = 5,
    first_seed: int = 0,
    seed_block: int = 5,
    device: str = "auto",
    plugins: tuple[str, ...] = (),
    root: str | Path = ".",
    **options: Any,
) -> Trained:
    """Train one condition and return its results; what is finished already is not trained again.

    `options` are `width`, `task_options`, `cell_options`, `network` (the options of
    `engine.network_options.NetworkOptions`) and the fields of `spec.Training` (updates, batch,
    learning_rate, ...). Files go to `root`/results, as in a sweep. Raises BenchError for bad input.

        >>> trained = lstm_bench.train("adding", "lstm", T=50, learning_rate=0.01)
        >>> trained.replicates[["seed", "status", "updates_to_solve", "test_score"]]
    """
    load_plugins(plugins)
    condition = make_condition(task, cell, T, **options)
    if replicates < 1:
        raise BenchError(f"replicates: {replicates} is not allowed; it must be at least 1.")
    if replicates % seed_block:
        seed_block = replicates
    results = Results(root)
    blocks = seed_blocks(replicates, seed_block, first_seed)
    folders = [train_block(condition, block, results, device=device) for block in blocks]
    return Trained(condition, tuple(folders))
