"""Which GPU a training gets: leased by lock files, before torch is imported.

A device's memory counts as SLOTS slots, each a file that one job at a time locks (flock). A job
leases as many slots of one device as its estimated memory needs: small trainings share a device, a
big one has it alone. The kernel drops a lock with the last process that holds it, `kill -9`
included, so nothing is ever left to clean up. While a job waits it holds nothing, and so no two can
wait for each other.

The devices are the first of these that is set: LSTM_BENCH_DEVICES (`0:24576,1:24576`, each with its
MiB), CUDA_VISIBLE_DEVICES, SLURM_JOB_GPUS, what `nvidia-smi` lists. The last three count where
a GPU has its device file. Standard library only.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import takewhile
from math import ceil
from pathlib import Path
from typing import NamedTuple

from lstm_bench.errors import BenchError
from lstm_bench.store.locks import not_locked

SLOTS = 16
UNKNOWN_MIB = 8192  # a device whose memory nothing tells: few trainings share it
DECLARED = "LSTM_BENCH_DEVICES"
GIVEN = ("CUDA_VISIBLE_DEVICES", "SLURM_JOB_GPUS")
UP_TO = "cpu_up_to"
DEV = Path("/dev")
NAMES = r"\d+|(GPU|MIG)-[\w/-]+"  # what CUDA takes for a device
FILES = ("nvidia[0-9]*", "dxg")  # below /dev; the latter in WSL
POLL = 0.2  # seconds between two looks at devices that are all taken


class Device(NamedTuple):
    """A GPU as CUDA_VISIBLE_DEVICES names it, and its memory."""

    name: str
    mib: int


class Lease(NamedTuple):
    """A device, and the locked files of its slots: theirs until every copy of them is closed."""

    device: Device
    descriptors: tuple[int, ...]


def declared() -> bool:
    """Whether the environment says which devices there are, on the nodes of a cluster say."""
    return bool(os.environ.get(DECLARED))


@cache
def devices() -> list[Device]:
    """The GPUs this process may use. Raises BenchError for a LSTM_BENCH_DEVICES of another form."""
    if declared():
        return [_parse(part.strip()) for part in os.environ[DECLARED].split(",")]
    if not any(any(DEV.glob(pattern)) for pattern in FILES):
        return []  # whatever a scheduler has written into its variables
    present = _present()
    for variable in GIVEN:
        if os.environ.get(variable) is not None:
            names = [part.strip() for part in os.environ[variable].split(",")]
            # CUDA reads its variable up to the first entry that names no device
            chosen = takewhile(lambda name: re.fullmatch(NAMES, name), names)
            return [Device(name, present.get(name, UNKNOWN_MIB)) for name in chosen]
    return [Device(name, mib) for name, mib in present.items() if name.isdigit()]


def _parse(text: str) -> Device:
    match = re.fullmatch(r"([\w-]+):(\d+)", text)
    if match is None or not int(match[2]):
        raise BenchError(
            f"{DECLARED}: {text!r} is not allowed; it must be NAME:MIB, as in 0:24576,1:24576."
        )
    return Device(match[1], int(match[2]))


def _present() -> dict[str, int]:
    """MiB of every GPU of the machine, by its number and by its UUID."""
    command = ["nvidia-smi", "--query-gpu=index,uuid,memory.total", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(
            command, capture_output=True, encoding="utf-8", timeout=30, check=True
        )
        rows = [line.split(", ") for line in told.stdout.splitlines()]
        return {name: int(mib) for index, uuid, mib in rows for name in (index, uuid)}
    except (OSError, subprocess.SubprocessError, ValueError):
        return {str(i): UNKNOWN_MIB for i, _ in enumerate(DEV.glob(FILES[0]))}


def as_text(wanted: str | Mapping[str, int]) -> str:
    """The config's `device` as a job is told it: `auto`, `cpu`, `cuda` or `cpu_up_to=200`."""
    return wanted if isinstance(wanted, str) else f"{UP_TO}={wanted[UP_TO]}"


def device_for(wanted: str, T: int) -> str:
    """The device of a training: as it stands, or by the longest T that stays on the CPU."""
    key, _, longest = wanted.partition("=")
    if key != UP_TO:
        return wanted
    return "cpu" if int(longest) >= T else "cuda"


def needs_gpu(wanted: str, T: int) -> bool:
    """Whether this training takes a GPU here; `auto` does where there is one."""
    device = device_for(wanted, T)
    return device == "cuda" or (device == "auto" and bool(devices()))


def slots_of(device: Device, mib: int) -> int:
    """The slots a training of so much memory takes; all of them where it may not even fit."""
    return min(SLOTS, max(1, ceil(SLOTS * mib / device.mib)))


def lease(wanted: str, mib: int, folder: Path | None = None) -> Lease | None:
    """Wait for a device with room, and lease it; None where the training needs none.

    `auto` without a GPU needs none; `cuda` without one is left to torch to refuse. Raises
    BenchError where the folder of the locks cannot be used.
    """
    found = devices() if wanted in ("auto", "cuda") else []
    if not found:
        return None
    place = folder or _folder()
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            for device in found:
                held = _take(place, device, slots_of(device, mib))
                if held:
                    return Lease(device, held)
            time.sleep(POLL)
    except OSError as error:
        raise not_locked(place, error) from error


def _folder() -> Path:
    """One a user and a machine; one a job where Slurm numbers the devices of each job anew."""
    job = os.environ.get("SLURM_JOB_ID", "")
    own = f"-{job}" if job.isdigit() else ""
    return Path(tempfile.gettempdir()) / f"lstm_bench-{os.getuid()}" / f"devices{own}"


def _take(folder: Path, device: Device, slots: int) -> tuple[int, ...]:
    """The locked files of so many free slots of a device, or none: never a part of them."""
    with _guard(folder / f"{_file(device)}.guard"):
        held: list[int] = []
        for slot in range(SLOTS):
            descriptor = os.open(folder / f"{_file(device)}.{slot:02d}", os.O_RDWR | os.O_CREAT)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                held.append(descriptor)
            except BlockingIOError:  # another's
                os.close(descriptor)
            if len(held) == slots:
                return tuple(held)
        for descriptor in held:
            os.close(descriptor)
        return ()


@contextlib.contextmanager
def _guard(path: Path) -> Iterator[None]:
    """One job at a time looks for slots of a device: two that each hold half would both fail."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _file(device: Device) -> str:
    return re.sub(r"[^\w-]", "_", device.name)
