"""The folder's own database after the folder was moved or copied.

MLflow keeps the addresses of artifacts absolute, and so does plain `mlflow ui` find them.
"""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from lstm_bench.store.paths import MLFLOW_ARTIFACTS, Results
from lstm_bench.tracking.address import sqlite_file


def is_own(uri: str, results: Results) -> bool:
    """Whether this is the folder's own database, results/mlflow.db."""
    file = sqlite_file(uri)
    return file is not None and file.resolve() == results.mlflow_db.resolve()


def follow(results: Results, id: str, old: str, place: str) -> None:
    """Tell results/mlflow.db where the artifacts of its experiment `id` lie now.

    Told anew are addresses below `old`, where that is another results/mlartifacts, of runs whose
    files lie in this one, at `place`: nobody else's.
    """
    if not old.endswith(f"/{MLFLOW_ARTIFACTS}"):
        return
    with contextlib.closing(sqlite3.connect(results.mlflow_db)) as connection, connection:
        runs = connection.execute(
            "SELECT run_uuid, substr(artifact_uri, ?) FROM runs WHERE experiment_id = ? "
            "AND substr(artifact_uri, 1, ?) = ?",
            (len(old) + 1, id, len(old) + 1, f"{old}/"),
        ).fetchall()
        stored = results.mlflow_artifacts
        here = [(place + rest, run) for run, rest in runs if (stored / run).is_dir()]
        connection.executemany("UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", here)
        if here or not Path(url2pathname(urlsplit(old).path)).is_dir():
            where = "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?"
            connection.execute(where, (place, id))
