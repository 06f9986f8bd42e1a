"""A job served by the fork server is the same job: its files, its signals, its deaths."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.training.test_job import PATIENCE, RESUMABLE, Job, contents, rows, run, until


@pytest.fixture
def sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen]:
    """A process that stands for the sweep, its folder prepared, and a server started for it."""
    stand_in = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    folder = tmp_path / "private"
    monkeypatch.setenv("LSTM_BENCH_FORK_SERVER", f"{stand_in.pid}:{folder}/s")
    (tmp_path / "first").mkdir()
    run(tmp_path / "first")  # trains by itself and starts the server
    until(lambda: (folder / "s").exists())
    yield stand_in
    pid = folder / "s.pid"
    server = int(pid.read_text()) if pid.exists() else None
    stand_in.kill()
    stand_in.wait()
    if server:
        until(lambda: not Path(f"/proc/{server}").exists())


def children(pid: int) -> list[int]:
    return [int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def served(job: Job, tmp_path: Path) -> int:
    """The process that trains for a job: the server's child, not the job's."""
    assert children(job.process.pid) == []
    (child,) = children(server_pid(tmp_path))
    return child


def folder_of(tmp_path: Path, name: str) -> Path:
    (tmp_path / name).mkdir()
    return tmp_path / name


def server_pid(tmp_path: Path) -> int:
    return int((tmp_path / "private" / "s.pid").read_text())


def test_a_served_job_writes_the_same_bytes(sweep, tmp_path: Path):
    first, second = tmp_path / "first", folder_of(tmp_path, "second")
    job = Job(second).until_training()
    assert served(job, tmp_path)
    assert job.wait() == 0
    assert contents(second) == contents(first)


def test_a_served_job_answers_a_signal_and_resumes(sweep, tmp_path: Path):
    folder = folder_of(tmp_path, "interrupted")
    job = Job(folder).until_training()
    job.process.send_signal(signal.SIGTERM)
    assert job.wait() == RESUMABLE
    run(folder)
    assert contents(folder) == contents(tmp_path / "first")


def test_a_job_that_is_killed_takes_its_served_child_along(sweep, tmp_path: Path):
    job = Job(folder_of(tmp_path, "killed")).until_training()
    child = served(job, tmp_path)
    job.process.kill()
    job.wait()
    until(lambda: not Path(f"/proc/{child}").exists())


def test_a_served_child_that_is_killed_at_the_last_attempt_leaves_rows(sweep, tmp_path: Path):
    folder = folder_of(tmp_path, "last")
    job = Job(folder, "--attempt", "3", "--attempts", "3").until_training()
    os.kill(served(job, tmp_path), signal.SIGKILL)
    assert job.wait() == 0
    assert {row["reason"] for row in rows(folder)} == {"killed (SIGKILL)"}


def test_without_its_server_a_job_forks_for_itself(sweep, tmp_path: Path):
    os.kill(server_pid(tmp_path), signal.SIGKILL)
    folder = folder_of(tmp_path, "alone")
    run(folder)
    assert contents(folder) == contents(tmp_path / "first")


def test_the_server_goes_with_its_sweep_and_leaves_nothing(sweep, tmp_path: Path):
    server = server_pid(tmp_path)
    sweep.kill()
    sweep.wait()
    until(lambda: not Path(f"/proc/{server}").exists())
    assert list((tmp_path / "private").iterdir()) == []


def test_a_folder_others_can_enter_is_not_used(tmp_path: Path, monkeypatch):
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    monkeypatch.setenv("LSTM_BENCH_FORK_SERVER", f"{os.getpid()}:{shared}/s")
    run(tmp_path)
    assert list(shared.iterdir()) == []


def test_bad_arguments_are_answered_as_ever(sweep, tmp_path: Path):
    job = Job(tmp_path, "--plugin", "nowhere.py")
    assert job.process.wait(PATIENCE) == 1
    assert "'nowhere.py' is not a file" in job.log.read_text()
