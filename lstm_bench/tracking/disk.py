"""SQLite's locks do not hold through a network file system: such a database breaks in the end."""

from __future__ import annotations

from pathlib import Path

from lstm_bench.errors import BenchError
from lstm_bench.store.mounts import MOUNTS, network_file_system
from lstm_bench.tracking.address import sqlite_file


def require_local_disk(uri: str, mounts: Path = MOUNTS) -> None:
    """Raise BenchError for an SQLite database that lies on a network file system."""
    file = sqlite_file(uri)
    if file is None:
        return
    kind = network_file_system(file.parent, mounts)
    if kind is not None:
        raise BenchError(
            f"MLFLOW_TRACKING_URI: {uri} is not allowed on a network file system ({kind}), where "
            "SQLite breaks; set it to a server's address or to a file on a disk of this machine, "
            "e.g. sqlite:////var/tmp/mlflow.db."
        )
