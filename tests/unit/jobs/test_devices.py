"""Leases of GPUs: never more trainings on a device than fit, and none lost, whoever is killed."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lstm_bench.errors import BenchError
from lstm_bench.jobs import devices
from tests.unit.jobs.test_forkserver import sweep_in
from tests.unit.jobs.test_job import REPOSITORY, Job, until

TWO = "0:16000,1:16000"
LEASE = """
import json, os, sys, time
from pathlib import Path
from lstm_bench.jobs.devices import lease
def note(what):
    line = json.dumps([time.monotonic(), what, os.getpid(), held.device.name, files]) + "\\n"
    os.write(log, line.encode())
log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
held = lease("cuda", int(sys.argv[2]), Path(sys.argv[3]))
files = [os.readlink(f"/proc/self/fd/{number}") for number in held.descriptors]
note("has")
while not Path(sys.argv[4]).exists():
    time.sleep(0.02)
note("leaves")
"""


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for variable in (devices.DECLARED, *devices.GIVEN, "SLURM_JOB_ID"):
        monkeypatch.delenv(variable, raising=False)
    devices.devices.cache_clear()
    yield
    devices.devices.cache_clear()


class Leasing:
    """Processes that each lease from two pretended devices, and what they wrote down."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "log"

    def start(self, mib: int, until_there: str = "enough") -> subprocess.Popen:
        path = f"{REPOSITORY}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        env = {**os.environ, devices.DECLARED: TWO, "PYTHONPATH": path}
        words = [str(self.log), str(mib), str(self.folder / "locks")]
        words.append(str(self.folder / until_there))
        return subprocess.Popen([sys.executable, "-c", LEASE, *words], env=env)

    def lines(self) -> list[list]:
        return (
            [json.loads(x) for x in self.log.read_text().splitlines()] if self.log.exists() else []
        )


@pytest.mark.parametrize(("mib", "at_once"), [(16000, 1), (7000, 2), (5000, 3)])
def test_eight_processes_on_two_devices_one_killed(tmp_path: Path, mib: int, at_once: int):
    leasing = Leasing(tmp_path)
    victim = leasing.start(mib, "never")
    until(lambda: len(leasing.lines()) == 1)
    others = [leasing.start(mib) for _ in range(7)]
    until(lambda: len(leasing.lines()) == 2 * at_once)  # both devices are full
    killed = time.monotonic()
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    until(lambda: len(leasing.lines()) == 2 * at_once + 1)  # one more took its place
    (leasing.folder / "enough").touch()
    assert [other.wait(30) for other in others] == [0] * 7, "none is lost"
    lines = sorted([*leasing.lines(), [killed, "leaves", victim.pid, "", []]])
    holding: dict[int, tuple[str, set[str]]] = {}
    most = 0
    for _, what, pid, device, files in lines:
        if what == "leaves":
            holding.pop(pid)
            continue
        taken = set().union(*(of for _, of in holding.values()))
        assert not taken & set(files), "never two on one slot"
        holding[pid] = (device, set(files))
        on_device = [pid for pid, (where, _) in holding.items() if where == device]
        most = max(most, len(on_device))
        assert len(on_device) <= at_once
    assert not holding
    assert most == at_once, "what fits is used"
    assert {line[3] for line in lines} == {"0", "1", ""}


def test_a_slot_stays_taken_while_a_child_of_the_killed_holder_lives(tmp_path: Path, monkeypatch):
    monkeypatch.setenv(devices.DECLARED, "0:1000")
    (device,) = devices.devices()
    ready, told = os.pipe()
    holder = os.fork()
    if holder == 0:
        assert devices.lease("cuda", 1000, tmp_path)
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
        os.write(told, str(child).encode())
        time.sleep(60)
        os._exit(0)
    child = int(os.read(ready, 16))
    os.kill(holder, signal.SIGKILL)
    os.waitpid(holder, 0)
    assert devices._take(tmp_path, device, 1) == ()
    os.kill(child, signal.SIGKILL)
    until(lambda: bool(devices._take(tmp_path, device, 1)))


