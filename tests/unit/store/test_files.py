from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from lstm_bench.errors import BenchError, DamagedFile
from lstm_bench.store import files

ARRAYS = {"inputs": np.arange(60, dtype=np.float32).reshape(4, 15), "mask": np.ones((4, 15))}


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writing_makes_the_folders_and_replaces_what_was_there(tmp_path: Path):
    path = tmp_path / "a" / "b" / "file"
    files.write_bytes(path, b"old")
    files.write_bytes(path, b"new")
    assert path.read_bytes() == b"new"
    assert names_in(path.parent) == ["file"]
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("step", ["replace", "fsync"])
def test_a_write_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path, monkeypatch, step):
    path = tmp_path / "file"
    files.write_bytes(path, b"old")

    def refuse(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, refuse)
    with pytest.raises(BenchError, match="No space left on device") as refusal:
        files.write_bytes(path, b"new")
    monkeypatch.undo()
    assert str(path) in str(refusal.value)
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["file"]


def test_a_file_system_that_cannot_sync_a_folder_keeps_the_file(tmp_path: Path, monkeypatch):
    sync = os.fsync

    def only_files(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", only_files)
    files.write_bytes(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"


def test_an_interrupt_while_writing_is_passed_on_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch
):
    path = tmp_path / "file"
    files.write_bytes(path, b"old")

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        files.write_bytes(path, b"new")
    monkeypatch.undo()
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["file"]


def test_the_file_is_whole_under_its_name_before_it_has_its_name(tmp_path: Path, monkeypatch):
    seen: list[bytes] = []
    replace = os.replace

    def watch(source, target):
        seen.append(Path(source).read_bytes())
        assert not Path(target).exists()
        assert Path(source).parent == Path(target).parent, "a rename across disks is not atomic"
        replace(source, target)

    monkeypatch.setattr(os, "replace", watch)
    files.write_bytes(tmp_path / "file", b"x" * 100_000)
    assert seen == [b"x" * 100_000]


def test_a_place_that_cannot_be_written_is_one_sentence(tmp_path: Path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(BenchError, match="cannot be written") as refusal:
        files.write_bytes(tmp_path / "file" / "below", b"data")
    assert str(tmp_path / "file" / "below") in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_json_is_read_back_and_nan_is_refused(tmp_path: Path):
    value = {"b": [1, 0.1, None], "a": "σ"}
    files.write_json(tmp_path / "x.json", value)
    assert files.read_json(tmp_path / "x.json") == value
    with pytest.raises(ValueError, match="JSON"):
        files.write_json(tmp_path / "x.json", {"a": float("nan")})
    assert files.read_json(tmp_path / "x.json") == value


@pytest.mark.parametrize("data", [b"", b'{"a": 1', b"\xff\xfe\x00", b"{'a': 1}"])
def test_json_that_is_damaged_is_named(tmp_path: Path, data: bytes):
    path = tmp_path / "x.json"
    path.write_bytes(data)
    with pytest.raises(DamagedFile) as refusal:
        files.read_json(path)
    assert str(path) in str(refusal.value)


def test_json_that_is_missing_is_named(tmp_path: Path):
    with pytest.raises(DamagedFile, match="missing"):
        files.read_json(tmp_path / "x.json")


def test_the_same_arrays_give_the_same_bytes_and_come_back(tmp_path: Path):
    data = files.npz_bytes(ARRAYS)
    assert data == files.npz_bytes({name: value.copy() for name, value in ARRAYS.items()})
    files.write_bytes(tmp_path / "x.npz", data)
    back = files.read_npz(tmp_path / "x.npz", files.sha256(data))
    assert back.keys() == ARRAYS.keys()
    for name, value in ARRAYS.items():
        np.testing.assert_array_equal(back[name], value)
        assert back[name].dtype == value.dtype


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.8, 0.9999])
@pytest.mark.parametrize("how", ["truncated", "flipped"])
def test_arrays_that_are_damaged_anywhere_are_named(tmp_path: Path, how: str, share: float):
    path, data = tmp_path / "x.npz", bytearray(files.npz_bytes(ARRAYS))
    digest, place = files.sha256(bytes(data)), int(share * len(data))
    if how == "flipped":
        data[place] ^= 0x10
    path.write_bytes(data if how == "flipped" else data[:place])
    with pytest.raises(DamagedFile) as refusal:
        files.read_npz(path, digest)
    assert str(path) in str(refusal.value)


def test_arrays_that_are_missing_are_named(tmp_path: Path):
    with pytest.raises(DamagedFile, match=r"x\.npz"):
        files.read_npz(tmp_path / "x.npz", "")


def test_json_is_the_same_text_for_the_same_value_in_any_order(tmp_path: Path):
    files.write_json(tmp_path / "one", {"a": 1, "b": 2})
    files.write_json(tmp_path / "two", {"b": 2, "a": 1})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert json.loads((tmp_path / "one").read_text()) == {"a": 1, "b": 2}


@pytest.mark.parametrize(("umask", "mode"), [(0o077, 0o600), (0o002, 0o664), (0o022, 0o644)])
def test_a_file_has_the_mode_that_the_umask_leaves(umask: int, mode: int, tmp_path: Path):
    had = os.umask(umask)
    try:
        files.write_bytes(tmp_path / "file", b"")
    finally:
        os.umask(had)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == mode
