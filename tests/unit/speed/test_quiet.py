"""The rule by which a sample with a busy neighbour is discarded."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from lstm_bench.speed.quiet import Sample, busy_seconds, is_disturbed, take


@pytest.mark.parametrize(
    ("wall", "cpu", "others", "threads", "disturbed"),
    [
        (1.0, 1.00, 0.00, 1, False),
        (1.0, 0.96, 0.05, 1, False),
        (1.0, 0.94, 0.00, 1, True),  # the core was taken away
        (1.0, 1.00, 0.11, 1, False),  # 5 % of two cores and two ticks are 0.12 s
        (1.0, 1.00, 0.13, 1, True),  # a neighbour worked
        (0.1, 0.10, 0.029, 1, False),  # two ticks are the grain of the accounts
        (0.1, 0.10, 0.031, 1, True),
        (1.0, 1.40, 0.00, 2, False),  # one thread waited for the other
        (1.0, 0.50, None, 2, False),
        (1.0, 0.50, None, 1, True),
    ],
)
def test_the_rule(wall: float, cpu: float, others: float | None, threads: int, disturbed: bool):
    sample = Sample(calls=1, wall=wall, cpu=cpu, others=others)
    assert is_disturbed(sample, threads, cores=2) is disturbed


def test_a_sample_is_the_time_of_all_its_calls_and_says_what_others_did():
    calls: list[int] = []
    accounts = iter([10.0, 10.5])

    def work() -> None:
        calls.append(1)
        ends = time.process_time() + 0.02
        while time.process_time() < ends:
            pass

    sample = take(work, 3, lambda: next(accounts))
    assert len(calls) == sample.calls == 3
    assert sample.cpu >= 0.06
    assert sample.wall >= sample.cpu * 0.99
    assert sample.seconds == pytest.approx(sample.wall / 3)
    assert sample.others == pytest.approx(0.5 - sample.cpu)


def test_sleeping_through_a_sample_is_a_disturbance():
    assert is_disturbed(take(lambda: time.sleep(0.02), 2, lambda: None), 1, 2)


def test_the_accounts_of_the_machine_leave_idle_and_waiting_out(tmp_path: Path):
    stat = tmp_path / "stat"
    stat.write_text("cpu  100 20 30 99999 88888 4 5 600 7 8\ncpu0 1 2 3\n")
    ticks = os.sysconf("SC_CLK_TCK")
    assert busy_seconds(stat) == pytest.approx((100 + 20 + 30 + 4 + 5 + 600) / ticks)
    assert busy_seconds(tmp_path / "none") is None
