"""An SQLite database on a network file system is refused in one sentence; nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from lstm_bench.errors import BenchError
from lstm_bench.tracking.disk import require_local_disk

TABLE = "disk / ext4 rw 0 0\nserver:/x /cluster lustre rw 0 0\n"


@pytest.fixture
def mounts(tmp_path: Path) -> Path:
    table = tmp_path / "mounts"
    table.write_text(TABLE)
    return table


@pytest.mark.parametrize("uri", ["sqlite:////cluster/me/results/mlflow.db", "sqlite:////cluster/x"])
def test_it_is_refused_with_the_kind_and_a_way_out(uri: str, mounts: Path) -> None:
    with pytest.raises(BenchError) as caught:
        require_local_disk(uri, mounts)
    assert str(caught.value).startswith(f"MLFLOW_TRACKING_URI: {uri} is not allowed")
    assert "(lustre)" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "uri", ["sqlite:////home/me/mlflow.db", "http://cluster:5000", "postgresql://u@h/cluster"]
)
def test_a_local_file_and_a_server_are_allowed(uri: str, mounts: Path) -> None:
    require_local_disk(uri, mounts)


def test_a_relative_path_is_that_of_the_current_folder(
    mounts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounts.write_text(
        f"disk / ext4 rw 0 0\nserver:/x {tmp_path.resolve()} nfs4 rw 0 0\n", encoding="utf-8"
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BenchError, match="nfs4"):
        require_local_disk("sqlite:///results/mlflow.db", mounts)
