"""A trained network from a file, or from a run in MLflow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lstm_bench.errors import BenchError
from lstm_bench.store.paths import Results

if TYPE_CHECKING:
    from lstm_bench.training.trained_network import TrainedNetwork

RUNS = "runs:/"  # as MLflow writes the address of a run's artifacts
FILE = "model.safetensors"


def load_network(
    source: str | Path, seed: int | None = None, root: str | Path = "."
) -> TrainedNetwork:
    """One trained replicate of a safetensors file, or `runs:/ID` of a replicate in MLflow.

    A file is that of a seed block, of `save`, or an artifact that was downloaded. MLflow is that of
    MLFLOW_TRACKING_URI, else results/mlflow.db of the folder `root`.

    seed   which, where the file holds several

    Raises BenchError for what is not there, or is a run without weights.

        >>> net = lstm_bench.load_network("runs:/0f3a...")
    """
    from lstm_bench.training.trained_network import read_network

    if str(source).startswith(RUNS):
        from lstm_bench.tracking.client import downloaded

        id = str(source).removeprefix(RUNS).partition("/")[0]
        with downloaded(id, FILE, Results(root)) as file:
            return read_network(file, seed)
    if not Path(source).is_file():
        raise BenchError(
            f"load_network: {str(source)!r} is not a file; it must be a {FILE}, or {RUNS}ID of a "
            "replicate in MLflow."
        )
    return read_network(Path(source), seed)
