"""MLflow, opened in one way: the only module of the package that imports it."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from filelock import FileLock

from lstm_bench.store.commit import git_commit
from lstm_bench.store.paths import MLFLOW_ARTIFACTS, Results
from lstm_bench.tracking.address import (
    require_allowed,
    require_answer,
    sentence,
    sqlite_file,
    tracking_uri,
)
from lstm_bench.tracking.credentials import without_credentials
from lstm_bench.tracking.disk import require_local_disk
from lstm_bench.tracking.records import Record, Split

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

KEY, DIGEST, PARENT = "lstm_bench.key", "lstm_bench.digest", "mlflow.parentRunId"
BATCH = 900  # metrics; MLflow takes 1000 metrics, parameters and tags together

ENVIRONMENT = {  # read by MLflow when it is imported; what the user has set stays
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",  # its 7 processes serve language models
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
}


def prepare_environment() -> None:
    """Before the first import of mlflow: no telemetry, no chatter, no long waits."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    # a request that is sent again after its answer was lost makes a second run, or every point of a
    # curve twice; an import that fails is repeated as a whole, and looks at what is there
    os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] = "0"
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # it prints the traceback of what it raises, and an import says that in a sentence
    logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)


@dataclass(frozen=True)
class Seen:
    """A run that MLflow has. `digest` is None when its import did not come to its end."""

    id: str
    digest: str | None
    tags: Mapping[str, str]


@contextlib.contextmanager
def opened(experiment: str, results: Results, uri: str | None = None) -> Iterator[Store]:
    """The store with its experiment, made where it is missing.

    Importers of one results folder or one SQLite file wait for each other, so that one of them is
    the first: several that make the database at once break it. Raises BenchError, with the address
    but without the credentials, when the store does not answer or cannot be written.
    """
    address = tracking_uri(results, uri)
    require_allowed(address)
    require_local_disk(address)
    require_answer(address)
    prepare_environment()
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    lock = (sqlite_file(address) or results.mlflow_db).with_suffix(".lock")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock), _without_syncing(results):
            _make_whole(address)
            client = MlflowClient(address)
            found = _experiment(client, experiment, results, address)
            yield Store(client, found, address, _is_own(address, results))
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError, ImportError) as error:
        raise sentence(address, error) from error


@contextlib.contextmanager
def _without_syncing(results: Results) -> Iterator[None]:
    """Let results/mlflow.db skip fsync, which is three quarters of an import's time.

    A killed importer leaves it whole; a machine that loses power may not, and then it is made anew.
    """
    from sqlalchemy import event
    from sqlalchemy.engine import Engine

    ours = str(results.mlflow_db.resolve())

    def relax(connection: Any, _: Any) -> None:
        if isinstance(connection, sqlite3.Connection):
            files = [row[2] for row in connection.execute("PRAGMA database_list")]
            if ours in files:
                connection.execute("PRAGMA synchronous = OFF")

    event.listen(Engine, "connect", relax)
    try:
        yield
    finally:
        event.remove(Engine, "connect", relax)


def _make_whole(uri: str) -> None:
    """Make an SQLite database that is not there or empty, with its tables, under another name.

    One that a kill or a full disk left between two of MLflow's migrations is of no use to it.
    """
    file = sqlite_file(uri)
    if file is None or (file.exists() and file.stat().st_size):
        return
    from mlflow import MlflowClient

    folder = file.with_name(f".{file.name}.new")
    shutil.rmtree(folder, ignore_errors=True)  # a kill left it
    folder.mkdir()
    try:
        MlflowClient(f"sqlite:///{folder}/made.db").search_experiments(max_results=1)
        (folder / "made.db").replace(file)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _experiment(client: MlflowClient, name: str, results: Results, uri: str) -> Experiment:
    """The experiment's id, made where it is missing.

    Beside a local database, artifacts of an experiment made here lie in results/mlartifacts; those
    of one that was there lie where it says.
    """
    from mlflow.exceptions import MlflowException

    served = urlsplit(uri).scheme.startswith(("http", "databricks"))
    place = None if served else results.mlflow_artifacts.resolve().as_uri()
    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            id = client.create_experiment(name, artifact_location=place)
            return client.get_experiment(id)
        except MlflowException:
            found = client.get_experiment_by_name(name)  # another importer was first
            if found is None:
                raise
    if found.lifecycle_stage != "active":
        client.restore_experiment(found.experiment_id)
    if place and place != found.artifact_location and _is_own(uri, results):
        _follow(results, found, place)
    return found


def _is_own(uri: str, results: Results) -> bool:
    """Whether this is the folder's own database, results/mlflow.db."""
    file = sqlite_file(uri)
    return file is not None and file.resolve() == results.mlflow_db.resolve()


