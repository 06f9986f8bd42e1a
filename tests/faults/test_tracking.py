"""Tracking servers that die, stall, lock and lag: every run is there afterwards, once.

The runs are those of a finished sweep of 500 (30 in the short version). "There" is judged against
an undisturbed import: the same keys, parameters, tags, points of curves and artifacts.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from resource import RLIMIT_FSIZE, setrlimit
from typing import Any

import pytest
import sqlalchemy

from lstm_bench.errors import BenchError
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.tracking import importer, views
from lstm_bench.tracking.importer import track
from tests.faults.conftest import LONG
from tests.faults.servers import PASSWORD, Line, MlflowServer, Postgres, ended
from tests.unit.tracking.conftest import Mlflow, empty_store, results  # noqa: F401 (fixtures)
from tests.unit.tracking.fake_results import finish, make_plan

CONDITIONS = 100 if LONG else 6
SEEDS = 4
RUNS = CONDITIONS * (1 + SEEDS)
KILLS = (0.2, 0.5, 0.8) if LONG else (0.5,)  # shares of the runs that are there when it dies
LEFT_OUT = ("mlflow.parentRunId", "mlflow.source.git.commit")  # an id; what is checked out now
long = pytest.mark.skipif(not LONG, reason="make faults runs it")
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

        query = "SELECT run_uuid, name, status, start_time, end_time FROM runs "
        active = {
            row[0]: tuple(row[1:]) for row in rows(query + "WHERE lifecycle_stage = 'active'")
        }
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


def begin(
    results: Results,  # noqa: F811
    uri: str,
    before: Callable[[], None] | None = None,
) -> subprocess.Popen[str]:
    """`lstm-bench track` as a user runs it."""
    return subprocess.Popen(
        [sys.executable, "-m", "lstm_bench.cli", "track"],
        cwd=results.root,
        # no bytecode: under a limit on file sizes Python cuts it short without a word
        env={**os.environ, "MLFLOW_TRACKING_URI": uri, "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=before,
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
    named, *sentences = told.splitlines()  # which config it is of, then what went wrong
    assert named.startswith("config "), told
    assert len(sentences) == 1, told
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


@long
def test_a_line_that_loses_answers_lags_and_falls_silent(
    plan: Plan,
    results: Results,  # noqa: F811
    undisturbed: Contents,
    empty_store: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A lost answer is the worst: the server has acted, and the client cannot know."""
    monkeypatch.setattr(importer, "PAUSE", 0.1)
    store = shutil.copy(empty_store, tmp_path / "server.db")
    server = MlflowServer(tmp_path / "server", f"sqlite:///{store}")
    with ended(server):
        line = Line(server.port)
        with ended(line):
            line.lose = [b"runs/log-batch", b"runs/create", b"runs/log-batch", b"runs/create"]
            track(plan, results, uri=line.uri, tries=9)
            assert line.lost == 4
            require_same(contents(server.store), undisturbed)
            line.delay = 0.2
            assert track(plan, results, uri=line.uri).unchanged == RUNS
            line.silent = True
            began = time.monotonic()
            with pytest.raises(BenchError, match="timed out"):
                track(plan, results, uri=line.uri)
            assert time.monotonic() - began < 30


