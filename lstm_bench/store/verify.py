"""Reading back everything that is stored, and forgetting what should be made again."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from lstm_bench.errors import BenchError, DamagedFile
from lstm_bench.spec import Dataset
from lstm_bench.store.conditions import read_condition
from lstm_bench.store.datasets import SPLITS, make_dataset, read_arrays
from lstm_bench.store.paths import RESULTS, Results
from lstm_bench.store.plans import Plan
from lstm_bench.store.seals import read_sealed, sums
from lstm_bench.store.tables import read_about, read_table
from lstm_bench.store.tensors import load_tensors

STALE = "stale"  # trained by other code than the present
FINAL = ("solved", "unsolved", "diverged", "timeout", "error", STALE)


def verify(results: Results) -> Iterator[tuple[Path, DamagedFile | None]]:
    """Every stored file that carries a checksum, and what is wrong with it."""
    root = results.root / RESULTS
    for manifest in sorted(root.glob("datasets/*/*/*/manifest.json")):
        for split in SPLITS:
            path = manifest.parent / f"{split}.npz"
            yield path, _fault(read_arrays, manifest.parent, split)
    for path in sorted(root.glob("runs/*/condition.json")):
        yield path, _fault(read_condition, results, path.parent.name)
    for path in sorted([*root.glob("runs/*/*/*.parquet"), *root.glob("probes/*/*.parquet")]):
        yield path, _fault(read_table, path)
    for path in sorted(root.rglob("*.safetensors")):
        yield path, _fault(load_tensors, path)
    for seal in sorted(root.rglob("*.sha256")):
        for name in sums(seal):
            yield seal.parent / name, _fault(read_sealed, seal.parent / name)


def _fault(read: Callable[..., Any], *arguments: Any) -> DamagedFile | None:
    try:
        read(*arguments)
    except DamagedFile as error:
        return error
    return None


def remove(path: Path, results: Results, plan: Plan | None = None) -> None:
    """Delete a damaged file; of a seed block all of it, since one training makes it.

    A dataset of the plan is drawn again at once: while a file of it is missing, Snakemake would
    train anew what was trained on it.
    """
    folder = path.parent.relative_to(results.root).as_posix()
    if plan is not None and folder in plan.datasets:
        make_dataset(path.parent, Dataset(**plan.datasets[folder]["spec"]))
        return
    if path.parent.name.startswith("seeds-"):
        shutil.rmtree(path.parent, ignore_errors=True)
    path.unlink(missing_ok=True)


def forget(plan: Plan, results: Results, statuses: Iterable[str]) -> list[str]:
    """Delete the seed blocks of a plan in which a replicate ended so; returns what they are.

    Seed blocks trained by other code count as ended `stale`.

    Raises BenchError for a block that is in training.
    """
    wanted, found = set(statuses), []
    for condition, block in plan.every_block():
        folder = results.block(condition, block)
        file = folder / "replicates.parquet"
        if not file.exists():
            continue
        ended = {row["status"] for row in read_table(file).to_pylist()}
        if read_about(file).get("code") != plan.conditions[condition]["code"]:
            ended.add(STALE)
        if not ended & wanted:
            continue
        state = results.checkpoint(condition, block)
        state.parent.mkdir(parents=True, exist_ok=True)
        lock = state.with_suffix(".lock")
        try:
            with FileLock(lock, timeout=0):
                shutil.rmtree(folder)
                shutil.rmtree(state, ignore_errors=True)
                lock.unlink(missing_ok=True)
        except Timeout:
            raise BenchError(f"{condition} {block} is in training; stop the sweep first.") from None
        found.append(f"{condition} {block}: {', '.join(sorted(ended & wanted))}")
    return found