def _follow(results: Results, experiment: Experiment, place: str) -> None:
    """Tell results/mlflow.db that its folder was moved, or is a copy, where it is.

    MLflow keeps addresses absolute, so that plain `mlflow ui` finds the files. Told anew are those
    below another results/mlartifacts, of runs whose files lie in this one: nobody else's.
    """
    old, id = experiment.artifact_location, experiment.experiment_id
    if not old.endswith(f"/{MLFLOW_ARTIFACTS}"):
        return
    with contextlib.closing(sqlite3.connect(results.mlflow_db)) as connection, connection:
        runs = connection.execute(
            "SELECT run_uuid, substr(artifact_uri, ?) FROM runs WHERE experiment_id = ? "
            "AND substr(artifact_uri, 1, ?) = ?",
            (len(old) + 1, id, len(old) + 1, f"{old}/"),
        ).fetchall()
        stored = results.mlflow_artifacts
        here = [(place + rest, run) for run, rest in runs if (stored / run).is_dir()]
        connection.executemany("UPDATE runs SET artifact_uri = ? WHERE run_uuid = ?", here)
        if here or not Path(url2pathname(urlsplit(old).path)).is_dir():
            where = "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?"
            connection.execute(where, (place, id))


class Store:
    """What the importer needs of MLflow; one experiment of it.

    Whatever is written is written when the call returns, also where MLFLOW_ENABLE_ASYNC_LOGGING
    asks for threads that lose what fails.
    """

    def __init__(self, client: MlflowClient, found: Experiment, uri: str, own: bool) -> None:
        self.client, self.experiment_id = client, found.experiment_id
        self.where = without_credentials(uri)
        beside = found.artifact_location.startswith("file:") and not own
        self.artifacts = found.artifact_location.removeprefix("file://") if beside else ""

    def runs(self) -> dict[str, list[Seen]]:
        """Every run that an importer made, by key."""
        found: dict[str, list[Seen]] = {}
        token = None
        while True:
            page = self.client.search_runs([self.experiment_id], max_results=1000, page_token=token)
            for run in page:
                tags = run.data.tags
                if KEY in tags:
                    digest = tags.get(DIGEST) if run.info.status != "RUNNING" else None
                    found.setdefault(tags[KEY], []).append(Seen(run.info.run_id, digest, tags))
            token = page.token
            if not token:
                return found

    def start(self, record: Record, key: str, more: Mapping[str, str]) -> str:
        """A new run, not yet finished; returns its id."""
        tags = {**record.tags, **more, **self._source, KEY: key}
        run = self.client.create_run(self.experiment_id, record.started, tags, record.name)
        return run.info.run_id

    def finish(self, id: str, record: Record, files: Mapping[str, bytes], digest: str) -> None:
        """Everything the run holds, in few transactions; the digest says that all is there."""
        from mlflow.entities import Metric, Param, RunTag

        if files:
            with tempfile.TemporaryDirectory() as folder:
                for name, data in files.items():
                    (Path(folder) / name).write_bytes(data)
                self.client.log_artifacts(id, folder)
        if record.inputs:
            self.client.log_inputs(id, [_dataset(split) for split in record.inputs])
        self.client.set_terminated(id, record.status, record.finished)
        metrics = [Metric(p.name, p.value, p.at, p.step) for p in record.metrics]
        params = [Param(name, value) for name, value in record.params.items()]
        while len(metrics) > BATCH:
            self.client.log_batch(id, metrics[:BATCH], synchronous=True)
            metrics = metrics[BATCH:]
        whole = [RunTag(DIGEST, digest)]  # tags go in last
        self.client.log_batch(id, metrics, params, whole, synchronous=True)

    def delete(self, id: str) -> None:
        self.client.delete_run(id)

    def tag(self, id: str, name: str, value: str) -> None:
        self.client.set_tag(id, name, value, synchronous=True)

    def describe(self, tags: Mapping[str, str]) -> None:
        """Tags of the experiment: its note and its saved views."""
        present = self.client.get_experiment(self.experiment_id).tags
        for name, value in tags.items():
            if present.get(name) != value:
                self.client.set_experiment_tag(self.experiment_id, name, value)

    @cached_property
    def _source(self) -> dict[str, str]:
        """Who imported it, and the commit that was checked out then."""
        tags = {"mlflow.source.name": "lstm-bench track", "mlflow.source.type": "LOCAL"}
        commit = git_commit()
        return {**tags, "mlflow.source.git.commit": commit} if commit else tags


def _dataset(split: Split) -> Any:
    from mlflow.entities import Dataset, DatasetInput, InputTag

    source = json.dumps({"uri": split.source})
    dataset = Dataset(split.name, split.sha256[:16], "local", source)
    return DatasetInput(dataset, [InputTag("mlflow.data.context", split.split)])
