"""SQLite and the disk: where its locks do not hold, and where it need not wait."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lstm_bench.errors import BenchError
from lstm_bench.store.mounts import MOUNTS, network_file_system
from lstm_bench.store.paths import Results
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


@contextlib.contextmanager
def without_syncing(results: Results) -> Iterator[None]:
    """Let results/mlflow.db skip fsync, which is three quarters of an import's time.

    A killed importer leaves it whole; a machine that loses power may not, and then it is made anew.
    """
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    ours = str(results.mlflow_db.resolve())

    def relax(connection: Any, _: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            files = [row[2] for row in connection.execute("PRAGMA database_list")]
            if ours in files:
                connection.execute("PRAGMA synchronous = OFF")

    event.listen(Engine, "connect", relax)
    try:
        yield
    finally:
        event.remove(Engine, "connect", relax)
