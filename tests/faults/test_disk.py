"""A disk that refuses: one sentence, no half file under a final name, and on it goes with room."""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lstm_bench.store.paths import Results
from lstm_bench.store.verify import verify
from tests.faults.conftest import LONG, Tally
from tests.faults.sweeps import DISTURBED, Sweep, digests
from tests.unit.jobs.test_job import BLOCK, REPOSITORY, SLOW
from tests.workflow.workspace import Workspace

MIB = 2**20


def limited(folder: Path, most: int, *words: str) -> subprocess.CompletedProcess[str]:
    """A command whose files may have `most` bytes: the kernel refuses a write beyond.

    It keeps no bytecode: Python cuts that short without a word, and all that import it would fail.
    """
    path = f"{REPOSITORY}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    own = {"LSTM_BENCH_CHECKPOINT_SECONDS": "0.01", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-m", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path, **own},
        text=True,
        capture_output=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most)),
    )


TRAIN = ("lstm_bench.jobs.job", "--device", "cpu", "--block", BLOCK.name, "--condition")
WRITES = {
    "checkpoint": ((*TRAIN, json.dumps(SLOW.to_json())), "state.safetensors"),
}


@pytest.mark.parametrize("what", WRITES)
def test_a_write_that_is_refused_is_told_in_one_sentence(
    what: str, tmp_path: Path, tally: Tally
) -> None:
    words, file = WRITES[what]
    tally.injected(f"a write refused: {what}")
    shown = limited(tmp_path, 2_000, *words)
    assert shown.returncode == 1
    assert "Traceback" not in shown.stderr
    last = shown.stderr.strip().splitlines()[-1]
    assert file in last
    assert last.endswith("cannot be written: File too large.")
    assert not list(tmp_path.rglob(f"*{file}*"))
    assert limited(tmp_path, 100 * MIB, *words).returncode == 0
    tally.survived(f"a write refused: {what}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 48 MiB, which only root can make."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mounting, capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path, leave: int) -> Path:
    """A file that leaves so many bytes of the disk free."""
    found = os.statvfs(folder)
    ballast = folder / "ballast"
    with ballast.open("wb") as file:
        for _ in range((found.f_bavail * found.f_frsize - leave) // 4096):
            file.write(b"x" * 4096)
    return ballast


@pytest.mark.skipif(not LONG, reason="make faults")
@pytest.mark.parametrize("number", range(12))
def test_a_sweep_on_a_full_disk_ends_and_goes_on_when_there_is_room(
    number: int, small_disk: Path, tmp_path: Path, undisturbed: dict[str, str], tally: Tally
) -> None:
    """The room left is drawn, so that another write of the sweep meets the end of it."""
    workspace = Workspace(tmp_path / "sweep", **DISTURBED)
    (small_disk / "results").mkdir()
    (workspace.path / "results").symlink_to(small_disk / "results")
    leave = int(10 ** random.Random(number).uniform(4, 6.3))
    ballast = fill(small_disk, leave)
    full = Sweep(workspace, "all")
    refused = full.wait() != 0
    if refused:
        tally.injected("disk full in a sweep")
        told = "".join(
            p.read_text(errors="replace") for p in workspace.path.glob("results/logs/**/*.log")
        )
        assert "No space left on device" in told + full.told()
        assert "Traceback" not in told
    assert [fault for _, fault in verify(Results(workspace.path)) if fault] == []
    ballast.unlink()
    again = Sweep(workspace, "all")
    assert again.wait() == 0, again.told()
    assert digests(workspace) == undisturbed
    if refused:
        tally.survived("disk full in a sweep")
