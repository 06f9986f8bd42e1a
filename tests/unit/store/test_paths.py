from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lstm_bench.errors import BenchError
from lstm_bench.spec import Condition, SeedBlock
from lstm_bench.store import paths
from lstm_bench.store.paths import Results
from tests.unit.report.hostile import HOSTILE

CONDITION = Condition("adding", 50, "lstm")
BLOCK = SeedBlock(0, 4)


def test_everything_lies_below_results(tmp_path: Path):
    r = Results(tmp_path)
    places = [
        r.plan("abc"),
        r.ladder("adding-lstm-w32-abc"),
        r.run(CONDITION),
        r.block(CONDITION, BLOCK),
        r.checkpoint(CONDITION, BLOCK),
        r.probe("cost", "speed", "abc"),
        r.experiment("horizon"),
        r.mlflow_db,
        r.mlflow_artifacts,
        r.logs,
    ]
    assert all(p.is_relative_to(tmp_path / "results") for p in places)
    assert len(set(places)) == len(places)
    assert not any("{" in str(p) for p in places)


def test_a_block_is_found_by_objects_and_by_names_alike():
    r = Results()
    assert r.block(CONDITION, BLOCK) == r.block(CONDITION.id, BLOCK.name)
    assert r.block(CONDITION, BLOCK) == Path(
        paths.BLOCK.format(condition=CONDITION.id, block="seeds-000-004")
    )


def test_checkpoints_lie_outside_of_what_a_failed_job_has_deleted():
    r = Results()
    assert not r.checkpoint(CONDITION, BLOCK).is_relative_to(r.run(CONDITION))


ELMAN, LSTM = (Condition("adding", 50, cell).id for cell in ("elman", "lstm"))


@pytest.mark.parametrize("finished", [[], [ELMAN], [ELMAN, LSTM]])
def test_a_block_counts_as_finished_when_its_replicates_are_there(tmp_path: Path, finished):
    r = Results(tmp_path)
    for condition in (ELMAN, LSTM):
        r.block(condition, BLOCK).mkdir(parents=True)
        (r.block(condition, BLOCK) / "curves.parquet").touch()
    for condition in finished:
        (r.block(condition, BLOCK) / "replicates.parquet").touch()
    assert r.blocks() == [r.block(condition, BLOCK) for condition in finished]


@pytest.mark.parametrize("name", HOSTILE)
def test_no_name_leads_out_of_results(tmp_path: Path, name: str):
    r = Results(tmp_path)
    stored = Condition(name[:60], 10, name[:60])
    assert r.run(stored).parent == tmp_path / "results" / "runs"
    for place in (
        lambda: r.ladder(name),
        lambda: r.run(name),
        lambda: r.block(stored, name),
        lambda: r.checkpoint(stored, name),
        lambda: r.probe(name, "horizon", "abc"),
        lambda: r.probe("cost", name, "abc"),
        lambda: r.probe("cost", "horizon", name),
        lambda: r.experiment(name),
        lambda: r.table(name, ".csv"),
        lambda: r.plan(name),
    ):
        if name == "__proto__":  # plain enough for a file
            assert place().resolve().is_relative_to(tmp_path / "results")
        else:
            with pytest.raises(BenchError, match="not allowed as the name of a file"):
                place()


@given(task=st.text(min_size=1, max_size=60), cell=st.text(min_size=1, max_size=60))
def test_the_folder_of_a_condition_is_plain_whatever_it_is_called(task: str, cell: str):
    folder = Results("here").run(Condition(task, 10, cell))
    assert folder.parent == Path("here/results/runs")
    assert re.fullmatch(r"[a-z0-9_]+-T10-[a-z0-9_]+-w32-[0-9a-f]{10}", folder.name)
    assert len(folder.name) <= 200
