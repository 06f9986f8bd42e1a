"""Where MLflow keeps its runs, whether it answers, and what to say when it does not."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import sqlite3
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from lstm_bench.errors import BenchError
from lstm_bench.store.paths import Results

VARIABLE = "MLFLOW_TRACKING_URI"
PATIENCE = 5.0  # seconds a server has to answer
PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}


def tracking_uri(results: Results, uri: str | None = None) -> str:
    """Where MLflow keeps its runs: the argument, the environment, or the database in results/."""
    return uri or os.environ.get(VARIABLE) or f"sqlite:///{results.mlflow_db}"


def without_credentials(uri: str) -> str:
    """The URI as it may be printed: no user, password, token or query."""
    parts = urlsplit(uri)
    host = parts.netloc.rpartition("@")[2]
    if not parts.netloc:
        return uri
    return urlunsplit((parts.scheme, host, parts.path, "", ""))


def require_answer(uri: str) -> None:
    """Raise BenchError unless this address answers within seconds; MLflow itself tries for long."""
    parts = urlsplit(uri)
    scheme = parts.scheme.partition("+")[0]
    try:
        if scheme == "sqlite" and parts.path.strip("/"):
            _read_sqlite(Path(uri.partition(":///")[2].partition("?")[0]))
        elif scheme not in PORTS or not parts.hostname:
            return
        elif scheme in ("http", "https"):
            with contextlib.suppress(urllib.error.HTTPError):  # an answer, if not a kind one
                host = parts.netloc.rpartition("@")[2]
                health = urlunsplit((scheme, host, f"{parts.path.rstrip('/')}/health", "", ""))
                urllib.request.urlopen(health, timeout=PATIENCE).close()
        else:
            address = (parts.hostname, parts.port or PORTS[scheme])
            socket.create_connection(address, PATIENCE).close()
    except (OSError, ValueError, sqlite3.Error) as error:
        raise sentence(uri, getattr(error, "reason", error)) from error


def _read_sqlite(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(path, timeout=PATIENCE)) as connection:
        connection.execute("PRAGMA schema_version")


def sentence(uri: str, error: object) -> BenchError:
    """What a user can do about a store that fails: one sentence without credentials."""
    shown = without_credentials(uri)
    first = (str(error).strip() or type(error).__name__).splitlines()[0][:200].rstrip(".")
    why = re.sub(r"//[^/@\s]*@", "//", first)
    if uri.startswith("sqlite:"):
        return BenchError(
            f"MLflow's database {shown} cannot be used ({why}); if it is damaged, delete it and "
            "track again: the suite's runs are made anew from results/."
        )
    return BenchError(
        f"{VARIABLE}={shown} does not answer as MLflow should ({why}); start that server or unset "
        "the variable to use results/mlflow.db, then track again: results/ is as it was."
    )
