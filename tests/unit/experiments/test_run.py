"""Conclusions from stored runs, also where little or nothing can be concluded."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from lstm_bench.errors import BenchError, DamagedFile
from lstm_bench.experiments.run import conclude, csv_bytes, read_csv
from lstm_bench.planning.plan import resolve
from lstm_bench.spec import SeedBlock
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.training.outcome import now, write_failure
from tests.workflow.test_bad_input import SCHEMA
from tests.workflow.workspace import TINY


@pytest.fixture
def results(tmp_path: Path) -> Results:
    return Results(tmp_path)


def failed(results: Results, code: str | None = None) -> Plan:
    """A sweep in which every replicate ended in an error."""
    path = results.plan("digest")
    resolve(TINY, SCHEMA).write(path)
    plan = Plan.read(path)
    for id, block in plan.blocks(["horizon"]):
        entry = plan.conditions[id]
        write_failure(
            results.block(id, block),
            entry.spec,
            SeedBlock.parse(block),
            "out_of_memory",
            code or entry.code,
            now(),
        )
    return plan


def test_runs_of_other_code_are_refused_by_name(results: Results) -> None:
    plan = failed(results, code="task 0 cell 0 engine 0 training 0")
    with pytest.raises(BenchError, match=r"results/runs/.* was trained by other code \(task 0"):
        conclude(plan, "horizon", results)


def test_a_table_without_a_column_is_read_back_and_a_cut_one_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "summary.csv"
    for table in (pd.DataFrame(), pd.DataFrame(columns=["task", "n"])):
        path.write_bytes(csv_bytes(table))
        assert read_csv(path).columns.tolist() == table.columns.tolist()
        assert read_csv(path).empty
    path.write_bytes(b"")
    with pytest.raises(DamagedFile, match=r"summary\.csv is damaged"):
        read_csv(path)
