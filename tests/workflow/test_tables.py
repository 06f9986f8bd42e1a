"""`snakemake tables` trains what is missing and writes the page."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from lstm_bench.errors import BenchError
from lstm_bench.planning.plan import resolve
from tests.workflow.test_bad_input import SCHEMA
from tests.workflow.workspace import TINY, Workspace


def test_tables_are_trained_when_they_are_asked_for_and_not_before(tmp_path: Path) -> None:
    limits = {"rows": ["hs97_long_lag"], "replicates": 2, "updates": 3}
    workspace = Workspace(tmp_path, experiments=["horizon"], tables=limits)
    assert "table" not in workspace.planned()
    shown = workspace.snakemake("tables")
    assert shown.returncode == 0, shown.stdout
    folder = tmp_path / "results/tables"
    table = pd.read_csv(folder / "hs97_long_lag.csv")
    assert table.n.tolist() == [2, 2, 2, 2]
    assert table.solved.tolist() == [0, 0, 0, 0]
    assert table.parameters[:2].tolist() == table.paper_weights[:2].tolist() == [10504, 10504]
    assert table.cap.tolist() == [3, 3, 3, 3]
    about = json.loads((folder / "hs97_long_lag.json").read_text())
    assert sum("reduced by the config to 2 of" in told for told in about["deviations"]) == 4
    for page in ("hs97_long_lag.md", "index.html"):
        text = (folder / page).read_text()
        assert "5,040" in text
        assert "not judged: the control" in text
        assert "0 of 2 [0.00, 0.66]" in text
    assert workspace.planned("tables") == {}
    workspace.configure(tables={**limits, "replicates": 3})
    assert workspace.planned("tables")["train"] == 4


def test_a_row_nobody_knows_names_the_nearest() -> None:
    with pytest.raises(BenchError, match="did you mean 'hs97_long_lag'"):
        resolve({**TINY, "tables": {"rows": ["hs97_longlag"]}}, SCHEMA)
