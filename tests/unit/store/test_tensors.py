from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lstm_bench.errors import DamagedFile
from lstm_bench.store.tensors import load_tensors, save_tensors

TENSORS = {
    "W": np.arange(6, dtype=np.float32).reshape(2, 3),
    "empty": np.zeros((0, 3), dtype=np.float32),
    "steps": np.array([1, -2], dtype=np.int64),
}
ABOUT = {"seeds": [0, 1], "code": "task 1", "nested": {"rate": 0.1, "none": None}}


def saved(folder: Path) -> Path:
    save_tensors(folder / "x.safetensors", TENSORS, ABOUT)
    return folder / "x.safetensors"


def test_tensors_and_what_is_said_about_them_come_back(tmp_path: Path):
    tensors, about = load_tensors(saved(tmp_path))
    assert about == ABOUT
    assert tensors.keys() == TENSORS.keys()
    for name, value in TENSORS.items():
        np.testing.assert_array_equal(tensors[name], value)
        assert tensors[name].dtype == value.dtype


def test_a_transposed_array_is_saved_as_it_reads(tmp_path: Path):
    save_tensors(tmp_path / "x", {"W": TENSORS["W"].T}, {})
    np.testing.assert_array_equal(load_tensors(tmp_path / "x")[0]["W"], TENSORS["W"].T)


def test_the_checksum_covers_names_numbers_shapes_and_text(tmp_path: Path):
    given = [
        (TENSORS, ABOUT),
        ({**TENSORS, "W": TENSORS["W"] + 1}, ABOUT),
        ({**TENSORS, "W": TENSORS["W"].reshape(3, 2)}, ABOUT),
        ({**TENSORS, "more": np.zeros(1)}, ABOUT),
        (TENSORS, {**ABOUT, "code": "task 2"}),
    ]
    checksums = [save_tensors(tmp_path / "x", tensors, about) for tensors, about in given]
    assert len(set(checksums)) == len(given)
    assert save_tensors(tmp_path / "x", dict(reversed(TENSORS.items())), ABOUT) == checksums[0]


def test_every_truncation_is_noticed(tmp_path: Path):
    path = saved(tmp_path)
    data = path.read_bytes()
    for size in range(len(data)):
        path.write_bytes(data[:size])
        with pytest.raises(DamagedFile, match=r"x\.safetensors"):
            load_tensors(path)


def test_every_flipped_bit_is_noticed(tmp_path: Path):
    path = saved(tmp_path)
    data = path.read_bytes()
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= 1 << (place % 8)
        path.write_bytes(flipped)
        with pytest.raises(DamagedFile) as refusal:
            load_tensors(path)
        assert str(path) in str(refusal.value)


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(DamagedFile, match=r"nothing\.safetensors"):
        load_tensors(tmp_path / "nothing.safetensors")


def test_the_same_tensors_give_the_same_bytes_in_every_process(tmp_path: Path):
    code = "import sys; from pathlib import Path; import numpy as np; "
    code += "from lstm_bench.store.tensors import save_tensors; "
    code += "save_tensors(Path(sys.argv[1]), {'W': np.ones(3)}, {'code': 'task 1', 'seeds': [0]})"
    contents = set()
    for i in range(5):
        path = tmp_path / str(i)
        subprocess.run([sys.executable, "-c", code, str(path)], check=True)
        contents.add(path.read_bytes())
    assert len(contents) == 1, "the order of the header differs between processes"
