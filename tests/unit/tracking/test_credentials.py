"""User and password in MLflow's address stay where they are."""

from __future__ import annotations

import os
import subprocess
from typing import Any

import pytest

from lstm_bench.errors import BenchError
from lstm_bench.store.paths import Results
from lstm_bench.tracking import address, ui
from lstm_bench.tracking.credentials import scrubbed, without_credentials

URIS = [
    "http://ada:s3cr3t@host:5000/mlflow",
    "https://ada:s3cr3t@host/?token=s3cr3t",
    "http://ada:s%40cr3t@host",
    "http://ada:p@s3cr3t@host",
    "postgresql+psycopg2://ada:s3cr3t@[::1]:5432/db?password=s3cr3t",
    "http:ada:s3cr3t@host",
    "ada:s3cr3t@host",
]


@pytest.mark.parametrize("uri", URIS)
def test_what_is_shown_holds_no_secret(uri: str) -> None:
    password = "s@cr3t" if "%40" in uri else "s3cr3t"
    for shown in (
        without_credentials(uri),
        scrubbed(f"failed for user ada at {uri}: {password} is wrong", uri),
        str(address.sentence(uri, OSError(f"no route to {uri} ({password})"))),
    ):
        assert "cr3t" not in shown
        assert uri not in shown


def test_the_environment_s_password_and_token_are_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "s3cr3t")
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "t0k3n")
    assert scrubbed("s3cr3t t0k3n", "http://host") == "*** ***"


@pytest.mark.parametrize("uri", ["http://[::1", "http://host:port", "http://a:b@h:99999"])
def test_what_is_no_address_is_one_sentence(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(BenchError, match="MLFLOW_TRACKING_URI is not allowed") as caught:
        address.require_allowed()
    assert uri not in str(caught.value)


def test_a_new_password_tracks_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Snakemake stores of the address, to know when it changed."""
    shown = set()
    for password in ("one", "two"):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://ada:{password}@host")
        shown.add(address.shown_address())
    assert shown == {"http://host"}


def test_the_server_s_command_line_has_no_password(
    results: Results, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri, started = "postgresql://ada:s3cr3t@127.0.0.1:9/db", []

    class Started(Exception):
        pass

    def popen(command: list[str], **given: Any) -> None:
        started.append((command, given["env"]))
        raise Started

    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setattr(subprocess, "Popen", popen)
    with pytest.raises(Started), ui._server(results, "127.0.0.1", 5000):
        pass
    ((command, environment),) = started
    assert not any("s3cr3t" in word for word in command)
    assert environment["MLFLOW_BACKEND_STORE_URI"] == uri
    assert os.environ.get("MLFLOW_BACKEND_STORE_URI") != uri


def test_a_missing_driver_is_one_sentence() -> None:
    told = address.sentence("postgresql://h/db", ModuleNotFoundError("No module named 'psycopg2'"))
    assert "pip install -e '.[postgres]'" in str(told)


@pytest.mark.parametrize("uri", ["ftp://a:s3cr3t@h", "mlruns", "http:a:s3cr3t@h", "http://", "a@h"])
def test_an_address_mlflow_cannot_use_is_refused(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(BenchError, match="is not allowed; it must begin with http://") as caught:
        address.require_allowed()
    assert "s3cr3t" not in str(caught.value)


@pytest.mark.parametrize(
    "uri", ["http://h:5000", "https://u:p@h/x", "sqlite:///a.db", "postgresql:///db", "databricks"]
)
def test_an_address_mlflow_can_use_is_taken(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    address.require_allowed()
