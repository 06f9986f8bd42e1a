"""kill -9 at random instants of a sweep: the rerun completes, with the bytes of an undisturbed one.

The instants are drawn in chains: a sweep is killed, started again where that ended it, killed
again, and then left to finish. So most instants strike a sweep that is already a rerun.
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

KILLS = 4 if LONG else 2
WHO = ("training", "snakemake", "both", "server")


def strike(sweep: Sweep, who: str, draw: random.Random, seconds: float) -> bool:
    """Kill them at an instant of their own; whether they were still there."""
    there = {"training": sweep.trainings, "server": sweep.server}.get(who, sweep.family)
    until(lambda: there() or not sweep.running)
    time.sleep(draw.uniform(0, seconds))
    victims = there() if sweep.running else []
    if who == "training":
        victims = draw.sample(victims, min(1, len(victims)))
    elif who == "snakemake":
        victims = [psutil.Process(sweep.process.pid)] if victims else []
    sweep.kill(*victims)
    if victims and who in ("snakemake", "both"):
        sweep.wait()
    return bool(victims)


@pytest.mark.parametrize("chain", range(28) if LONG else [1])
def test_a_sweep_killed_again_and_again_ends_with_the_same_bytes(
    chain: int, tmp_path: Path, undisturbed: dict[str, str], seconds: float, tally: Tally
) -> None:
    draw = random.Random(chain)
    workspace, done = Workspace(tmp_path / "killed", **DISTURBED), []
    sweep = Sweep(workspace)
    for number in range(KILLS):
        if not sweep.running:
            if sweep.wait() == 0:
                break
            if locked(workspace):
                unlock(workspace)
            sweep = Sweep(workspace)
        who = WHO[(chain + number) % len(WHO)]
        short = who in ("training", "server")
        if strike(sweep, who, draw, seconds / (6 if short else 1 + number)):
            tally.injected(f"kill -9 of {who}")
            done.append(who)
    sweep.wait()
    if locked(workspace):
        unlock(workspace)
    last = Sweep(workspace)
    assert last.wait() == 0, last.told()
    found = digests(workspace)
    assert found == undisturbed
    assert not any(name.startswith("checkpoints") for name in found), "locks are left behind"
    for who in done:
        tally.survived(f"kill -9 of {who}")
