from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from lstm_bench.errors import DamagedFile
from lstm_bench.store.checksums import (
    read_checked,
    read_checked_json,
    write_checked,
    write_checked_json,
)


def test_what_was_written_is_read_and_what_was_changed_is_named(tmp_path: Path) -> None:
    write_checked(tmp_path / "tables.sha256", {"table.csv": b"a,b\n1,2\n", "x.json": b"{}"})
    assert read_checked(tmp_path / "table.csv") == b"a,b\n1,2\n"
    (tmp_path / "table.csv").write_bytes(b"a,b\n1,3\n")
    with pytest.raises(DamagedFile, match=r"table.csv is damaged .*tables.sha256"):
        read_checked(tmp_path / "table.csv")
    assert read_checked_json(tmp_path / "x.json") == {}


def test_the_seal_is_written_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(
        "lstm_bench.store.checksums.write_bytes", lambda path, _: written.append(path.name)
    )
    write_checked(tmp_path / "tables.sha256", {"a": b"", "b": b""})
    assert written == ["a", "b", "tables.sha256"]


def test_a_file_without_a_sum_is_taken_as_it_is_and_a_missing_one_named(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_bytes(b"x\n")
    (tmp_path / "noise.sha256").write_bytes(b"\xff\x00 no sum\n")
    assert read_checked(tmp_path / "old.csv") == b"x\n"
    with pytest.raises(DamagedFile, match=r"new.csv is missing"):
        read_checked(tmp_path / "new.csv")


def test_json_that_is_none_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_bytes(b"[" * 100_000)
    with pytest.raises(DamagedFile, match=r"x.json is damaged"):
        read_checked_json(tmp_path / "x.json")


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="no sha256sum here")
def test_sha256sum_reads_the_seal(tmp_path: Path) -> None:
    write_checked_json(tmp_path / "plan.json", {"a": 1})
    check = ["sha256sum", "--check", "--strict", "plan.sha256"]
    assert subprocess.run(check, cwd=tmp_path, capture_output=True).returncode == 0
