"""The files of a finished seed block, kept a second time where Snakemake deletes nothing.

A cluster's job runs many blocks. When one of them fails, Snakemake takes the whole job for failed:
the next attempt deletes what the others wrote and runs them all again. So that no finished block
is trained twice, its files are linked beside its checkpoint, and the next attempt takes them back.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from lstm_bench.store.paths import BLOCK_FILES, CHECKPOINT, Results

VARIABLE = "LSTM_BENCH_SET_ASIDE"  # set where several blocks share a job


def wanted() -> bool:
    """Whether this process runs in a job that other blocks may take with them."""
    return bool(os.environ.get(VARIABLE))


def set_aside(folder: Path, kept: Path) -> None:
    """Link the files of a finished block into `kept`: no bytes are copied where links can be."""
    _link(folder, kept)


def take_back(kept: Path, folder: Path) -> None:
    """Link them into the folder of the block again; the file that says it is whole comes last."""
    _link(kept, folder)


def _link(source: Path, target: Path) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for name in sorted(BLOCK_FILES, key=lambda name: name == "replicates.parquet"):
        beside = target / f".{name}.link"
        beside.unlink(missing_ok=True)
        try:
            os.link(source / name, beside)
        except OSError:  # some network file systems have no links between folders
            shutil.copy2(source / name, beside)
        beside.replace(target / name)


def clear(results: Results) -> None:
    """Forget what was set aside, once every job is over; checkpoints under way are kept."""
    for found in results.matching(f"{CHECKPOINT}/replicates.parquet"):
        for name in BLOCK_FILES:
            (found.parent / name).unlink(missing_ok=True)
        for folder in (found.parent, found.parent.parent):
            with contextlib.suppress(OSError):  # a checkpoint or a lock is still there
                folder.rmdir()
