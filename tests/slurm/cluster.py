"""A Slurm of one node on the loopback: munged, slurmctld and slurmd, ended by their process ids.

No systemd, no control groups, no accounting. Jobs look for /etc/slurm/slurm.conf whatever the
environment says, so the test writes it and takes it away again; a machine that has one is left
alone.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONFIG = Path("/etc/slurm/slurm.conf")
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "srun")
SETTINGS = """\
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
CredType=cred/munge
SlurmctldPort={controller}
SlurmdPort={daemon}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerType=sched/backfill
MinJobAge=300
KillWait=10
OverTimeLimit=0
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cpus} RealMemory={memory} State=UNKNOWN
PartitionName=main Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""


def missing() -> str:
    """Why there can be no Slurm here; empty where there can."""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    if lacking:
        return f"no {', '.join(lacking)}: apt-get install slurm-wlm munge"
    if os.geteuid() != 0:
        return "slurmctld and slurmd need root"
    if CONFIG.exists():
        return f"{CONFIG} exists: this machine has a Slurm of its own"
    return ""


def _port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@contextmanager
def cluster(folder: Path, cpus: int = 2, memory: int = 8000) -> Iterator[None]:
    """Start it, wait until the node is idle, and end all of it."""
    for name in ("state", "spool"):
        (folder / name).mkdir(parents=True)
    key = folder / "munge.key"
    key.write_bytes(os.urandom(128))
    key.chmod(0o400)
    folder.chmod(0o711)
    places = [f"--{what}-file={folder}/munge.{what}" for what in ("key", "pid", "log", "seed")]
    munged = ["munged", "--foreground", "--force", f"--socket={folder}/munge.socket", *places]
    host = socket.gethostname().partition(".")[0]
    ports = {"controller": _port(), "daemon": _port()}
    CONFIG.parent.mkdir(parents=True, exist_ok=True)
    CONFIG.write_text(
        SETTINGS.format(host=host, folder=folder, cpus=cpus, memory=memory, **ports),
        encoding="utf-8",
    )
    started: list[subprocess.Popen[bytes]] = []
    try:
        for command in (munged, ["slurmctld", "-D"], ["slurmd", "-D"]):
            started.append(_start(command, folder))
            time.sleep(0.5)
        _wait_until_idle(folder)
        yield
    finally:
        subprocess.run(["scancel", "--user", str(os.geteuid())], capture_output=True)
        for process in reversed(started):
            process.terminate()
        for process in reversed(started):
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
        CONFIG.unlink()


def _start(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    with (folder / f"{command[0]}.out").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)


def _wait_until_idle(folder: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        shown = subprocess.run(["sinfo", "-h", "-o", "%T"], capture_output=True, text=True)
        if "idle" in shown.stdout:
            return
        time.sleep(0.3)
    logs = "\n".join(path.read_text()[-2000:] for path in folder.glob("*.out"))
    raise AssertionError(f"Slurm does not answer: {shown.stdout}{shown.stderr}\n{logs}")
