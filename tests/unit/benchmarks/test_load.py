"""The load benchmark plans what it says, and its stored runs are read like trained ones."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from benchmarks import load
from benchmarks.stored_runs import POINTS, write_blocks
from lstm_bench.planning.plan import resolve
from lstm_bench.store.collect import collect
from lstm_bench.store.paths import Results

SCHEMA = yaml.safe_load((load.ROOT / "workflow/schemas/config.schema.yaml").read_text())


@pytest.mark.parametrize(("trained", "conditions"), [(True, 4), (False, 100)])
def test_a_config_has_as_many_blocks_as_asked(tmp_path: Path, trained: bool, conditions: int):
    plan = resolve(load.config(100, trained), SCHEMA)
    blocks = plan.blocks(plan.asked)
    assert len(blocks) == 100
    assert len({id for id, _ in blocks}) == conditions


def test_written_blocks_are_collected(tmp_path: Path):
    made = resolve({**load.config(50, trained=False), "lengths": [5, 6]}, SCHEMA)
    plan = made.write(Results(tmp_path).plan("d"))
    write_blocks(tmp_path)
    blocks = plan.blocks(plan.asked)
    assert len(collect(Results(tmp_path), blocks, "replicates")) == len(blocks) == 2
    assert len(collect(Results(tmp_path), blocks, "curves")) == 2 * POINTS
