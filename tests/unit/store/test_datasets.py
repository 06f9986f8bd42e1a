from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lstm_bench import tasks
from lstm_bench.errors import BenchError, DamagedFile
from lstm_bench.spec import Dataset
from lstm_bench.store.datasets import SPLITS, ensure_dataset, make_dataset, read_split
from lstm_bench.store.files import read_json, write_json
from tests.contract.contracts import length

TASKS = sorted(tasks.registry())


def dataset(task: str = "adding", T: int | None = None) -> Dataset:
    return Dataset(task, T or length(tasks.create(task)), {}, 40, 60)


@pytest.mark.parametrize("name", TASKS)
def test_a_split_comes_back_as_it_was_drawn(tmp_path: Path, name: str):
    make_dataset(tmp_path, dataset(name))
    task = tasks.create(name)
    T = length(task)
    for split, size in (("validation", 40), ("test", 60)):
        drawn = task.sample_split(tasks.generator(split, task, T), size, T, split)
        read = read_split(tmp_path, split, task)._asdict()
        for part, expected in drawn._asdict().items():
            np.testing.assert_array_equal(read[part], expected)
            assert expected is None or read[part].dtype == expected.dtype


def test_validation_and_test_share_no_sequence(tmp_path: Path):
    make_dataset(tmp_path, dataset())
    task = tasks.create("adding")
    rows = [{r.tobytes() for r in read_split(tmp_path, split, task).inputs} for split in SPLITS]
    assert [len(r) for r in rows] == [40, 60]
    assert not rows[0] & rows[1]


def test_the_same_dataset_gives_the_same_bytes(tmp_path: Path):
    make_dataset(tmp_path / "one", dataset())
    make_dataset(tmp_path / "two", dataset())
    for name in ("validation.npz", "test.npz", "manifest.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("name", TASKS)
def test_the_manifest_gives_the_floor_exact_and_as_measured_on_the_splits(
    tmp_path: Path, name: str
):
    manifest = make_dataset(tmp_path, dataset(name))
    task = tasks.create(name)
    assert read_json(tmp_path / "manifest.json") == manifest
    assert manifest["floor"] == task.chance_loss(length(task))
    for split in SPLITS:
        batch = read_split(tmp_path, split, task)
        measured = task.evaluate_loss(task.memoryless(batch), batch)
        assert manifest["measured_floor"][split] == measured


@pytest.mark.parametrize("share", [0.0, 0.4, 0.99])
@pytest.mark.parametrize("how", ["truncated", "flipped"])
@pytest.mark.parametrize("split", SPLITS)
def test_a_damaged_split_is_named_and_not_used(tmp_path: Path, split: str, how: str, share: float):
    make_dataset(tmp_path, dataset())
    path = tmp_path / f"{split}.npz"
    data = bytearray(path.read_bytes())
    place = int(share * len(data))
    if how == "flipped":
        data[place] ^= 1
    path.write_bytes(data if how == "flipped" else data[:place])
    with pytest.raises(DamagedFile) as refusal:
        read_split(tmp_path, split, tasks.create("adding"))
    assert str(path) in str(refusal.value)


def test_a_split_of_another_dataset_is_not_used(tmp_path: Path):
    make_dataset(tmp_path / "mine", dataset())
    make_dataset(tmp_path / "other", dataset(T=13))
    (tmp_path / "other" / "test.npz").rename(tmp_path / "mine" / "test.npz")
    with pytest.raises(DamagedFile, match="checksum"):
        read_split(tmp_path / "mine", "test", tasks.create("adding"))


@pytest.mark.parametrize("manifest", [{}, [], {"sha256": {}}, {"sha256": None}])
def test_a_manifest_that_says_nothing_of_the_split_is_damaged(tmp_path: Path, manifest):
    make_dataset(tmp_path, dataset())
    write_json(tmp_path / "manifest.json", manifest)
    with pytest.raises(DamagedFile, match=r"manifest\.json"):
        read_split(tmp_path, "test", tasks.create("adding"))


def test_a_dataset_without_manifest_is_missing(tmp_path: Path):
    with pytest.raises(DamagedFile, match="missing"):
        read_split(tmp_path, "test", tasks.create("adding"))


def test_a_dataset_that_is_there_is_left_as_it_is(tmp_path: Path):
    ensure_dataset(tmp_path, dataset())
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    ensure_dataset(tmp_path, dataset())
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_a_length_too_short_is_refused_before_anything_is_written(tmp_path: Path):
    with pytest.raises(BenchError, match="T=9"):
        make_dataset(tmp_path / "new", dataset("temporal_order", 9))
    assert not (tmp_path / "new").exists()
