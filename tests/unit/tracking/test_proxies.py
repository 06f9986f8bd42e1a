"""Proxies in the shell: never asked for this machine, named where they stand in the way."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
import requests

from lstm_bench.errors import BenchError
from lstm_bench.tracking import address
from lstm_bench.tracking.proxies import proxy_of, spare_loopback

NAMES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
DEAD = "http://ada:s3cr3t@127.0.0.1:9"


class Answers(BaseHTTPRequestHandler):
    """An MLflow server's first words."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def server() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Answers) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield listening.server_port
        listening.shutdown()


@pytest.fixture(autouse=True)
def shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*NAMES, *(name.upper() for name in NAMES)):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy"])
def test_this_machine_is_asked_without_a_proxy(
    server: int, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, DEAD)
    monkeypatch.setenv("NO_PROXY", "intranet")
    for host in ("127.0.0.1", "localhost"):
        address.require_answer(f"http://{host}:{server}")
        assert requests.get(f"http://{host}:{server}", timeout=5).ok  # MLflow's client
        assert proxy_of(f"http://{host}:{server}") == ""
    assert proxy_of("http://intranet:5000") == ""
    assert proxy_of("http://example.org:5000") == "http://127.0.0.1:9"


def test_a_server_elsewhere_is_asked_as_the_shell_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", DEAD)
    with pytest.raises(BenchError) as caught:
        address.require_answer("http://mlflow.example.org:5000")
    told = str(caught.value)
    assert "through the proxy http://127.0.0.1:9" in told
    assert "put mlflow.example.org into NO_PROXY" in told
    assert "s3cr3t" not in told
    assert "\n" not in told


def test_sparing_this_machine_twice_is_sparing_it_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "intranet")
    for uri in ("http://[::1]:5000", "http://[::1]:5000", "http://host", "sqlite:///a.db"):
        spare_loopback(uri)
    assert os.environ["no_proxy"] == "intranet,::1"
