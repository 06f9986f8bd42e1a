"""`lstm-bench status` and the MLflow view know what was trained without a sweep."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from filelock import FileLock

import lstm_bench
from lstm_bench.cli import cli
from lstm_bench.errors import BenchError
from lstm_bench.spec import TUNING_SEEDS, Condition, SeedBlock
from lstm_bench.store.paths import Results
from lstm_bench.tracking.known import plan_of
from tests.unit.tracking.fake_results import finish, finish_block, make_plan


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Results:
    monkeypatch.chdir(tmp_path)
    return Results()


def status() -> list[list[str]]:
    """Every line, its title and its text."""
    done = CliRunner().invoke(cli, ["status"], standalone_mode=False)
    if done.exception:
        raise done.exception
    return [[line[:12].strip(), line[12:].strip()] for line in done.output.splitlines()]


def test_trainings_of_their_own_are_listed_beside_a_sweep(results: Results):
    earlier = make_plan(results, cells=("gru",)).write(results.plan("1" * 16))
    finish(results, earlier)
    finish(results, make_plan(results))
    single = Condition("adding", 7, "lstm")
    finish_block(results, single, SeedBlock(0, 2))
    finish_block(results, single, SeedBlock(3, 3), status="error")
    finish_block(results, single, SeedBlock(TUNING_SEEDS, TUNING_SEEDS + 1))  # of a search
    lines = status()
    assert ["seed blocks", "2: 2 done"] in lines
    assert ["beside them", "1 seed blocks of other configs"] in lines
    assert [line for line in lines if line[0] == "single"] == [
        ["single", f"{single.id}: 1 error, 3 solved"]
    ]
    assert ["failed", f"{single.id}: seed 3: error, out_of_memory"] in lines


def test_a_training_that_runs_is_seen_before_anything_is_finished(results: Results):
    with pytest.raises(BenchError, match="nothing was run here"):
        status()
    single = Condition("adding", 7, "lstm")
    lock = results.checkpoint(single, "seeds-000-004").with_suffix(".lock")
    lock.parent.mkdir(parents=True)
    with FileLock(lock):
        assert status() == [
            ["config", "none: no sweep was run here"],
            ["single", f"{single.id}: 1 running"],
            ["running", f"{single.id} seeds-000-004"],
        ]
        assert plan_of(results).asked == []  # the UI opens, and imports what finishes
    finish_block(results, single, SeedBlock(0, 4))
    lock.unlink(missing_ok=True)
    assert status()[1:] == [["single", f"{single.id}: 5 solved"]]


def test_a_real_training_is_one(results: Results):
    small = {"updates": 2, "validation_size": 8, "test_size": 8, "width": 3}
    trained = lstm_bench.train("adding", "elman", 4, replicates=2, device="cpu", **small)
    assert status()[1:] == [["single", f"{trained.condition.id}: 2 unsolved"]]
