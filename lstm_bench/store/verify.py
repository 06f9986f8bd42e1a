"""Reading back everything that is stored, and forgetting what should be made again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from lstm_bench.errors import BenchError, DamagedFile
from lstm_bench.store import adaptive, paths
from lstm_bench.store.checksums import checksums_of, read_checked, sums
from lstm_bench.store.conditions import read_condition
from lstm_bench.store.locks import not_locked
from lstm_bench.store.paths import BLOCK, BLOCK_FILES, CHECKPOINT, EXPERIMENT_FILES, STATE, Results
from lstm_bench.store.plans import Plan
from lstm_bench.store.signatures import drawn_otherwise
from lstm_bench.store.tables import read_about, read_table
from lstm_bench.store.tensors import load_tensors

STALE = "stale"  # trained by other code than the present
TABLES = (*(f"{BLOCK}/{name}" for name in BLOCK_FILES if name.endswith(".parquet")), paths.PROBE)
MODEL = "model.safetensors"
WEIGHTS = (f"{BLOCK}/{MODEL}", f"{CHECKPOINT}/{MODEL}", f"{CHECKPOINT}/{STATE}")
SEALS = (
    *(
        template.replace(".json", ".sha256")
        for template in (paths.PLAN, paths.ESTIMATE, paths.LADDER, paths.SEARCH)
    ),
    *(f"{paths.EXPERIMENT}/{name}" for name in paths.EXPERIMENT_CHECKSUMS),
    *(f"{paths.CLAIMS}/{name}" for name in paths.CLAIM_CHECKSUMS),
    f"{paths.TABLE}.sha256",
)
FINAL = ("solved", "unsolved", "diverged", "timeout", "error", STALE)


def verify(results: Results) -> Iterator[tuple[Path, DamagedFile | None]]:
    """Every stored file that carries a checksum, and what is wrong with it."""
    for path in results.matching(f"{paths.RUN}/condition.json"):
        yield path, _fault(read_condition, results, path.parent.name)
    for path in _matching(results, TABLES):
        yield path, _fault(read_table, path)
    for path in _matching(results, WEIGHTS):
        yield path, _fault(load_tensors, path)
    for checksum_file in _matching(results, SEALS):
        for path in (checksum_file.parent / name for name in sums(checksum_file)):
            if checksum_file in checksums_of(path):
                yield path, _fault(read_checked, path)


def _matching(results: Results, templates: Iterable[str]) -> list[Path]:
    return sorted(path for template in templates for path in results.matching(template))


def _fault(read: Callable[..., Any], *arguments: Any) -> DamagedFile | None:
    try:
        read(*arguments)
    except DamagedFile as error:
        return error
    return None


def remove(path: Path, results: Results, plan: Plan | None = None) -> None:
    """Delete a damaged file, with what one job makes with it and what was drawn from it."""
    path.unlink(missing_ok=True)
    if path.parent.name.startswith("seeds-"):
        _clear(path.parent, (*BLOCK_FILES, STATE))
        if plan is not None:
            _outdate(plan, results, {(path.parents[1].name, path.parent.name)})
    elif path.parent == results.claims:
        _forget_pages(results)
    elif path.parent == results.experiment(path.parent.name):
        _clear(path.parent, (*EXPERIMENT_FILES, paths.DRAWN_BY))
        _forget_pages(results)
    elif path.parent.parent == results.probe("x", "x", "0").parent.parent:
        _clear(
            results.experiment(path.stem.rpartition("-")[0]), (*EXPERIMENT_FILES, paths.DRAWN_BY)
        )
        _forget_pages(results)
    else:
        path.with_suffix(".sha256").unlink(missing_ok=True)  # or it would be missed from now on


def _clear(folder: Path, names: Iterable[str]) -> None:
    """Delete these files of a folder, and the folder where nobody else keeps one in it."""
    for name in names:
        (folder / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()


def _outdate(plan: Plan, results: Results, gone: set[tuple[str, str]]) -> None:
    """Delete what was drawn from these seed blocks: while it is there, Snakemake misses none."""
    for name in plan.experiments:
        if gone & set(plan.blocks([name])):
            _clear(results.experiment(name), (*EXPERIMENT_FILES, paths.DRAWN_BY))
    for ladder in {plan.ladder_of[pair] for pair in gone if pair in plan.ladder_of}:
        adaptive.forget(results.ladder(ladder))
    for row, entry in plan.tables.items():
        if gone & set(entry.runs):
            for ending in (*paths.TABLE_FILES, ".sha256"):
                results.table(row, ending).unlink(missing_ok=True)
    _forget_pages(results)


def _forget_pages(results: Results) -> None:
    _clear(results.claims, (*paths.CLAIM_FILES, *paths.CLAIM_CHECKSUMS))
    for page in (results.root / paths.REPORT, results.tables_page):
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
    drawn = drawn_otherwise(plan, results) if STALE in wanted else []
    for name in drawn:
        _clear(results.experiment(name), (*EXPERIMENT_FILES, paths.DRAWN_BY))
        _forget_pages(results)
    return [*found.values(), *(f"{name}: tables of another config or code" for name in drawn)]


def how_ended(plan: Plan, results: Results, condition: str, block: str) -> set[str]:
    """How the replicates of a block ended; nothing where it is not finished.

    One that solved its task and diverged after it, in a budget it had to use up, ended in both.
    """
    file = results.block(condition, block) / "replicates.parquet"
    if not file.exists():
        return set()
    rows = read_table(file).to_pylist()
    ended = {row["status"] for row in rows} | {row["reason"].removeprefix("then ") for row in rows}
    other = read_about(file).get("code") != plan.conditions[condition].code
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
        _clear(results.block(condition, block), BLOCK_FILES)
        _clear(state, (*BLOCK_FILES, STATE))
        lock.unlink(missing_ok=True)
    held.release()