@long
def test_a_locked_database_is_waited_for_or_told(
    plan: Plan,
    results: Results,  # noqa: F811
    undisturbed: Contents,
    empty_store: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    store = f"sqlite:///{shutil.copy(empty_store, tmp_path / 'locked.db')}"
    other = sqlite3.connect(tmp_path / "locked.db", isolation_level=None)
    process = begin(results, store)
    reach(store, RUNS // 3, process)
    other.execute("PRAGMA busy_timeout = 60000")
    other.execute("BEGIN EXCLUSIVE")
    time.sleep(3)
    other.execute("ROLLBACK")
    told, _ = process.communicate(timeout=300)
    assert process.returncode == 0, told
    require_same(contents(store), undisturbed)
    other.execute("BEGIN EXCLUSIVE")
    began = time.monotonic()
    with pytest.raises(BenchError, match="locked"):
        track(plan, results, uri=store)
    assert time.monotonic() - began < 60
    other.close()
    assert track(plan, results, uri=store).unchanged == RUNS


@pytest.mark.parametrize("made", [True, False])
def test_a_database_that_may_not_grow_is_told_and_brought_up_to_date_later(
    made: bool,
    plan: Plan,
    results: Results,  # noqa: F811
    undisturbed: Contents,
    empty_store: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    """With MLflow's tables in it; and one that its migrations cannot even make."""
    file, most = tmp_path / "small.db", empty_store.stat().st_size // 2
    if made:
        shutil.copy(empty_store, file)
        most = file.stat().st_size + 2**16
    store = f"sqlite:///{file}"
    refused = begin(results, store, lambda: setrlimit(RLIMIT_FSIZE, (most, most)))
    told, _ = refused.communicate(timeout=300)
    assert refused.returncode == 1
    one_sentence(told)
    assert not made or file.stat().st_size > most - 2**14, "it never came to the limit"
    assert track(plan, results, uri=store).added > 0
    require_same(contents(store), undisturbed)


def bring(number: int, folder: str, uri: str) -> int:
    """One of the writers: its own folder and conditions, the experiment of all; runs it added."""
    own = Results(folder)
    first = 100 + 10 * number
    lengths = range(first, first + (3 if LONG else 1))
    blocks = [f"seeds-000-00{SEEDS - 1}"]
    mine = make_plan(own, lengths=lengths, blocks=blocks, experiment="everybody's")
    finish(own, mine)
    return track(mine, own, uri=uri, tries=20).added


@long
def test_sixteen_processes_write_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None of them finds the experiment there; all of them want it."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    context = get_context("forkserver")
    context.set_forkserver_preload(["mlflow", "lstm_bench.tracking.importer"])
    server = MlflowServer(tmp_path / "server", f"sqlite:///{tmp_path / 'server.db'}")
    with ended(server), ProcessPoolExecutor(16, mp_context=context) as pool:
        folders = [str(tmp_path / f"folder-{number}") for number in range(16)]
        added = list(pool.map(bring, range(16), folders, [server.uri] * 16))
        assert added == [(3 if LONG else 1) * 2 * (1 + SEEDS)] * 16
        assert len(contents(server.store)) == sum(added)


@long
@pytest.mark.parametrize("back", [1, 5, 40])
def test_a_database_of_an_older_mlflow_is_upgraded_or_told(
    plan: Plan,
    results: Results,  # noqa: F811
    back: int,
) -> None:
    """Made by all of MLflow's migrations but the last ones.

    MLflow upgrades by itself a database that lacks tables, and refuses one that lacks columns.
    """
    from alembic import command
    from alembic.script import ScriptDirectory
    from mlflow.store.db.utils import _get_alembic_config
    from mlflow.store.tracking.dbmodels.initial_models import Base

    results.mlflow_db.unlink()
    store = f"sqlite:///{results.root}/./results/mlflow.db"  # MLflow remembers what it has opened
    engine, config = sqlalchemy.create_engine(store), _get_alembic_config(store)
    Base.metadata.create_all(engine)
    revisions = [each.revision for each in ScriptDirectory.from_config(config).walk_revisions()]
    command.upgrade(config, revisions[back])
    engine.dispose()
    before = results.mlflow_db.read_bytes()
    told = ""
    try:
        added = track(plan, results, uri=store).added
    except BenchError as error:
        told = str(error)
    if told:
        assert "made by another version of MLflow" in told
        assert "\n" not in told
        assert results.mlflow_db.read_bytes() == before
        upgrade = [sys.executable, "-m", "mlflow", "db", "upgrade", store]
        subprocess.run(upgrade, check=True, capture_output=True)
        added = track(plan, results, uri=store).added
    assert added == len(contents(store)) == RUNS


@long
def test_five_thousand_runs_are_imported_and_browsed(
    results: Results,  # noqa: F811
    tmp_path: Path,
) -> None:
    """On PostgreSQL, through the server; then the table of runs in Chromium."""
    lengths, blocks = range(20, 520), [f"seeds-000-00{SEEDS - 1}"]
    plan = make_plan(results, lengths=lengths, blocks=blocks)
    finish(results, plan)
    postgres = Postgres()
    with ended(postgres):
        server = MlflowServer(tmp_path / "server", postgres.uri)
        with ended(server):
            tally = track(plan, results, uri=server.uri)
            assert tally.added == len(contents(postgres.uri)) == 5000
            again = track(plan, results, uri=server.uri)
            assert again.unchanged == 5000
            seconds = browse(f"{server.uri}/{views.LANDING.link(tally.experiment_id)}", tmp_path)
    print(f"\n5,000 runs: {tally.seconds:.0f} s, again {again.seconds:.1f} s, page {seconds:.1f} s")


def browse(url: str, folder: Path) -> float:
    """Seconds until the table shows a run, in a browser that reaches nothing but this server."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        began = time.monotonic()
        page.goto(url)
        page.get_by_text("adding T").first.wait_for(timeout=120_000)
        seconds = time.monotonic() - began
        page.wait_for_timeout(1000)
        page.screenshot(path=os.environ.get("LSTM_BENCH_SHOT", folder / "runs.png"))
        browser.close()
    return seconds
