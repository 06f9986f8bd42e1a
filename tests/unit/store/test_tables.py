from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from lstm_bench.errors import DamagedFile
from lstm_bench.store import tables
from lstm_bench.store.tables import read_about, read_table, write_table

ROWS = [
    {
        "condition": "adding-T50-lstm-w32",
        "seed": seed,
        "loss": 0.1 * seed,
        "solved": seed if seed % 2 else None,
        "nothing": None,
        "milestones": [{"name": "plateau", "update": seed}],
    }
    for seed in range(20)
]
ABOUT = {"code": "task 1 cell 1 engine 1 training 1", "condition": "adding-T50-lstm-w32"}


def written(folder: Path) -> Path:
    write_table(folder / "x.parquet", ROWS, ABOUT)
    return folder / "x.parquet"


def read(path: Path) -> tuple[list[dict], dict[str, str]]:
    return read_table(path).to_pylist(), read_about(path)


def test_rows_and_what_is_said_about_them_come_back(tmp_path: Path):
    assert read(written(tmp_path)) == (ROWS, ABOUT)


def test_nan_stays_nan_and_none_stays_none(tmp_path: Path):
    write_table(tmp_path / "x", [{"a": float("nan"), "b": None}, {"a": None, "b": 1.0}])
    first, second = read_table(tmp_path / "x").to_pylist()
    assert first["a"] != first["a"]
    assert (first["b"], second["a"], second["b"]) == (None, None, 1.0)


def test_the_same_rows_give_the_same_bytes(tmp_path: Path):
    one = written(tmp_path).read_bytes()
    write_table(tmp_path / "y", [dict(row) for row in ROWS], dict(ABOUT))
    assert (tmp_path / "y").read_bytes() == one


def test_every_truncation_is_noticed(tmp_path: Path):
    path = written(tmp_path)
    data = path.read_bytes()
    for size in range(0, len(data), 7):
        path.write_bytes(data[:size])
        with pytest.raises(DamagedFile) as refusal:
            read_table(path)
        assert str(path) in str(refusal.value)


def test_a_flipped_bit_in_the_values_is_noticed(tmp_path: Path):
    path = written(tmp_path)
    data = path.read_bytes()
    values = len(data) - 8 - int.from_bytes(data[-8:-4], "little")  # the footer ends the file
    noticed = 0
    for place in range(0, values, 3):
        noticed += flipped_is_noticed_or_harmless(path, data, place)
    assert noticed > 0.5 * values / 3


def test_a_flipped_bit_in_the_names_and_the_code_is_noticed(tmp_path: Path):
    path = written(tmp_path)
    data = path.read_bytes()
    footer = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    for place in range(footer, len(data), 2):
        flipped_is_noticed_or_harmless(path, data, place)


def flipped_is_noticed_or_harmless(path: Path, data: bytes, place: int) -> bool:
    """True when reading raises DamagedFile; otherwise all that is read must be as written."""
    flipped = bytearray(data)
    flipped[place] ^= 1 << (place % 8)
    path.write_bytes(flipped)
    try:
        found = read(path)
    except DamagedFile:
        return True
    assert found == (ROWS, ABOUT), f"a bit flipped at byte {place} changed the table in silence"
    return False


def test_arrow_is_given_no_python_file_to_read(tmp_path: Path, monkeypatch):
    """Arrow's threads release such a file late, and at exit that aborts the process (code 134)."""
    given, read_with_arrow = [], tables.pq.ParquetFile

    def noting(source, **options):
        given.append(source)
        return read_with_arrow(source, **options)

    monkeypatch.setattr(tables.pq, "ParquetFile", noting)
    assert read(written(tmp_path)) == (ROWS, ABOUT)
    assert given
    assert all(isinstance(source, pa.NativeFile | pa.Buffer) for source in given)


def test_a_missing_table_is_named(tmp_path: Path):
    with pytest.raises(DamagedFile, match=r"nothing\.parquet"):
        read_table(tmp_path / "nothing.parquet")


def test_a_table_without_anything_said_about_it_says_nothing(tmp_path: Path):
    write_table(tmp_path / "x", ROWS)
    assert read_about(tmp_path / "x") == {}
