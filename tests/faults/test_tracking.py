"""Tracking servers that die, stall, lock and lag: every run is there afterwards, once.

The runs are those of a finished sweep of 500 (60 in the short version). "There" is judged against
an undisturbed import: the same keys, parameters, tags, points of curves and artifacts.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy

from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.tracking.importer import track
from tests.faults.servers import PASSWORD, MlflowServer, Postgres, ended
from tests.unit.tracking.conftest import Mlflow, empty_store, results  # noqa: F401 (fixtures)
from tests.unit.tracking.fake_results import finish, make_plan

LONG = os.environ.get("LSTM_BENCH_FAULTS") == "long"  # `make faults`
CONDITIONS = 100 if LONG else 12
SEEDS = 4
RUNS = CONDITIONS * (1 + SEEDS)
KILLS = (0.2, 0.5, 0.8) if LONG else (0.5,)  # shares of the runs that are there when it dies
LEFT_OUT = ("mlflow.parentRunId", "mlflow.source.git.commit")  # an id; what is checked out now
Contents = dict[str, tuple[Any, ...]]


@pytest.fixture
def plan(results: Results) -> Plan:  # noqa: F811
    planned = make_plan(
        results, lengths=range(20, 20 + CONDITIONS // 2), blocks=[f"seeds-000-00{SEEDS - 1}"]
    )
    finish(results, planned)
    return planned


def contents(store: str) -> Contents:
    """What a database holds of every active run, by key; a key that is there twice fails.

    A parent is told by its key.
    """
    engine = sqlalchemy.create_engine(store)
    with engine.connect() as connection:

        def rows(query: str) -> list[Any]:
            return list(connection.execute(sqlalchemy.text(query)))

        active = dict(
            (row[0], tuple(row[1:]))
            for row in rows(
                "SELECT run_uuid, name, status, start_time, end_time FROM runs "
                "WHERE lifecycle_stage = 'active'"
            )
        )
        found: dict[str, dict[str, Any]] = {id: {} for id in active}
        for table in ("params", "tags", "latest_metrics"):
            for id, key, value in rows(f"SELECT run_uuid, key, value FROM {table}"):
                if id in found and key not in LEFT_OUT:
                    found[id][f"{table}:{key}"] = value
        for id, count in rows("SELECT run_uuid, count(*) FROM metrics GROUP BY run_uuid"):
            if id in found:
                found[id]["points"] = count
        parents = rows("SELECT run_uuid, value FROM tags WHERE key = 'mlflow.parentRunId'")
        for id, parent in parents:
            if id in found:
                found[id]["parent"] = found[parent]["tags:lstm_bench.key"]
    engine.dispose()
    keys = [each["tags:lstm_bench.key"] for each in found.values()]
    assert len(set(keys)) == len(keys), f"{len(keys) - len(set(keys))} runs are there twice"
    return {
        each["tags:lstm_bench.key"]: (active[id], *sorted(each.items()))
        for id, each in found.items()
    }


def require_same(found: Contents, wanted: Contents) -> None:
    """0 lost, 0 double, and each with all it holds; says what of the first that differs does."""
    assert found.keys() == wanted.keys(), "lost or too many"
    for key, (times, *items) in wanted.items():
        assert found[key][0] == times
        assert set(found[key][1:]) ^ set(items) == set(), key


def artifacts(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("curves.parquet"))


@pytest.fixture
def undisturbed(plan: Plan, results: Results, tmp_path: Path) -> Contents:  # noqa: F811
    """The contents of an import that nothing happens to."""
    assert track(plan, results).added == RUNS
    return contents(f"sqlite:///{results.mlflow_db}")


def begin(results: Results, uri: str) -> subprocess.Popen[str]:  # noqa: F811
    """`lstm-bench track` as a user runs it."""
    return subprocess.Popen(
        [sys.executable, "-m", "lstm_bench.cli", "track"],
        cwd=results.root,
        env={**os.environ, "MLFLOW_TRACKING_URI": uri},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def reach(store: str, count: int, process: subprocess.Popen[str]) -> None:
    """Wait until the store has so many runs, finished or not."""
    engine, deadline = sqlalchemy.create_engine(store), time.monotonic() + 300
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with engine.connect() as connection:
                query = "SELECT count(*) FROM runs WHERE lifecycle_stage = 'active'"
                if connection.execute(sqlalchemy.text(query)).scalar_one() >= count:
                    break
        except sqlalchemy.exc.DatabaseError:
            pass  # busy, or not there yet
        time.sleep(0.02)
    engine.dispose()
    assert process.poll() is None, f"the import was over before: {process.communicate()[0]}"


def one_sentence(told: str) -> None:
    assert "Traceback" not in told
    assert told.count("\n") == 1, told
    assert PASSWORD not in told
    assert "track again" in told


def die_and_come_back(
    server: MlflowServer,
    kill: Callable[[], None],
    start: Callable[[], None],
    results: Results,  # noqa: F811
) -> None:
    for share in KILLS:
        process = begin(results, server.uri)
        reach(server.store, int(share * RUNS), process)
        kill()
        told, _ = process.communicate(timeout=120)
        assert process.returncode == 1
        one_sentence(told)
        start()
    process = begin(results, server.uri)
    told, _ = process.communicate(timeout=600)
    assert process.returncode == 0, told


def test_a_server_on_sqlite_killed_half_way(
    plan: Plan,
    results: Results,  # noqa: F811
    undisturbed: Contents,
    empty_store: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    store = shutil.copy(empty_store, tmp_path / "server.db")
    server = MlflowServer(tmp_path / "server", f"sqlite:///{store}")
    with ended(server):
        die_and_come_back(server, server.kill, server.start, results)
        require_same(contents(server.store), undisturbed)
        assert artifacts(server.artifacts) >= CONDITIONS
        assert track(plan, results, uri=server.uri).unchanged == RUNS


def test_a_postgresql_killed_half_way(
    plan: Plan,
    results: Results,  # noqa: F811
    undisturbed: Contents,
    tmp_path: Path,
) -> None:
    """The database dies under the server; in the long version the server dies too."""
    postgres = Postgres()
    with ended(postgres):
        server = MlflowServer(tmp_path / "server", postgres.uri)
        with ended(server):
            die_and_come_back(server, postgres.kill, postgres.start, results)
            require_same(contents(postgres.uri), undisturbed)
            assert PASSWORD not in server.command_lines()
            assert PASSWORD not in server.log.read_text()
            if LONG:
                Mlflow(results, server.uri).client.delete_experiment("1")
                die_and_come_back(server, server.kill, server.start, results)
                require_same(contents(postgres.uri), undisturbed)
        assert track(plan, results, uri=postgres.uri).unchanged == RUNS  # without a server
