"""MLflow data of others, in the same database: an import touches its own runs alone."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.tracking.client import prepare_environment
from lstm_bench.tracking.importer import track
from tests.unit.tracking.conftest import RUNS, Mlflow
from tests.unit.tracking.fake_results import finish, make_plan


@pytest.fixture
def shared(tmp_path: Path, empty_store: Path) -> str:
    """The address of a database that is nobody's results/mlflow.db."""
    return f"sqlite:///{shutil.copy(empty_store, tmp_path / 'shared.db')}"


def client_of(uri: str) -> Any:
    prepare_environment()
    from mlflow import MlflowClient

    return MlflowClient(uri)


def own_run(client: Any, experiment: str) -> str:
    """A user's own run with an artifact; returns its id."""
    id = client.create_run(experiment, tags={"mine": "yes"}).info.run_id
    client.log_text(id, "a model", "model.txt")
    return id


def text(client: Any, run: str, name: str = "model.txt") -> str:
    return Path(client.download_artifacts(run, name)).read_text(encoding="utf-8")


@pytest.mark.parametrize("own_database", [True, False])
def test_artifacts_of_others_stay_where_they_are(
    results: Results, plan: Plan, tmp_path: Path, shared: str, own_database: bool
) -> None:
    """In the experiment of the same name, in one whose folder LIKE would take for it, elsewhere."""
    uri = f"sqlite:///{results.mlflow_db}" if own_database else shared
    client = client_of(uri)
    places = [tmp_path / name for name in ("mine_artifacts", "mineXartifacts", "third")]
    names = ("lstm_bench", "another", "a third")
    experiments = [
        client.create_experiment(name, artifact_location=place.as_uri())
        for name, place in zip(names, places)
    ]
    theirs = [own_run(client, experiment) for experiment in experiments]
    before = [client.get_run(run).info.artifact_uri for run in theirs]
    for _ in range(2):
        track(plan, results, uri=uri)
    assert [client.get_run(run).info.artifact_uri for run in theirs] == before
    assert [text(client, run) for run in theirs] == ["a model"] * 3
    assert client.get_experiment(experiments[0]).artifact_location == places[0].as_uri()
    ours = client.search_runs(experiments[:1], "tags.level = 'condition'")
    assert len(ours) == 2
    assert all("cell" in text(client, run.info.run_id, "condition.json") for run in ours)


def test_two_folders_share_a_database(results: Results, plan: Plan, shared: str) -> None:
    other = Results(results.root / "other")
    second = make_plan(other, cells=["gru"])
    finish(other, second)
    for _ in range(2):
        for where, planned in ((results, plan), (other, second)):
            tally = track(planned, where, uri=shared)
            assert str(results.mlflow_artifacts) in str(tally)
    client = client_of(shared)
    ids = [client.get_experiment_by_name("lstm_bench").experiment_id]
    runs = client.search_runs(ids, "tags.level = 'condition'")
    assert sorted(run.data.params["cell"] for run in runs) == ["elman", "gru", "lstm"]
    assert all("cell" in text(client, run.info.run_id, "condition.json") for run in runs)


def test_a_copy_of_a_folder_has_its_own_artifacts(
    results: Results, plan: Plan, tmp_path: Path
) -> None:
    """And the original keeps its own, as does a folder whose runs the copied database holds too."""
    track(plan, results)
    other = Results(tmp_path / "other")
    second = make_plan(other, cells=["gru"], experiment="theirs")
    finish(other, second)
    track(second, other, uri=f"sqlite:///{results.mlflow_db}")
    copy = Results(tmp_path / "copy")
    shutil.copytree(results.mlflow_db.parent, copy.mlflow_db.parent)
    assert track(plan, copy).unchanged == RUNS
    theirs = replace(plan, config=second.config)
    track(theirs, copy)
    shutil.rmtree(results.mlflow_db.parent)
    client = Mlflow(copy).client
    for name, cells in (("lstm_bench", ["elman", "lstm"]), ("theirs", ["elman", "gru", "lstm"])):
        ids = [client.get_experiment_by_name(name).experiment_id]
        runs = client.search_runs(ids, "tags.level = 'condition'")
        assert sorted(run.data.params["cell"] for run in runs) == cells
        for run in runs:
            assert "cell" in text(client, run.info.run_id, "condition.json")
            home = other if run.data.params["cell"] == "gru" else copy
            home = other if name == "theirs" else home
            assert run.info.artifact_uri.startswith(home.mlflow_artifacts.as_uri())


def test_what_a_database_of_one_s_own_says_after_a_move(
    results: Results, plan: Plan, tmp_path: Path
) -> None:
    """A user's run in the suite's experiment moves with the folder, since its files did."""
    track(plan, results)
    mine = own_run(Mlflow(results).client, Mlflow(results).experiment_id)
    moved = tmp_path.rename(tmp_path.with_name(f"{tmp_path.name}-moved"))
    track(plan, Results(moved))
    assert text(Mlflow(Results(moved)).client, mine) == "a model"
