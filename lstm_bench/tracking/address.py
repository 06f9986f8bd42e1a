"""Where MLflow keeps its runs, whether it answers, and what to say when it does not."""

from __future__ import annotations

import base64
import contextlib
import os
import socket
import sqlite3
import ssl
import urllib.error
import urllib.request
from importlib.metadata import entry_points
from pathlib import Path
from urllib.parse import urlunsplit

from lstm_bench.errors import BenchError
from lstm_bench.store.paths import Results
from lstm_bench.tracking.credentials import (
    TOKEN,
    VARIABLE,
    credentials,
    parsed,
    scrubbed,
    without_credentials,
)

PATIENCE = 10.0  # seconds a server has to answer
PORTS = {"http": 80, "https": 443, "postgresql": 5432, "mysql": 3306, "mssql": 1433}
HELLO = "api/2.0/mlflow/experiments/search?max_results=1"  # asks for credentials; /health does not


class NoAnswer(BenchError):
    """MLflow could not be reached or failed: another try may succeed."""


def tracking_uri(results: Results, uri: str | None = None) -> str:
    """Where MLflow keeps its runs: the argument, the environment, or the database in results/."""
    return uri or os.environ.get(VARIABLE) or f"sqlite:///{results.mlflow_db}"


def shown_address() -> str:
    """The address the environment names, as it may be printed and stored; empty without one."""
    uri = os.environ.get(VARIABLE)
    return without_credentials(uri) if uri else ""


def require_allowed() -> None:
    """Raise BenchError when the environment names an address that MLflow can never use."""
    uri = os.environ.get(VARIABLE)
    if not uri:
        return
    parts = parsed(uri)
    scheme = parts.scheme.partition("+")[0]
    whole = "://" in uri and (bool(parts.hostname) or not scheme.startswith("http"))
    if not _plugin(scheme or uri) and not (whole and scheme in (*PORTS, "sqlite")):
        raise BenchError(
            f"{VARIABLE}={shown_address()} is not allowed; it must begin with http://, https://, "
            "postgresql://, mysql://, mssql:// or sqlite:///."
        )


def silence() -> str:
    """Why the store that the environment names does not answer now; empty where it does."""
    uri = os.environ.get(VARIABLE)
    try:
        if uri:
            require_answer(uri)
    except NoAnswer as error:
        return f"{error} Meanwhile the sweep goes on.\n"
    return ""


def sqlite_file(uri: str) -> Path | None:
    """The file of an SQLite address; None for every other store, and for a database in memory."""
    scheme, _, rest = uri.partition(":///")
    path = rest.partition("?")[0]
    return Path(path) if path and scheme.partition("+")[0] == "sqlite" else None


def _plugin(scheme: str) -> bool:
    known = entry_points(group="mlflow.tracking_store")
    return scheme.startswith("databricks") or any(each.name == scheme for each in known)


def require_answer(uri: str) -> None:
    """Raise NoAnswer unless this address answers within seconds; MLflow itself tries for long."""
    parts = parsed(uri)
    scheme, file = parts.scheme.partition("+")[0], sqlite_file(uri)
    try:
        if file is not None:
            _read_sqlite(file)
        elif scheme not in PORTS or not parts.hostname:
            return
        elif scheme in ("http", "https"):
            _ask(uri)
        else:
            address = (parts.hostname, parts.port or PORTS[scheme])
            socket.create_connection(address, PATIENCE).close()
    except (OSError, ValueError, sqlite3.Error) as error:
        raise sentence(uri, getattr(error, "reason", error)) from error


def _ask(uri: str) -> None:
    """One request that every MLflow server answers, with the credentials an import would use."""
    parts = parsed(uri)
    host = parts.netloc.rpartition("@")[2]
    path = f"{parts.path.rstrip('/')}/{HELLO}"
    request = urllib.request.Request(f"{urlunsplit((parts.scheme, host, '', '', ''))}{path}")
    user, password = credentials(uri)
    if user and password:
        basic = base64.b64encode(f"{user}:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {basic}")
    elif os.environ.get(TOKEN):
        request.add_header("Authorization", f"Bearer {os.environ[TOKEN]}")
    context = ssl.create_default_context(cafile=os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH"))
    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("1", "true"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE, context=context) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 401 and not request.has_header("Authorization") and _has_file():
            return  # MLflow reads that file by itself
        refused = {401: "user or password are wrong", 403: "this user may not read experiments"}
        raise OSError(refused.get(error.code, f"it answered {error.code}")) from error


def _has_file() -> bool:
    """Whether there is a file of credentials; a user may have no home folder at all."""
    try:
        return Path("~/.mlflow/credentials").expanduser().exists()
    except RuntimeError:
        return False


def _read_sqlite(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.closing(sqlite3.connect(path, timeout=PATIENCE)) as connection:
        connection.execute("PRAGMA schema_version")


def sentence(uri: str, error: object) -> NoAnswer:
    """What a user can do about a store that fails: one sentence without credentials."""
    shown = without_credentials(uri)
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    why = scrubbed(first, uri)[:200].rstrip(".")
    if isinstance(error, ImportError):
        why += "; pip install 'lstm-bench[postgres]' brings PostgreSQL's driver"
    if "out-of-date database schema" in first:
        return NoAnswer(
            f"MLflow's database {shown} was made by another version of MLflow; give its address to "
            "`mlflow db upgrade` (or delete it, when nobody else wrote to it) and track again: "
            "nothing was written."
        )
    if uri.startswith("sqlite:"):
        return NoAnswer(
            f"MLflow's database {shown} cannot be used ({why}); if it is damaged, delete it and "
            "track again: the suite's runs are made anew from results/."
        )
    return NoAnswer(
        f"{VARIABLE}={shown} does not answer as MLflow should ({why}); start that server or unset "
        "the variable to use results/mlflow.db, then track again: results/ is as it was."
    )
