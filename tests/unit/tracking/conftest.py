"""A small finished sweep, and a look into MLflow's database."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.tracking.client import prepare_environment
from tests.unit.tracking.fake_results import conclude, finish, make_plan

BLOCKS = ("seeds-000-001", "seeds-002-003")
RUNS = 2 * (1 + 4) + 1  # two conditions of four replicates, one experiment


class Mlflow:
    """Reads results/mlflow.db as any other client would.

    MLflow keeps what it has opened for the rest of the process, by address: a file that was removed
    and made anew is seen under another address alone.
    """

    def __init__(self, results: Results, uri: str | None = None) -> None:
        prepare_environment()
        from mlflow import MlflowClient

        self.client = MlflowClient(uri or f"sqlite:///{results.mlflow_db}")

    @property
    def experiment_id(self) -> str:
        found = self.client.get_experiment_by_name("lstm_bench")
        assert found is not None
        return found.experiment_id

    def runs(self, filter: str = "") -> list[Any]:
        return list(self.client.search_runs([self.experiment_id], filter, max_results=1000))

    def named(self, name: str) -> Any:
        (run,) = self.runs(f"attributes.run_name = '{name}'")
        return run

    def keys(self) -> list[str]:
        return sorted(run.data.tags["lstm_bench.key"] for run in self.runs())

    def history(self, run: Any, metric: str) -> list[Any]:
        return self.client.get_metric_history(run.info.run_id, metric)

    def require_whole(self, count: int = RUNS) -> None:
        """`count` runs, every key once, every one finished, with finite metrics and a parent."""
        runs = self.runs()
        keys = [run.data.tags["lstm_bench.key"] for run in runs]
        assert len(set(keys)) == len(keys) == count
        ids = {run.info.run_id for run in runs}
        for run in runs:
            assert run.info.status != "RUNNING"
            assert run.data.tags["lstm_bench.digest"]
            assert all(math.isfinite(value) for value in run.data.metrics.values())
            if run.data.tags["level"] == "replicate":
                assert run.data.tags["mlflow.parentRunId"] in ids


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with MLflow's tables and nothing in them; making one takes seconds."""
    folder = tmp_path_factory.mktemp("empty")
    prepare_environment()
    from mlflow import MlflowClient

    MlflowClient(f"sqlite:///{folder}/mlflow.db").search_experiments()
    return folder / "mlflow.db"


@pytest.fixture
def results(tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch) -> Results:
    """In an empty folder; the database has its tables already."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    found = Results(tmp_path)
    found.mlflow_db.parent.mkdir()
    shutil.copy(empty_store, found.mlflow_db)
    return found


@pytest.fixture
def plan(results: Results) -> Plan:
    """Planned and finished: `RUNS` runs."""
    planned = make_plan(results, blocks=BLOCKS)
    finish(results, planned)
    conclude(results)
    return planned
