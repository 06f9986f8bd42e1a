"""Blocks in a job of the cluster: as long as wanted, whatever the blocks; more on each attempt."""

from __future__ import annotations

import pytest
import yaml

from lstm_bench.planning import packing
from lstm_bench.spec import Condition, Training
from lstm_bench.store.planned import Effort, PlannedCondition
from tests.workflow.workspace import ROOT

PROFILE = yaml.safe_load((ROOT / "profiles/slurm/config.yaml").read_text())


def entry(updates: int) -> PlannedCondition:
    """A condition of an LSTM that takes about a millisecond an update and replicate."""
    return PlannedCondition(
        Condition("adding", 50, "lstm", training=Training(updates=updates)),
        flops_per_update=40_000_000,
        parameters=5000,
        state_size=64,
        effort=Effort(way="kernel", steps=50, inputs=2),
    )


@pytest.mark.parametrize("updates", [10_000, 30_000, 100_000])
def test_a_group_fills_a_job_of_the_wanted_length(updates: int) -> None:
    group = packing.group(entry(updates), "seeds-000-004")
    seconds = packing._seconds(entry(updates), "seeds-000-004")
    upper = int(group.removeprefix("train_").removesuffix("s"))
    assert upper / 2 < seconds <= upper
    assert 20 * 60 / 1.5 <= packing.components(20)[group] * seconds <= 20 * 60 * 1.5


def test_the_longest_block_has_a_job_of_its_own_and_the_shortest_share_one() -> None:
    found = packing.components(20)
    assert found[packing.group(entry(10**9), "seeds-000-004")] == 1
    assert found[packing.group(entry(1), "seeds-000-000")] == packing.MOST


def test_a_block_for_a_gpu_shares_no_job_with_one_for_a_cpu() -> None:
    groups = [packing.group(entry(10_000), "seeds-000-004", gpus) for gpus in (0, 1)]
    assert groups[1] == groups[0] + "_gpu"
    assert packing.components()[groups[0]] == packing.components()[groups[1]]


def test_each_attempt_asks_for_more() -> None:
    for asked in (packing.minutes, packing.mem_mb):
        values = [asked(entry(100_000), "seeds-000-004", attempt) for attempt in (1, 2, 3)]
        assert values == [values[0], 2 * values[0], 3 * values[0]]
    limit = packing.minutes(entry(100_000), "seeds-000-004", 1)
    assert 60 * limit >= 2 * packing._seconds(entry(100_000), "seeds-000-004")


def test_the_profile_lists_every_group_as_the_command_prints_it() -> None:
    listed = dict(line.split("=") for line in PROFILE["group-components"])
    expected = packing.components(packing.MINUTES)
    assert {name: int(count) for name, count in listed.items()} == expected
