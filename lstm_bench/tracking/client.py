"""MLflow, opened in one way: the only module of the package that imports it."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from filelock import FileLock

from lstm_bench.errors import BenchError
from lstm_bench.store.commit import git_commit
from lstm_bench.store.paths import Results
from lstm_bench.tracking.address import (
    require_allowed,
    require_answer,
    sentence,
    sqlite_file,
    tracking_uri,
)
from lstm_bench.tracking.credentials import without_credentials
from lstm_bench.tracking.disk import require_local_disk, without_syncing
from lstm_bench.tracking.moved import follow, is_own
from lstm_bench.tracking.records import Record

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Experiment

KEY, DIGEST, PARENT = "lstm_bench.key", "lstm_bench.digest", "mlflow.parentRunId"
BAD_ID = "INVALID_PARAMETER_VALUE"  # what a run's id cannot be
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
class StoredRun:
    """A run that MLflow has. `digest` is None when its import did not come to its end."""

    id: str
    name: str
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
        with FileLock(lock), without_syncing(results):
            _make_whole(address)
            client = MlflowClient(address)
            found = _experiment(client, experiment, results, address)
            yield Store(client, found, address, is_own(address, results))
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError, ImportError) as error:
        raise sentence(address, error) from error


@contextlib.contextmanager
def downloaded(run: str, artifact: str, results: Results) -> Iterator[Path]:
    """A file of a run, for as long as it is read.

    Raises BenchError, with the address but without the credentials, when the store does not answer
    or has no such run or file.
    """
    address = tracking_uri(results)
    require_allowed(address)
    if (database := sqlite_file(address)) and not database.exists():
        raise BenchError(f"{database} is not there: nothing was imported; run lstm-bench track.")
    require_answer(address)
    prepare_environment()
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    with tempfile.TemporaryDirectory() as folder:
        try:
            client = MlflowClient(address)
            found = client.get_run(run)
            names = [each.path for each in client.list_artifacts(run)]
            if artifact not in names:
                raise BenchError(
                    f"run {run!r} of MLflow ({found.info.run_name}) has no {artifact}: it is not a "
                    "replicate, or its training ended in an error."
                )
            file = Path(client.download_artifacts(run, artifact, folder))
        except (MlflowException, SQLAlchemyError, OSError, ImportError) as error:
            if getattr(error, "error_code", "") in ("RESOURCE_DOES_NOT_EXIST", BAD_ID):
                where = without_credentials(address)
                raise BenchError(f"run {run!r} is not among those of {where}.") from error
            raise sentence(address, error) from error
        yield file


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
    if place and place != found.artifact_location and is_own(uri, results):
        follow(results, found.experiment_id, found.artifact_location, place)
    return found


class Store:
    """What the importer needs of MLflow; one experiment of it.

    Whatever is written is written when the call returns, also where MLFLOW_ENABLE_ASYNC_LOGGING
    asks for threads that lose what fails.
    """

    def __init__(self, client: MlflowClient, found: Experiment, uri: str, own: bool) -> None:
        self.client, self.experiment_id = client, found.experiment_id
        self.places: dict[str, str] = {}  # of artifacts, of the runs that were started
        self.where = without_credentials(uri)
        beside = found.artifact_location.startswith("file:") and not own
        self.artifacts = found.artifact_location.removeprefix("file://") if beside else ""

    def runs(self) -> dict[str, list[StoredRun]]:
        """Every run that an importer made, by key."""
        found: dict[str, list[StoredRun]] = {}
        token = None
        while True:
            page = self.client.search_runs([self.experiment_id], max_results=1000, page_token=token)
            for run in page:
                tags = run.data.tags
                if KEY in tags:
                    digest = tags.get(DIGEST) if run.info.status != "RUNNING" else None
                    seen = StoredRun(run.info.run_id, run.info.run_name or "", digest, tags)
                    found.setdefault(tags[KEY], []).append(seen)
            token = page.token
            if not token:
                return found

    def start(self, record: Record, key: str, more: Mapping[str, str]) -> str:
        """A new run, not yet finished; returns its id."""
        tags = {**record.tags, **more, **self._source, KEY: key}
        tags = {name: value for name, value in tags.items() if value}
        run = self.client.create_run(self.experiment_id, record.started, tags, record.name)
        self.places[run.info.run_id] = run.info.artifact_uri
        return run.info.run_id

    def finish(self, id: str, record: Record, files: Mapping[str, bytes], digest: str) -> None:
        """Everything the run holds, in few transactions; the digest says that all is there."""
        from mlflow.entities import Metric, Param, RunTag

        if files:
            with tempfile.TemporaryDirectory() as folder:
                for name, data in files.items():
                    (Path(folder) / name).write_bytes(data)
                self._copy(id, folder)
        self.client.set_terminated(id, record.status, record.finished)
        metrics = [Metric(p.name, p.value, p.at, p.step) for p in record.metrics]
        params = [Param(name, value) for name, value in record.params.items()]
        while len(metrics) > BATCH:
            self.client.log_batch(id, metrics[:BATCH], synchronous=True)
            metrics = metrics[BATCH:]
        whole = [RunTag(DIGEST, digest)]  # tags go in last
        self.client.log_batch(id, metrics, params, whole, synchronous=True)

    def _copy(self, id: str, folder: str) -> None:
        """The files of a folder as artifacts: on this disk without asking for the run again."""
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        place = self.places.pop(id)
        if place.startswith("file:"):
            get_artifact_repository(place).log_artifacts(folder)
        else:
            self.client.log_artifacts(id, folder)

    def delete(self, id: str) -> None:
        self.client.delete_run(id)

    def tag(self, id: str, name: str, value: str) -> None:
        self.client.set_tag(id, name, value, synchronous=True)

    def rename(self, id: str, name: str) -> None:
        self.client.update_run(id, name=name)

    @property
    def tags(self) -> Mapping[str, str]:
        """Those of the experiment."""
        return self.client.get_experiment(self.experiment_id).tags

    def describe(self, tags: Mapping[str, str], outdated: Iterable[str]) -> None:
        """Set tags of the experiment, its note and its saved views, and delete some."""
        present = self.tags
        for name in outdated:
            self.client.delete_experiment_tag(self.experiment_id, name)
        for name, value in tags.items():
            if present.get(name) != value:
                self.client.set_experiment_tag(self.experiment_id, name, value)

    @cached_property
    def _source(self) -> dict[str, str]:
        """Who imported it, and the commit that was checked out then."""
        tags = {"mlflow.source.name": "lstm-bench track", "mlflow.source.type": "LOCAL"}
        commit = git_commit()
        return {**tags, "mlflow.source.git.commit": commit} if commit else tags