def test_a_served_training_gets_the_leased_device_before_cuda_is_touched(
    tmp_path: Path, monkeypatch
):
    spy = tmp_path / "spy.py"
    spy.write_text(
        "import json, os, sys\n"
        "from pathlib import Path\n"
        "cuda = sys.modules['torch'].cuda if 'torch' in sys.modules else None\n"
        "seen = [os.environ.get('CUDA_VISIBLE_DEVICES'), bool(cuda and cuda.is_initialized())]\n"
        "locks = [os.readlink(f'/proc/self/fd/{n}') for n in os.listdir('/proc/self/fd')\n"
        "         if n.isdigit() and os.path.exists(f'/proc/self/fd/{n}')]\n"
        "seen.append(len([x for x in locks if '/devices/' in x]))\n"
        "seen.append('torch' in sys.modules)\n"
        f"Path({str(tmp_path / 'seen')!r}).write_text(json.dumps(seen))\n"
        "raise ValueError('enough')\n"
    )
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv(devices.DECLARED, "7:16000")
    options = ("--device", "cuda", "--memory-mib", "1500", "--plugin", str(spy))
    for server in (False, True):
        if server:
            with sweep_in(tmp_path / "private", tmp_path):
                job = Job(tmp_path, *options)
                assert job.process.wait(60) == 1, "the spy ends it"
        else:
            job = Job(tmp_path, *options)
            assert job.process.wait(60) == 1
        assert json.loads((tmp_path / "seen").read_text()) == ["7", False, 2, server]
        assert "trains on device 7" in job.log.read_text()


def test_importing_what_the_server_forks_never_asks_cuda():
    code = (
        "import torch\n"
        "def never(*_): raise AssertionError('CUDA was asked')\n"
        "for name in ('_lazy_init', 'is_available', 'device_count'):\n"
        "    setattr(torch.cuda, name, never)\n"
        "import lstm_bench.training.run, lstm_bench.jobs.job\n"
    )
    path = f"{REPOSITORY}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": path})


GIVEN = ["NoDevFiles", "none", "void", "", "-1", "0", "0,1", "GPU-a", "all"]


@pytest.mark.parametrize("variable", devices.GIVEN)
@pytest.mark.parametrize("said", GIVEN)
def test_without_a_device_file_no_variable_makes_a_gpu(variable, said, tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "DEV", tmp_path)
    monkeypatch.setenv(variable, said)
    assert devices.devices() == []
    assert not devices.needs_gpu("auto", 10)
    assert devices.lease("auto", 1000, tmp_path) is None


def test_a_disk_without_locks_is_a_sentence_and_no_taken_slot(tmp_path, monkeypatch):
    def none(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setenv(devices.DECLARED, "0:1000")
    monkeypatch.setattr(devices.fcntl, "flock", none)
    with pytest.raises(BenchError, match=f"{tmp_path} cannot be locked: No locks available"):
        devices.lease("auto", 1000, tmp_path)


def test_devices_are_those_given(tmp_path, monkeypatch):
    (tmp_path / "nvidia0").touch()
    monkeypatch.setattr(devices, "DEV", tmp_path)
    monkeypatch.setattr(devices, "_present", lambda: {"0": 80000, "1": 80000, "GPU-a": 80000})
    for variables, names in (
        ({}, ["0", "1"]),
        ({"SLURM_JOB_GPUS": "1"}, ["1"]),
        ({"SLURM_JOB_GPUS": "1", "CUDA_VISIBLE_DEVICES": "GPU-a"}, ["GPU-a"]),
        ({"CUDA_VISIBLE_DEVICES": ""}, []),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, []),
        ({"CUDA_VISIBLE_DEVICES": "NoDevFiles"}, []),
        ({"CUDA_VISIBLE_DEVICES": "0,-1,1"}, ["0"]),
        ({devices.DECLARED: "3:1000", "CUDA_VISIBLE_DEVICES": "0"}, ["3"]),
    ):
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                patch.setenv(name, value)
            devices.devices.cache_clear()
            assert [each.name for each in devices.devices()] == names


def test_a_declaration_of_another_form_is_one_sentence(monkeypatch):
    monkeypatch.setenv(devices.DECLARED, "0:lots")
    with pytest.raises(BenchError, match="'0:lots' is not allowed; it must be NAME:MIB"):
        devices.devices()


def test_short_lengths_stay_on_the_cpu():
    told = devices.as_text({"cpu_up_to": 200})
    assert [devices.device_for(told, T) for T in (10, 200, 201)] == ["cpu", "cpu", "cuda"]
    assert [devices.device_for(wanted, 10) for wanted in ("cpu", "auto")] == ["cpu", "auto"]
    assert devices.lease("cpu", 1000) is None


def test_slots_follow_the_memory_a_training_needs():
    device = devices.Device("0", 16000)
    assert [devices.slots_of(device, mib) for mib in (1, 1000, 1001, 16000, 99999)] == [
        *(1, 1, 2, 16, 16)
    ]


def test_jobs_of_one_slurm_job_share_locks_and_others_do_not(monkeypatch):
    assert devices._folder().name == "devices"
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    assert devices._folder().name == "devices-12"
