from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from filelock import FileLock

from lstm_bench.errors import BenchError, DamagedFile
from lstm_bench.spec import Condition, SeedBlock
from lstm_bench.store.conditions import read_condition
from lstm_bench.store.files import read_json, write_json
from lstm_bench.store.paths import Results
from lstm_bench.store.planned import PlannedCondition
from lstm_bench.store.tables import read_about, read_table, write_table
from lstm_bench.store.verify import forget, remove, verify
from lstm_bench.training.outcome import now, write_failure

CONDITION, BLOCKS = Condition("adding", 12, "lstm", 8), [SeedBlock(0, 1), SeedBlock(2, 3)]


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """Two seed blocks that ended in an error, of code 1 and of code 2."""
    found = Results(tmp_path)
    for block, code in zip(BLOCKS, ("1", "2")):
        write_failure(found.block(CONDITION, block), CONDITION, block, "killed", code, now())
    return found


def plan(code: str) -> Any:
    blocks = [(CONDITION.id, block.name) for block in BLOCKS]
    return SimpleNamespace(
        every_block=lambda: blocks,
        blocks=lambda names: blocks if names == ["horizon"] else [],
        conditions={CONDITION.id: PlannedCondition(CONDITION, code=code)},
        experiments=["horizon", "cost"],
        ladder_of={},
        tables={},
        asked=[],
    )


def test_only_blocks_that_ended_so_are_forgotten(results: Results) -> None:
    assert forget(plan("2"), results, ["timeout"]) == []
    (stale,) = forget(plan("2"), results, ["stale"])
    assert stale == f"{CONDITION.id} seeds-000-001: stale"
    assert [path.name for path in results.blocks()] == ["seeds-002-003"]
    (failed,) = forget(plan("2"), results, ["error", "stale"])
    assert failed == f"{CONDITION.id} seeds-002-003: error"
    assert results.blocks() == []


def test_one_that_solved_its_task_and_diverged_after_it_ended_in_both(results: Results) -> None:
    file = results.block(CONDITION, BLOCKS[1]) / "replicates.parquet"
    rows = [
        {**r, "status": "solved", "reason": "then diverged"} for r in read_table(file).to_pylist()
    ]
    write_table(file, rows, read_about(file))
    (found,) = forget(plan("2"), results, ["diverged"])
    assert found == f"{CONDITION.id} seeds-002-003: diverged"
    assert [path.name for path in results.blocks()] == ["seeds-000-001"]


def test_what_was_drawn_from_a_forgotten_block_goes_with_it(results: Results) -> None:
    for name in ("horizon", "cost"):
        write_json(results.experiment(name) / "verdict.json", {})
    write_json(results.claims / "verdicts.json", {})
    forget(plan("1"), results, ["timeout"])
    assert (results.claims / "verdicts.json").exists()
    forget(plan("1"), results, ["stale"])
    assert not results.experiment("horizon").exists()
    assert (results.experiment("cost") / "verdict.json").exists()
    assert not results.claims.exists()


def test_of_two_damaged_files_the_first_may_take_the_second_along(results: Results) -> None:
    victims = [results.experiment("horizon") / "table.csv", results.claims / "verdicts.json"]
    for victim in victims:
        write_json(victim, {})
    for victim in victims:
        remove(victim, results)
        assert not victim.exists()


def test_a_block_in_training_is_not_forgotten(results: Results) -> None:
    lock = results.checkpoint(CONDITION, BLOCKS[0]).with_suffix(".lock")
    lock.parent.mkdir(parents=True)
    with FileLock(lock), pytest.raises(BenchError, match=r"seeds-000-001 is in training"):
        forget(plan("1"), results, ["error"])
    assert len(results.blocks()) == 2


def test_all_that_is_stored_is_read_and_a_damaged_block_goes_as_one(results: Results) -> None:
    assert [fault for _, fault in verify(results) if fault] == []
    victim = results.block(CONDITION, BLOCKS[0]) / "timing.parquet"
    victim.write_bytes(victim.read_bytes()[:-9])
    ((path, fault),) = [(path, fault) for path, fault in verify(results) if fault]
    assert path == victim
    assert isinstance(fault, DamagedFile)
    remove(path, results)
    assert not victim.parent.exists()
    assert [fault for _, fault in verify(results) if fault] == []


def test_a_condition_that_its_folder_does_not_vouch_for_is_damaged(results: Results) -> None:
    path = results.run(CONDITION) / "condition.json"
    assert read_condition(results, CONDITION.id) == CONDITION
    for change in ({"width": 9}, {"task": 3}, {"training": None}):
        write_json(path, {**CONDITION.to_json(), **change})
        with pytest.raises(DamagedFile, match=r"condition.json is damaged"):
            read_condition(results, CONDITION.id)
    assert read_json(path)["training"] is None
