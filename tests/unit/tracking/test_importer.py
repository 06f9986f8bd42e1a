"""Imported completely and once, whatever was cut off, retried, deleted or changed."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from lstm_bench.errors import BenchError
from lstm_bench.spec import TUNING_SEEDS, Condition, SeedBlock, Training
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.tracking import client
from lstm_bench.tracking.importer import ImportCounts, track
from tests.unit.tracking.conftest import BLOCKS, RUNS, Mlflow
from tests.unit.tracking.fake_results import MINUTE, START, finish, finish_block, make_plan


def counts(tally: ImportCounts) -> tuple[int, int, int]:
    return tally.added, tally.replaced, tally.unchanged


def condition(plan: Plan, cell: str) -> Condition:
    (spec,) = (c.spec for c in plan.conditions.values() if c.spec.cell == cell)
    return spec


def test_everything_is_imported_once(results: Results, plan: Plan) -> None:
    assert counts(track(plan, results)) == (RUNS, 0, 0)
    assert counts(track(plan, results)) == (0, 0, RUNS)
    mlflow = Mlflow(results)
    mlflow.require_whole()
    levels = [run.data.tags["level"] for run in mlflow.runs()]
    assert {each: levels.count(each) for each in levels} == {
        "condition": 2,
        "replicate": 8,
        "experiment": 1,
    }


def test_what_is_missing_is_counted_and_added_later(results: Results) -> None:
    plan = make_plan(results, blocks=BLOCKS)
    pairs = plan.blocks(plan.asked)
    finish(results, plan, pairs[:1])
    first = track(plan, results)
    assert (counts(first), first.missing) == ((3, 0, 0), 3)
    finish(results, plan, pairs[1:])
    second = track(plan, results)
    assert (counts(second), second.missing) == ((7, 1, 2), 0)
    Mlflow(results).require_whole(RUNS - 1)


def test_a_retrained_block_replaces_its_replicates_and_its_condition(
    results: Results, plan: Plan
) -> None:
    track(plan, results)
    lstm = condition(plan, "lstm")
    finish_block(results, lstm, SeedBlock.parse(BLOCKS[0]), START + 99 * MINUTE)
    assert counts(track(plan, results)) == (0, 3, RUNS - 3)
    Mlflow(results).require_whole()


@pytest.mark.parametrize("name", ["lstm adding T20 seed 1", "experiment: horizon"])
def test_one_changed_digest_makes_exactly_one_run(results: Results, plan: Plan, name: str) -> None:
    track(plan, results)
    mlflow = Mlflow(results)
    mlflow.client.set_tag(mlflow.named(name).info.run_id, client.DIGEST, "another")
    assert counts(track(plan, results)) == (0, 1, RUNS - 1)
    mlflow.require_whole()


def test_a_replaced_condition_keeps_its_replicates(results: Results, plan: Plan) -> None:
    track(plan, results)
    mlflow = Mlflow(results)
    mlflow.client.delete_run(mlflow.named("lstm adding T20").info.run_id)
    assert counts(track(plan, results)) == (1, 0, RUNS - 1)
    mlflow.require_whole()


@pytest.mark.parametrize("killed_at", [0, 4])
def test_an_import_that_was_cut_off_is_completed(
    results: Results, plan: Plan, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    whole, calls = client.Store.finish, iter(range(99))

    def killed(store: client.Store, id: str, *given: object) -> None:
        if next(calls) == killed_at:
            store.client.log_metric(id, "half", 1.0)
            raise KeyboardInterrupt
        whole(store, id, *given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(client.Store, "finish", killed)
        with pytest.raises(KeyboardInterrupt):
            track(plan, results)
    track(plan, results)
    Mlflow(results).require_whole()
    assert not any("half" in run.data.metrics for run in Mlflow(results).runs())


def test_a_second_run_of_the_same_key_is_removed(results: Results, plan: Plan) -> None:
    track(plan, results)
    mlflow = Mlflow(results)
    tags = mlflow.named("lstm adding T20 seed 1").data.tags
    mlflow.client.create_run(mlflow.experiment_id, tags=tags, run_name="lstm adding T20 seed 1")
    assert track(plan, results).unchanged == RUNS
    mlflow.require_whole()


def test_the_runs_of_others_stay(results: Results, plan: Plan) -> None:
    track(plan, results)
    mlflow = Mlflow(results)
    mine = mlflow.client.create_run(mlflow.experiment_id, run_name="mine").info.run_id
    track(plan, results)
    assert mlflow.client.get_run(mine).info.lifecycle_stage == "active"


def test_a_deleted_experiment_comes_back_with_every_run_once(results: Results, plan: Plan) -> None:
    track(plan, results)
    mlflow = Mlflow(results)
    mlflow.client.set_tag(mlflow.runs()[0].info.run_id, client.DIGEST, "another")
    track(plan, results)
    mlflow.client.delete_experiment(mlflow.experiment_id)
    assert track(plan, results).unchanged == RUNS
    mlflow.require_whole()


def test_after_removing_the_database_two_importers_at_once_bring_all_back_once(
    results: Results, plan: Plan
) -> None:
    track(plan, results)
    before = Mlflow(results).keys()
    results.mlflow_db.unlink()
    code = (
        "import sys; from pathlib import Path; from lstm_bench.store.paths import Results; "
        "from lstm_bench.store.plans import Plan; from lstm_bench.tracking.importer import track; "
        "print(track(Plan.read(Path(sys.argv[1])), Results(sys.argv[2])))"
    )
    command = [sys.executable, "-c", code, str(plan.path), str(results.root)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    told = sorted(process.communicate(timeout=120)[0] for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert f" 0 runs added, 0 replaced, {RUNS} unchanged" in told[0]
    assert f" {RUNS} runs added, 0 replaced, 0 unchanged" in told[1]
    afresh = Mlflow(results, f"sqlite:///{results.root}/./results/mlflow.db")
    afresh.require_whole()
    assert afresh.keys() == before


def test_results_of_older_code_are_not_imported(results: Results, plan: Plan) -> None:
    stale = next(iter(plan.conditions))
    changed = replace(plan.conditions[stale], code="task 2 cell 1 engine 1 training 1")
    newer = replace(plan, conditions={**plan.conditions, stale: changed})
    tally = track(newer, results)
    assert (tally.added, tally.missing) == (RUNS - 5, len(BLOCKS))


def test_tuning_is_a_run_of_its_own(results: Results) -> None:
    plan = make_plan(results, cells=["lstm"], blocks=BLOCKS[:1])
    finish(results, plan, plan.blocks(plan.experiments))
    track(plan, results)
    mlflow = Mlflow(results)
    judged, tuned = mlflow.named("lstm adding T20"), mlflow.named("lstm adding T20 (tuning)")
    assert judged.data.metrics["replicates"] == 2
    assert tuned.data.metrics["replicates"] == 5
    assert (judged.data.tags["experiments"], tuned.data.tags["experiments"]) == (
        "horizon",
        "tuning",
    )
    for run in mlflow.runs("tags.level = 'replicate'"):
        purpose = "tuning" if int(run.data.params["seed"]) >= TUNING_SEEDS else "sweep"
        assert run.data.tags["purpose"] == purpose


def test_curves_are_thin_finite_and_timed_as_trained(results: Results) -> None:
    training = Training(updates=500, evaluate_every=1)
    plan = make_plan(
        results, cells=["lstm"], lengths=[100], blocks=["seeds-000-001"], training=training
    )
    block = SeedBlock(0, 1)
    finish_block(results, condition(plan, "lstm"), block, START, status="diverged")
    track(plan, results)
    mlflow = Mlflow(results)
    for name in ("lstm adding T100", "lstm adding T100 seed 0"):
        run = mlflow.named(name)
        start = round(START.timestamp() * 1000)
        assert (run.info.start_time, run.info.end_time) == (start, start + 42_000)
        for metric in ("train/loss", "train/gradient_norm", "validation/loss", "validation/score"):
            points = mlflow.history(run, metric)
            steps = [point.step for point in points]
            assert 100 < len(points) <= 200
            assert steps == sorted(set(steps))
            assert max(steps) < 300
            assert all(abs(point.value) < 10 for point in points)
            assert all(start <= point.timestamp <= start + 42_000 for point in points)
    assert mlflow.named("lstm adding T100 seed 0").info.status == "FAILED"
    assert mlflow.named("lstm adding T100").info.status == "FINISHED"


def test_a_run_says_what_it_is(results: Results, plan: Plan) -> None:
    track(plan, results)
    mlflow = Mlflow(results)
    run = mlflow.named("lstm adding T20 seed 3")
    assert run.data.params["T"] == "20"
    assert run.data.params["cell"] == "lstm"
    assert run.data.params["seed"] == "3"
    assert run.data.params["learning_rate"] == "0.003"
    assert run.data.params["parameters"] == "4481"
    assert run.data.tags["status"] == "solved"
    assert run.data.metrics["solved"] == 1
    assert run.data.metrics["updates_to_solve"] > 0
    condition_run = mlflow.named("lstm adding T20")
    assert condition_run.data.tags["status"] == "4 solved"
    assert "| 3 |" in condition_run.data.tags["mlflow.note.content"]
    files = mlflow.client.list_artifacts(condition_run.info.run_id)
    assert {f.path for f in files} == {"condition.json", "curves.parquet", "replicates.csv"}
    answer = mlflow.named("experiment: horizon")
    assert "10 of 10 seeds" in answer.data.tags["mlflow.note.content"]
    files = mlflow.client.list_artifacts(answer.info.run_id)
    assert "figure.svg" in {f.path for f in files}


def test_an_error_leaves_a_run_without_a_result(results: Results) -> None:
    plan = make_plan(results, cells=["lstm"], blocks=["seeds-000-001"])
    finish_block(results, condition(plan, "lstm"), SeedBlock(0, 1), status="error")
    track(plan, results)
    run = Mlflow(results).named("lstm adding T20 seed 1")
    assert run.info.status == "FAILED"
    assert run.data.tags["reason"] == "out_of_memory"
    assert "solved" not in run.data.metrics
    whole = Mlflow(results).named("lstm adding T20")
    assert whole.info.status == "FAILED"
    assert whole.data.metrics["replicates"] == 0


def test_artifacts_are_found_after_the_folder_was_moved(
    results: Results, plan: Plan, tmp_path: Path
) -> None:
    track(plan, results)
    moved = tmp_path.rename(tmp_path.with_name(f"{tmp_path.name}-moved"))
    assert counts(track(plan, Results(moved))) == (0, 0, RUNS)
    mlflow = Mlflow(Results(moved))
    run = mlflow.named("experiment: horizon").info
    assert run.artifact_uri.startswith(moved.as_uri())
    assert Path(mlflow.client.download_artifacts(run.run_id, "figure.svg")).exists()


@pytest.mark.parametrize(
    "address",
    [
        "http://ada:secret@127.0.0.1:9/mlflow",
        "postgresql+psycopg2://ada:secret@127.0.0.1:9/runs",
        "sqlite:////dev/null/runs.db",
        "sqlite:////dev",
        "nonsense://ada:secret@host",
    ],
)
def test_a_store_that_does_not_answer_is_one_sentence(
    results: Results, plan: Plan, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    before = time.monotonic()
    with pytest.raises(BenchError) as caught:
        track(plan, results)
    told = str(caught.value)
    assert time.monotonic() - before < 10
    assert "\n" not in told
    assert "secret" not in told
    assert "ada" not in told
    assert "cannot be used" in told or "MLFLOW_TRACKING_URI=" in told


@pytest.mark.parametrize("address", ["file:///tmp/mlruns", "mlruns", "./mlruns"])
def test_a_plain_folder_is_refused_for_what_it_is(
    results: Results, plan: Plan, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    with pytest.raises(BenchError, match=r"is not allowed; .* keeps no runs in plain folders"):
        track(plan, results)


def test_what_threads_would_lose_is_told(
    results: Results, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asynchronous logging asked for, by a store that refuses every batch."""
    from mlflow.exceptions import MlflowException
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

    def refuse(*_: object, **__: object) -> None:
        raise MlflowException("no room")

    monkeypatch.setenv("MLFLOW_ENABLE_ASYNC_LOGGING", "true")
    with monkeypatch.context() as patch:
        patch.setattr(SqlAlchemyStore, "log_batch", refuse)
        with pytest.raises(BenchError, match="no room"):
            track(plan, results)
    assert track(plan, results).added > 0
    Mlflow(results).require_whole()
