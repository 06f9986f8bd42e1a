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
from lstm_bench.store.locks import not_locked
from lstm_bench.store.paths import REPORT, RESULTS, TABLE_FILES, Results
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
    """Delete a damaged file, with what one job makes with it and what was drawn from it.

    A dataset of the plan is drawn again at once: while a file of it is missing, Snakemake would
    train anew what was trained on it.
    """
    folder = path.parent.relative_to(results.root).as_posix()
    if plan is not None and folder in plan.datasets:
        make_dataset(path.parent, Dataset(**plan.datasets[folder]["spec"]))
        return
    path.unlink(missing_ok=True)
    if path.parent.name.startswith("seeds-"):
        shutil.rmtree(path.parent, ignore_errors=True)
        if plan is not None:
            _outdate(plan, results, {(path.parents[1].name, path.parent.name)})
    elif path.parent in (results.claims, results.experiment(path.parent.name)):
        shutil.rmtree(path.parent, ignore_errors=True)
        _forget_pages(results)
    elif path.parent.parent == results.probe("x", "x").parent.parent:
        shutil.rmtree(results.experiment(path.stem), ignore_errors=True)
        _forget_pages(results)


def _outdate(plan: Plan, results: Results, gone: set[tuple[str, str]]) -> None:
    """Delete what was drawn from these seed blocks: while it is there, Snakemake misses none."""
    for name in plan.experiments:
        if gone & set(plan.blocks([name])):
            shutil.rmtree(results.experiment(name), ignore_errors=True)
    for row, entry in plan.tables.items():
        if gone & {(arm["condition"], block) for arm in entry["arms"] for block in arm["blocks"]}:
            for ending in (*TABLE_FILES, ".sha256"):
                results.table(row, ending).unlink(missing_ok=True)
    _forget_pages(results)


def _forget_pages(results: Results) -> None:
    shutil.rmtree(results.claims, ignore_errors=True)
    for page in (results.root / REPORT, results.tables_page):
        page.unlink(missing_ok=True)


def forget(plan: Plan, results: Results, statuses: Iterable[str]) -> list[str]:
    """Delete the seed blocks of a plan in which a replicate ended so; returns what they are.

    Seed blocks trained by other code count as ended `stale`. What was drawn from them goes too.

    Raises BenchError for a block that is in training.
    """
    wanted, found = set(statuses), {}
    for condition, block in plan.every_block():
        ended = how_ended(plan, results, condition, block) & wanted
        if ended:
            _delete(results, condition, block)
            found[condition, block] = f"{condition} {block}: {', '.join(sorted(ended))}"
    if found:
        _outdate(plan, results, set(found))
    return list(found.values())


def how_ended(plan: Plan, results: Results, condition: str, block: str) -> set[str]:
    """How the replicates of a block ended; nothing where it is not finished."""
    file = results.block(condition, block) / "replicates.parquet"
    if not file.exists():
        return set()
    ended = {row["status"] for row in read_table(file).to_pylist()}
    other = read_about(file).get("code") != plan.conditions[condition]["code"]
    return ended | {STALE} if other else ended


def _delete(results: Results, condition: str, block: str) -> None:
    """Raises BenchError for a block that is in training."""
    state = results.checkpoint(condition, block)
    state.parent.mkdir(parents=True, exist_ok=True)
    lock = state.with_suffix(".lock")
    held = FileLock(lock, timeout=0)
    try:
        held.acquire()
    except Timeout:
        raise BenchError(f"{condition} {block} is in training; stop the sweep first.") from None
    except OSError as error:
        raise not_locked(lock, error) from error
    with held:
        shutil.rmtree(results.block(condition, block))
        shutil.rmtree(state, ignore_errors=True)
        lock.unlink(missing_ok=True)
    held.release()
