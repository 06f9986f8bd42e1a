"""The real program, killed and interrupted: what is on disk afterwards is what would have been."""

from __future__ import annotations

import datetime
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from lstm_bench.spec import Condition, SeedBlock, Training
from lstm_bench.store.paths import BLOCK_FILES, Results
from lstm_bench.store.tables import read_table

REPOSITORY = Path(__file__).parents[3]
RESUMABLE = 75
BLOCK = SeedBlock(0, 1)
PATIENCE = 60.0  # seconds before a test gives up on another process
SLOW = Condition(  # about a second and a half on one core, and never solved
    "adding",
    200,
    "lstm",
    32,
    training=Training(
        updates=240,
        evaluate_every=20,
        learning_rate=1e-5,
        futility_after=2.0,
        validation_size=64,
        test_size=64,
    ),
)
SAME = [name for name in BLOCK_FILES if name != "timing.parquet"]


class Job:
    """One `python -m lstm_bench.jobs.job` in a folder of its own."""

    def __init__(self, folder: Path, *options: str, condition: Condition = SLOW) -> None:
        self.log = folder / f"job-{time.monotonic_ns()}.log"
        command = [sys.executable, "-m", "lstm_bench.jobs.job", "--device", "cpu"]
        command += ["--condition", json.dumps(condition.to_json()), "--block", BLOCK.name]
        path = f"{REPOSITORY}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*command, *options],
                cwd=folder,
                stderr=log,
                stdout=log,
                env={**os.environ, "PYTHONPATH": path},
            )

    def wait(self) -> int:
        return self.process.wait(PATIENCE)

    def until_training(self) -> Job:
        """Wait for the first line of the training's log, and then for some updates."""
        until(lambda: b"2 training" in self.log.read_bytes())
        assert self.process.poll() is None, self.log.read_text()
        time.sleep(0.1)
        return self

    def child(self) -> int:
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
        assert len(children) == 1
        return int(children[0])


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)


def run(folder: Path, *options: str, condition: Condition = SLOW) -> Job:
    job = Job(folder, *options, condition=condition)
    assert job.wait() == 0, job.log.read_text()
    return job


def contents(folder: Path, names: list[str] = SAME) -> dict[str, bytes]:
    block = Results(folder).block(SLOW, BLOCK)
    return {name: (block / name).read_bytes() for name in names}


def rows(folder: Path) -> list[dict]:
    return read_table(Results(folder).block(SLOW, BLOCK) / "replicates.parquet").to_pylist()


def checkpoint_file(folder: Path) -> Path:
    return Results(folder).checkpoint(SLOW, BLOCK) / "state.safetensors"


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("uninterrupted")
    run(folder)
    return folder


def test_an_uninterrupted_job_leaves_a_row_a_seed_and_no_checkpoint(uninterrupted: Path):
    found = rows(uninterrupted)
    assert [(r["seed"], r["status"], r["reason"]) for r in found] == [
        (0, "unsolved", "budget"),
        (1, "unsolved", "budget"),
    ]
    assert all(r["updates"] == SLOW.training.updates and r["test_loss"] > 0 for r in found)
    assert not checkpoint_file(uninterrupted).exists()
    assert not list((uninterrupted / "results/checkpoints").iterdir()), "a lock is left behind"


def test_a_finished_job_is_not_done_again(uninterrupted: Path):
    before = contents(uninterrupted, list(BLOCK_FILES))
    again = run(uninterrupted)
    assert "training" not in again.log.read_text()
    assert contents(uninterrupted, list(BLOCK_FILES)) == before


def test_sigterm_writes_a_checkpoint_and_sigkill_after_it_loses_nothing(
    tmp_path: Path, uninterrupted: Path
):
    first = Job(tmp_path, "--attempts", "3").until_training()
    first.process.send_signal(signal.SIGTERM)
    assert first.wait() == RESUMABLE, first.log.read_text()
    assert checkpoint_file(tmp_path).exists()
    assert not Results(tmp_path).blocks()
    interrupted_at = time.time()

    second = Job(tmp_path, "--attempt", "2", "--attempts", "3").until_training()
    os.kill(second.child(), signal.SIGKILL)
    assert second.wait() == 1, second.log.read_text()
    assert checkpoint_file(tmp_path).exists()
    assert not Results(tmp_path).blocks()

    run(tmp_path, "--attempt", "3", "--attempts", "3")
    assert contents(tmp_path) == contents(uninterrupted)
    assert not checkpoint_file(tmp_path).exists()
    assert started(tmp_path) < interrupted_at, "the training started over instead of resuming"


def started(folder: Path) -> float:
    timing = read_table(Results(folder).block(SLOW, BLOCK) / "timing.parquet").to_pylist()
    return datetime.datetime.fromisoformat(timing[0]["started"]).timestamp()


def test_a_job_killed_before_any_checkpoint_starts_over(tmp_path: Path, uninterrupted: Path):
    first = Job(tmp_path, "--attempts", "3").until_training()
    os.kill(first.child(), signal.SIGKILL)
    assert first.wait() == 1
    assert not Results(tmp_path).blocks()
    assert not checkpoint_file(tmp_path).exists()
    run(tmp_path, "--attempt", "2", "--attempts", "3")
    assert contents(tmp_path) == contents(uninterrupted)


def test_the_training_dies_with_its_supervisor(tmp_path: Path):
    job = Job(tmp_path).until_training()
    child = job.child()
    job.process.kill()
    job.wait()
    until(lambda: not running(child))
    assert not Results(tmp_path).blocks()


def running(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return (
        stat.exists() and stat.read_text(encoding="utf-8").rpartition(")")[2].split()[0] not in "ZX"
    )


def test_killed_at_the_last_attempt_leaves_a_row_a_seed_and_succeeds(tmp_path: Path):
    job = Job(tmp_path, "--attempt", "3", "--attempts", "3").until_training()
    os.kill(job.child(), signal.SIGKILL)
    assert job.wait() == 0, job.log.read_text()
    assert [(r["seed"], r["status"], r["reason"]) for r in rows(tmp_path)] == [
        (0, "error", "killed (SIGKILL)"),
        (1, "error", "killed (SIGKILL)"),
    ]
    assert set(contents(tmp_path, list(BLOCK_FILES))) == set(BLOCK_FILES)


def test_a_timeout_is_a_status_with_what_was_reached(tmp_path: Path):
    run(tmp_path, "--timeout", "0.2")
    found = rows(tmp_path)
    assert [(r["status"], r["reason"]) for r in found] == [("timeout", "0.2 s")] * 2
    assert all(0 < r["updates"] < SLOW.training.updates for r in found)
    assert all(r["test_loss"] > 0 for r in found)
    assert not checkpoint_file(tmp_path).exists()


def test_two_jobs_on_one_block_both_succeed_and_leave_one_good_result(
    tmp_path: Path, uninterrupted: Path
):
    jobs = [Job(tmp_path), Job(tmp_path)]
    assert [job.wait() for job in jobs] == [0, 0], [job.log.read_text() for job in jobs]
    assert contents(tmp_path) == contents(uninterrupted)
    assert sum("training" in job.log.read_text() for job in jobs) == 1, "both have trained"


def test_bad_input_is_one_sentence_and_exit_code_1(tmp_path: Path):
    job = Job(tmp_path, "--plugin", "nowhere.py")
    assert job.wait() == 1
    text = job.log.read_text()
    assert "nowhere.py" in text
    assert "Traceback" not in text
    assert not Results(tmp_path).blocks()
