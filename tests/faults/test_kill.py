"""kill -9 at random instants of a sweep: the rerun completes, with the bytes of an undisturbed one.

The instants are drawn in chains: a sweep is killed, started again, killed again, some times over,
and then left to finish. So most instants strike a sweep that is already a rerun.
"""

from __future__ import annotations

import random
import time
from pathlib import Path

import psutil
import pytest

from tests.faults.conftest import LONG, Tally
from tests.faults.sweeps import DISTURBED, Sweep, digests, locked, unlock, until
from tests.workflow.workspace import Workspace

SECONDS = 30.0  # of a sweep when two tests share a core; a later instant finds it finished
CHAINS = range(25) if LONG else range(1)
KILLS = 4 if LONG else 2
WHO = ("training", "snakemake", "both", "server")


def strike(sweep: Sweep, who: str) -> bool:
    """Kill them now, or as soon as they are there; whether the sweep was still running."""
    if who == "training":
        until(lambda: sweep.trainings() or not sweep.running)
        victims = sweep.trainings()[:1]
    elif who == "server":
        until(lambda: sweep.server() or not sweep.running)
        victims = sweep.server()
    elif who == "snakemake":
        victims = [psutil.Process(sweep.process.pid)] if sweep.running else []
    else:
        victims = sweep.family() if sweep.running else []
    if not sweep.running or not victims:
        return False
    sweep.kill(*victims)
    if who in ("snakemake", "both"):
        sweep.wait()
    return True


@pytest.mark.parametrize("chain", CHAINS)
def test_a_sweep_killed_again_and_again_ends_with_the_same_bytes(
    chain: int, tmp_path: Path, undisturbed: dict[str, str], tally: Tally
) -> None:
    draw = random.Random(chain)
    workspace, done = Workspace(tmp_path / "killed", **DISTURBED), []
    while len(done) < KILLS:
        sweep, who = Sweep(workspace), WHO[(chain + len(done)) % len(WHO)]
        time.sleep(draw.uniform(0, SECONDS / (2 if len(done) else 1)))
        if strike(sweep, who):
            tally.injected(f"kill -9 of {who}")
            done.append(who)
        if who in ("training", "server"):
            sweep.wait()  # the sweep itself goes on
        if not sweep.running and sweep.wait() == 0:
            break
        if locked(workspace):
            unlock(workspace)
    last = Sweep(workspace)
    assert last.wait() == 0, last.told()
    found = digests(workspace)
    assert found == undisturbed
    assert not any(name.startswith("checkpoints") for name in found), "locks are left behind"
    for who in done:
        tally.survived(f"kill -9 of {who}")
