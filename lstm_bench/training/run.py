"""One seed block from its seeds to its files: resume, train, test, write."""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from filelock import FileLock

from lstm_bench import cells, engine, tasks, training
from lstm_bench.engine.fused import library
from lstm_bench.engine.runtime import pinned, resolve_device
from lstm_bench.environment import checkpoint_seconds
from lstm_bench.errors import BenchError, DamagedFile
from lstm_bench.registry import code_version
from lstm_bench.spec import Condition, SeedBlock
from lstm_bench.store import salvage
from lstm_bench.store.locks import not_locked
from lstm_bench.store.paths import BLOCK_FILES, Results
from lstm_bench.store.tables import read_about
from lstm_bench.training import checkpoint, curriculum
from lstm_bench.training.model import ReplicateBatch
from lstm_bench.training.outcome import now, write_failure, write_outcome
from lstm_bench.training.reporting import Reporter


class Interrupted(Exception):
    """SIGTERM or Ctrl-C arrived; the state is on disk and the training can go on."""


class OutOfTime(Exception):
    """The condition's time is up."""


def code_identity(condition: Condition) -> str:
    """Versions of everything that decides a condition's numbers; part of the workflow's params."""
    task = tasks.find(condition.task)
    cell = cells.named(condition.cell)
    return (
        f"task {code_version(task)} cell {code_version(cell)} "
        f"engine {engine.VERSION} training {training.VERSION}"
    )


def is_finished(folder: Path, condition: Condition, code: str) -> bool:
    """Whether a whole result of this very training lies there (an orphaned job's, say)."""
    if not all((folder / name).exists() for name in BLOCK_FILES):
        return False
    try:
        return read_about(folder / "replicates.parquet") == {
            "code": code,
            "condition": condition.id,
        }
    except DamagedFile:
        return False


def train_block(
    condition: Condition,
    block: SeedBlock,
    results: Results,
    *,
    device: str = "auto",
    backend: str = "auto",
    timeout: float | None = None,
    interrupted: Callable[[], bool] = lambda: False,
) -> Path:
    """Train a seed block to its end and write its files; returns their folder.

    Out of memory, a time-out and any fault of the training itself become rows of the table.
    Raises Interrupted when `interrupted` says so, and BenchError for bad input and for a disk or a
    machine that refuses: that is no result, and another attempt may find room.

    What the process has set of torch and numpy is put aside meanwhile (`engine.runtime.pinned`).
    """
    with pinned():
        return _train_block(condition, block, results, device, backend, timeout, interrupted)


def _train_block(
    condition: Condition,
    block: SeedBlock,
    results: Results,
    device: str,
    backend: str,
    timeout: float | None,
    interrupted: Callable[[], bool],
) -> Path:
    where, code = resolve_device(device), code_identity(condition)
    folder, state = results.block(condition, block), results.checkpoint(condition, block)
    with _alone(state):
        if is_finished(folder, condition, code):
            checkpoint.forget(state)
            return folder
        if is_finished(state, condition, code):
            salvage.take_back(state, folder)
            return folder
        started = now()
        try:
            # of a length before it, trained here unless it lies there
            shorter = curriculum.before(condition)
            options = (results, device, backend, timeout, interrupted)
            starts = shorter and curriculum.starts(_train_block(shorter, block, *options))
            model = ReplicateBatch.create(condition, block, where, backend, starts or ())
            started = checkpoint.resume(state, model, code) or started
            scores = _train(model, results, code, started, timeout, interrupted)
        except (Interrupted, BenchError):
            raise
        except Exception as error:
            if _is_of_the_machine(error):
                raise BenchError(f"{condition.id} {block.name} cannot go on: {error}.") from error
            traceback.print_exc()
            memory = isinstance(error, MemoryError | torch.OutOfMemoryError) or (
                "not enough memory" in str(error) or "alloc" in str(error)
            )
            reason = "out_of_memory" if memory else f"{type(error).__name__}: {error}"[:200]
            write_failure(folder, condition, block, reason, code, started)
        else:
            write_outcome(folder, model, scores, code, started)
        if salvage.wanted():
            salvage.set_aside(folder, state)
            checkpoint.forget(state)
            return folder
        checkpoint.remove(state)
    return folder


def _is_of_the_machine(error: Exception) -> bool:
    """Whether the place is at fault and not the training: the same attempt may succeed elsewhere.

    An accelerator that is lost, a library that does not load, a thread that may not be started.
    """
    place = (OSError, ImportError, library.Unavailable, torch.AcceleratorError)
    return isinstance(error, place) or "can't start new thread" in str(error)


@contextlib.contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Hold a block's lock, and leave no lock file behind a block that is finished."""
    lock, place = FileLock(state.with_suffix(".lock")), state.parent.parent
    try:
        place.mkdir(parents=True, exist_ok=True)  # nobody takes this one along
    except OSError as error:
        raise BenchError(f"{place} cannot be written: {error.strerror or error}.") from error
    while not lock.is_locked:
        try:
            state.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except FileNotFoundError:  # who held it has finished, and taken the folder along
            continue
        except OSError as error:
            raise not_locked(lock.lock_file, error) from error
    try:
        yield
        # while it is held: who waits for it finds the file gone and makes another
        Path(lock.lock_file).unlink(missing_ok=True)
        for folder in (state, state.parent):
            with contextlib.suppress(OSError):  # something else is in it
                folder.rmdir()
    finally:
        lock.release()


def _train(
    model: ReplicateBatch,
    results: Results,
    code: str,
    started: str,
    timeout: float | None,
    interrupted: Callable[[], bool],
) -> tuple[list[float], list[float]]:
    """Train to the end; returns losses and scores on the test sequences."""
    state = results.checkpoint(model.condition, model.block)
    reporter, last_saved, every = Reporter(model), time.monotonic(), checkpoint_seconds()

    def after_update(_: ReplicateBatch) -> None:
        nonlocal last_saved
        reporter(model)
        stop = interrupted()
        if stop or time.monotonic() - last_saved > every:
            checkpoint.save(state, model, code, started)
            last_saved = time.monotonic()
        if stop:
            raise Interrupted
        if timeout is not None and model.seconds > timeout:
            raise OutOfTime

    try:
        model.train(after_update=after_update)
    except OutOfTime:
        model.abandon("timeout", f"{timeout:g} s")
    reporter.close(model)
    return model.tested()
