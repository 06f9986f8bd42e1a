"""Held-out sequences on disk: validation and test, with a manifest that checksums them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lstm_bench.registry import code_version
from lstm_bench.spec import Dataset
from lstm_bench.store.files import (
    damaged,
    npz_bytes,
    read_json,
    read_npz,
    sha256,
    write_bytes,
    write_json,
)
from lstm_bench.tasks import Batch, Task, create, generator

SPLITS = ("validation", "test")


def make_dataset(folder: Path, dataset: Dataset) -> dict[str, object]:
    """Draw, write and checksum the splits of a dataset; returns the manifest."""
    task = create(dataset.task, dataset.task_options)
    task.require(dataset.T)
    sizes = {"validation": dataset.validation_size, "test": dataset.test_size}
    sums, measured = {}, {}
    for split in SPLITS:
        rng = generator(split, task, dataset.T)
        batch = task.sample_split(rng, sizes[split], dataset.T, split)
        data = npz_bytes({k: v for k, v in batch._asdict().items() if v is not None})
        write_bytes(folder / f"{split}.npz", data)
        sums[split] = sha256(data)
        measured[split] = task.evaluate_loss(task.memoryless(batch), batch)
    manifest: dict[str, object] = {
        "task": dataset.task,
        "task_options": dict(dataset.task_options),
        "T": dataset.T,
        "steps": task.steps(dataset.T),
        "sizes": sizes,
        "sha256": sums,
        "floor": float(task.chance_loss(dataset.T)),
        "measured_floor": measured,
        "code": code_version(type(task)),
    }
    write_json(folder / "manifest.json", manifest)
    return manifest


def read_split(folder: Path, split: str, task: Task) -> Batch:
    """A split, checked against the manifest. Raises DamagedFile."""
    arrays = read_arrays(folder, split)
    return Batch(**{name: np.asarray(arrays[name]) for name in Batch._fields if name in arrays})


def read_arrays(folder: Path, split: str) -> dict[str, np.ndarray]:
    """The arrays of a split, checked against the manifest. Raises DamagedFile."""
    manifest = read_json(folder / "manifest.json")
    try:
        checksum = manifest["sha256"][split]
    except (KeyError, TypeError) as error:
        raise damaged(folder / "manifest.json", error) from error
    return read_npz(folder / f"{split}.npz", checksum)


def ensure_dataset(folder: Path, dataset: Dataset) -> None:
    """Make the dataset unless it is there, of this code: for trainings outside the workflow."""
    task = create(dataset.task, dataset.task_options)
    manifest = folder / "manifest.json"
    if not manifest.exists() or read_json(manifest).get("code") != code_version(type(task)):
        make_dataset(folder, dataset)
