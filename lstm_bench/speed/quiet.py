"""Samples of time, and the rule by which one with a busy neighbour is discarded.

A sample is a run of calls that lasts long enough for the kernel's accounts (hundredths of a second)
to say what else the machine did meanwhile. It is discarded when either

    the timed process, on one thread, had its core for less than 95 % of the sample, or
    everything else on the machine (other processes, the kernel, the hypervisor's other guests)
    used more than 5 % of all cores, beyond two ticks of the accounts.

Where the machine keeps no such accounts (/proc/stat), the first part is the whole rule.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

OWN_SHARE = 0.95
OTHERS_SHARE = 0.05
TICK = 0.01  # seconds; the unit of /proc/stat on all usual kernels
STAT = Path("/proc/stat")


@dataclass(frozen=True)
class Sample:
    """Seconds of a run of calls: on the clock, on processors, and on processors by all others."""

    calls: int
    wall: float
    cpu: float
    others: float | None

    @property
    def seconds(self) -> float:
        """Of one call."""
        return self.wall / self.calls


def is_disturbed(sample: Sample, threads: int, cores: int) -> bool:
    """The rule above. With several threads a core may well wait for another: no first part."""
    if threads == 1 and sample.cpu < OWN_SHARE * sample.wall:
        return True
    allowed = OTHERS_SHARE * sample.wall * cores + 2 * TICK
    return sample.others is not None and sample.others > allowed


def busy_seconds(stat: Path = STAT) -> float | None:
    """Seconds all cores together have worked since the machine started; None where unknown."""
    try:
        words = stat.read_text(encoding="utf-8").split("\n", 1)[0].split()
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, words[1:9])
    except (OSError, ValueError):
        return None
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def take(
    call: Callable[[], None], calls: int, busy: Callable[[], float | None] = busy_seconds
) -> Sample:
    """Time a run of calls in this process."""
    before, cpu, wall = busy(), time.process_time(), time.perf_counter()
    for _ in range(calls):
        call()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    after = busy()
    others = None if before is None or after is None else max(after - before - cpu, 0.0)
    return Sample(calls, wall, cpu, others)


def cores() -> int:
    return os.cpu_count() or 1
