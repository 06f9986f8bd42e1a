"""A job served by the fork server is the same job: its files, its signals, its deaths."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from lstm_bench.jobs import forkserver
from tests.unit.jobs.test_job import (
    PATIENCE,
    RESUMABLE,
    Job,
    contents,
    rows,
    run,
    running,
    until,
)

JOB, STAGES = "lstm_bench.jobs.job", "lstm_bench.stages"


class Sweep(NamedTuple):
    """A process that stands for the sweep, the server's private folder, and a job's results."""

    process: subprocess.Popen
    folder: Path
    first: Path

    @property
    def server(self) -> int:
        return int((self.folder / "s.pid").read_text())

    def served(self, job: Job) -> int:
        """The process that trains for a job: the server's child, not the job's."""
        assert children(job.process.pid) == []
        (child,) = children(self.server)
        return child


@contextlib.contextmanager
def sweep_in(folder: Path, first: Path) -> Iterator[Sweep]:
    """A sweep whose server is up; it is gone at the end."""
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
    path = folder / "s"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(forkserver.VARIABLE, f"{process.pid}:{path}")
        first_job = forkserver.request(JOB, ["--plugin", "nowhere.py"])  # starts the server
        assert isinstance(first_job, forkserver.ServedChild)
        assert first_job.wait() > 0
        server = int((folder / "s.pid").read_text())
        try:
            yield Sweep(process, folder, first)
        finally:
            process.kill()
            process.wait()
            until(lambda: not running(server))


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of a job that trains by itself."""
    folder = tmp_path_factory.mktemp("first")
    run(folder)
    return folder


@pytest.fixture(scope="module")
def sweep(first: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sweep]:
    """For the tests that leave the server as it is."""
    with sweep_in(tmp_path_factory.mktemp("shared") / "private", first) as found:
        yield found


@pytest.fixture
def own_sweep(first: Path, tmp_path: Path) -> Iterator[Sweep]:
    """For the tests that end it."""
    with sweep_in(tmp_path / "private", first) as found:
        yield found


def children(pid: int) -> list[int]:
    return [
        int(x) for x in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    ]


def test_a_served_job_writes_the_same_bytes(sweep: Sweep, tmp_path: Path):
    job = Job(tmp_path).until_training()
    assert sweep.served(job)
    assert job.wait() == 0
    assert contents(tmp_path) == contents(sweep.first)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])  # of a terminal that closes
def test_a_served_job_answers_a_signal_and_resumes(sweep: Sweep, tmp_path: Path, number: int):
    job = Job(tmp_path).until_training()
    job.process.send_signal(number)
    assert job.wait() == RESUMABLE
    run(tmp_path)
    assert contents(tmp_path) == contents(sweep.first)


def test_a_job_that_is_killed_takes_its_served_child_along(sweep: Sweep, tmp_path: Path):
    job = Job(tmp_path).until_training()
    child = sweep.served(job)
    job.process.kill()
    job.wait()
    until(lambda: not running(child))


def test_a_served_child_that_is_killed_at_the_last_attempt_leaves_rows(
    sweep: Sweep, tmp_path: Path
):
    job = Job(tmp_path, "--attempt", "3", "--attempts", "3").until_training()
    os.kill(sweep.served(job), signal.SIGKILL)
    assert job.wait() == 0
    assert {row["reason"] for row in rows(tmp_path)} == {"killed (SIGKILL)"}


def test_bad_arguments_are_answered_as_ever(sweep: Sweep, tmp_path: Path):
    job = Job(tmp_path, "--plugin", "nowhere.py")
    assert job.process.wait(PATIENCE) == 1
    assert "'nowhere.py' is not a file" in job.log.read_text()


