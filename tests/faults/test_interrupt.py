"""SIGTERM and Ctrl-C: a checkpoint within seconds, an exit code that says so, no update redone."""

from __future__ import annotations

import os
import re
import signal
import time
from pathlib import Path

import pytest

from lstm_bench.store.tensors import load_tensors
from tests.faults.conftest import LONG, Tally
from tests.faults.sweeps import DISTURBED, Sweep, digests, locked, until
from tests.unit.jobs.test_job import RESUMABLE, SLOW, Job, checkpoint_file, contents, run
from tests.workflow.workspace import Workspace

WITHIN = 5.0  # seconds


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_the_update_it_came_at_and_the_next_attempt_starts_there(
    number: signal.Signals, tmp_path: Path, tally: Tally
) -> None:
    undisturbed = tmp_path / "undisturbed"
    undisturbed.mkdir()
    run(undisturbed)
    first = Job(tmp_path).until_training()
    tally.injected(f"{number.name} to a training")
    began = time.monotonic()
    first.process.send_signal(number)
    assert first.wait() == RESUMABLE, first.log.read_text()
    assert time.monotonic() - began < WITHIN
    saved = load_tensors(checkpoint_file(tmp_path))[1]["update"]
    assert 0 < saved < SLOW.training.updates
    second = run(tmp_path)
    assert f"resumed at update {saved}:" in second.log.read_text()
    assert contents(tmp_path) == contents(undisturbed)
    tally.survived(f"{number.name} to a training")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM] if LONG else [signal.SIGINT])
def test_ctrl_c_stops_a_sweep_and_the_same_command_goes_on(
    number: signal.Signals, tmp_path: Path, undisturbed: dict[str, str], tally: Tally
) -> None:
    """As a terminal sends it: to every process of the group at once."""
    workspace, never = (
        Workspace(tmp_path / "sweep", **DISTURBED),
        {"LSTM_BENCH_CHECKPOINT_SECONDS": "9999"},
    )
    sweep = Sweep(workspace, env=never)
    lines = "results/logs/train/*/*.log"
    assert until(lambda: any(p.stat().st_size for p in workspace.path.glob(lines)))
    time.sleep(0.5)
    tally.injected(f"{number.name} to a sweep")
    os.killpg(sweep.process.pid, number)
    assert sweep.wait() != 0
    saved = list(workspace.path.glob("results/checkpoints/*/*/state.safetensors"))
    assert saved, "nothing was saved: " + sweep.told()
    assert not locked(workspace)
    again = Sweep(workspace)
    assert again.wait() == 0, again.told()
    logs = "".join(path.read_text() for path in workspace.path.glob(lines))
    assert len(re.findall(r"resumed at update \d+", logs)) == len(saved)
    assert digests(workspace) == undisturbed
    tally.survived(f"{number.name} to a sweep")