def test_a_step_of_the_workflow_is_served_and_ends_as_it_would_alone(
    sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def told(command: str) -> tuple[int, str]:
        words = [sys.executable, "-m", STAGES, *command.split()]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    monkeypatch.setenv("LSTM_BENCH_TIMES", str(tmp_path))  # a served child leaves its account there
    bad = [f"judge --plan {tmp_path}/none.json", "draw horizon --colour"]
    served = [told(command) for command in bad]
    accounts = {path.read_text().split("\n")[0] for path in tmp_path.glob("served-*")}
    assert accounts == {f"served {STAGES} judge", f"served {STAGES} draw"}
    monkeypatch.delenv(forkserver.VARIABLE)
    assert served == [told(command) for command in bad]
    assert [code for code, _ in served] == [1, 2]


@pytest.mark.parametrize("served", [True, False])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_step_at_once(
    sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, served: bool, number: int
):
    """Not at its end: a probe may take an hour. This one waits for a plan that nobody writes."""
    if not served:  # by a child of its own
        monkeypatch.setenv(forkserver.VARIABLE, f"1:{'x' * forkserver.LONGEST}")
    plan = tmp_path / "plan.json"
    os.mkfifo(plan)
    command = [sys.executable, "-m", STAGES, "judge", "--plan", str(plan)]
    step = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    parent = sweep.server if served else step.pid
    until(lambda: bool(children(parent)))
    (child,) = children(parent)
    time.sleep(0.3)
    step.send_signal(number)
    assert step.wait(PATIENCE) != 0
    until(lambda: not running(child))


def test_what_steps_share_starts_no_thread_that_a_fork_would_lose():
    code = (
        "import sys, threading; from lstm_bench import stages; stages.warm()\n"
        "assert threading.active_count() == 1, threading.enumerate()\n"
        "assert not {'torch', 'mlflow'} & set(sys.modules)\n"
        "assert {'pandas', 'seaborn', 'lstm_bench.plotting.render'} <= set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_job_that_dies_while_it_asks_does_not_hold_the_server_up(sweep: Sweep):
    asking = socket.socket(socket.AF_UNIX)
    asking.connect(str(sweep.folder / "s"))
    socket.send_fds(asking, [b'{"arguments": ['], [0, 1, 2])
    asking.close()
    code = forkserver.request(JOB, ["--plugin", "nowhere.py"])
    assert isinstance(code, forkserver.ServedChild)
    assert code.wait() > 0


@pytest.mark.parametrize("module", ["lstm_bench.nowhere", "lstm_bench.spec"])
def test_a_module_that_cannot_work_is_refused_and_the_server_goes_on(sweep: Sweep, module: str):
    refused = forkserver.request(module, [])
    assert refused is None
    asked = forkserver.request(JOB, ["--plugin", "nowhere.py"])
    assert isinstance(asked, forkserver.ServedChild)
    assert asked.wait() > 0


def test_an_environment_of_any_size_arrives(sweep: Sweep, tmp_path: Path, monkeypatch):
    for number in range(20):
        monkeypatch.setenv(f"LONG_{number}", "x" * 100_000)
    asked = forkserver.request(JOB, ["--plugin", "nowhere.py"])
    assert isinstance(asked, forkserver.ServedChild)
    assert asked.wait() > 0


def test_a_server_that_dies_late_takes_no_result_with_it(
    own_sweep: Sweep, tmp_path: Path, monkeypatch
):
    folder = tmp_path / "late"
    folder.mkdir()
    job = Job(folder).until_training()
    os.kill(own_sweep.server, signal.SIGKILL)
    assert job.wait() == 0, "the child goes on, and its files are the word it leaves"
    assert contents(folder) == contents(own_sweep.first)


def test_without_its_server_a_job_forks_for_itself(own_sweep: Sweep, tmp_path: Path):
    server = own_sweep.server
    os.kill(server, signal.SIGKILL)
    until(lambda: not running(server))
    folder = tmp_path / "alone"
    folder.mkdir()
    run(folder)
    assert contents(folder) == contents(own_sweep.first)


def test_the_server_goes_with_its_sweep_and_leaves_nothing(own_sweep: Sweep):
    server = own_sweep.server
    own_sweep.process.kill()
    own_sweep.process.wait()
    until(lambda: not running(server))
    assert list(own_sweep.folder.iterdir()) == []


def test_a_folder_others_can_enter_is_not_used(tmp_path: Path, monkeypatch):
    """Neither to start a server in, nor to ask one that a stranger has started there."""
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o755)
    monkeypatch.setenv(forkserver.VARIABLE, f"{os.getpid()}:{shared}/s")
    assert forkserver.request(JOB, []) is None
    assert list(shared.iterdir()) == []
    stranger = socket.socket(socket.AF_UNIX)
    stranger.bind(str(shared / "s"))
    stranger.listen()
    stranger.settimeout(0.2)
    assert forkserver.request(JOB, []) is None
    with pytest.raises(TimeoutError):
        stranger.accept()


def test_a_link_to_a_private_folder_is_not_used(tmp_path: Path, monkeypatch):
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(private)
    monkeypatch.setenv(forkserver.VARIABLE, f"{os.getpid()}:{tmp_path}/link/s")
    assert forkserver.request(JOB, []) is None
    assert list(private.iterdir()) == []


def test_a_path_too_long_for_a_socket_is_not_tried(tmp_path: Path, monkeypatch):
    folder = tmp_path / ("x" * forkserver.LONGEST)
    monkeypatch.setenv(forkserver.VARIABLE, f"{os.getpid()}:{folder}/s")
    assert forkserver.request(JOB, []) is None
    assert not folder.exists()


def test_a_number_that_another_process_has_by_now_keeps_no_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    births = iter(["100", "200"])
    monkeypatch.setattr(forkserver, "_born", lambda pid: next(births))
    before = signal.getsignal(signal.SIGCHLD)
    try:
        forkserver.serve(str(tmp_path / "s"), os.getpid())
    finally:
        signal.signal(signal.SIGCHLD, before)
        signal.set_wakeup_fd(-1)
    assert list(tmp_path.iterdir()) == []


def test_a_process_that_nobody_has_waited_for_is_gone():
    assert forkserver._born(os.getpid()) == forkserver._born(os.getpid()) is not None
    ended = subprocess.Popen(["true"])
    until(lambda: not running(ended.pid))
    assert forkserver._born(ended.pid) is None
    ended.wait()
