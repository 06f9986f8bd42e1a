"""When the database is gone, every stored run comes back: of each config, of single trainings."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lstm_bench.errors import BenchError
from lstm_bench.spec import Condition, SeedBlock, Training
from lstm_bench.store.files import read_json, write_json
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from lstm_bench.store.tables import read_table, write_table
from lstm_bench.store.tensors import load_tensors
from lstm_bench.tracking.importer import track, track_all
from lstm_bench.tracking.known import plan_of
from tests.unit.tracking.conftest import Mlflow
from tests.unit.tracking.fake_results import CODE, finish, finish_block, make_plan

SMALL = Training(updates=300, evaluate_every=50)


def another(
    results: Results, digest: str, ran: bool, at: int, unfinished: bool = False, **given: Any
) -> Plan:
    """A plan of another config, of its own name and age; finished unless said otherwise."""
    made = make_plan(results, blocks=["seeds-000-001"], **given)
    path = made.write(results.plan(digest)).path
    made.path.unlink()
    os.utime(path, (at, at))
    if ran:
        write_json(path.with_suffix(".ran"), {})
    plan = replace(made, path=path)
    finish(results, plan, plan.blocks(plan.asked)[: 1 if unfinished else None])
    return plan


def conditions(results: Results, name: str = "lstm_bench") -> dict[str, tuple[str, str]]:
    """What runs there are: their experiments and sweep by name."""
    client = Mlflow(results).client
    (id,) = [e.experiment_id for e in client.search_experiments() if e.name == name]
    runs = client.search_runs([id], "tags.level = 'condition'")
    return {
        run.info.run_name: (run.data.tags.get("experiments", ""), run.data.tags["sweep"])
        for run in runs
    }


def test_every_config_and_every_single_training_comes_back(results: Results) -> None:
    another(results, "1" * 16, True, 1_000, lengths=(10,), training=SMALL)
    another(results, "2" * 16, False, 2_000, cells=["gru"])  # of 0.3.4: no mark, all is there
    another(results, "3" * 16, True, 3_000, cells=["elman", "irnn"], unfinished=True)
    another(results, "4" * 16, False, 4_000, lengths=(20, 30), unfinished=True)  # an estimate's
    single = Condition("adding", 20, "lstm", cell_options={"forget_bias": 3.0})
    finish_block(results, single, SeedBlock(0, 1))
    last = another(results, "5" * 16, True, 5_000, cells=["lstm"], lengths=(20,))
    (tally,) = track_all(plan_of(results), results)
    expected = {
        "lstm adding T10": ("horizon", "earlier"),
        "elman adding T10": ("horizon", "earlier"),
        "gru adding T20": ("horizon", "earlier"),
        "elman adding T20": ("horizon", "earlier"),
        "lstm(forget_bias=3.0) adding T20": ("", "none"),
        "lstm adding T20": ("horizon", "last"),
    }
    assert conditions(results) == expected
    assert tally.added == 3 * len(expected)
    assert tally.missing == 0
    run = Mlflow(results).named("lstm(forget_bias=3.0) adding T20")
    assert int(run.data.params["parameters"]) == 4513  # 4 (32 (32 + 2) + 32) + 32 + 1
    assert "R²" in run.data.tags["mlflow.note.content"]
    assert track(last, results).unchanged == tally.added  # a sweep's own import does the same


def test_a_plan_that_was_never_run_gives_no_experiment(results: Results) -> None:
    """A bigger one, estimated after the sweep: its experiment is not what was trained for."""
    last = another(results, "1" * 16, True, 1_000, cells=["lstm"])
    finish_block(results, Condition("adding", 30, "lstm"), SeedBlock(0, 1))
    bigger = make_plan(results, lengths=(20, 30, 40), blocks=["seeds-000-001"])
    bigger.path.rename(results.plan("2" * 16))
    track(last, results)
    assert conditions(results) == {
        "lstm adding T20": ("horizon", "last"),
        "lstm adding T30": ("", "earlier"),
    }


def test_single_trainings_need_no_plan(results: Results) -> None:
    with pytest.raises(BenchError, match="nothing was run here"):
        plan_of(results)
    finish_block(results, Condition("adding", 20, "lstm"), SeedBlock(0, 4))
    (tally,) = track_all(plan_of(results), results)
    assert (tally.added, tally.missing) == (6, 0)
    assert conditions(results) == {"lstm adding T20": ("", "none")}


def test_what_a_plugin_trained_is_shown_without_the_plugin(results: Results) -> None:
    """Its sizes and its criterion are not known here; how it ended is."""
    finish_block(results, Condition("theirs", 20, "their_cell"), SeedBlock(0, 1))
    assert next(track_all(plan_of(results), results)).added == 3
    run = Mlflow(results).named("their_cell theirs T20")
    assert "parameters" not in run.data.params
    assert run.data.metrics["replicates"] == 2


def test_a_seed_in_two_blocks_is_one_run(results: Results) -> None:
    """`train(replicates=5)`, then 7: the seeds of the first are in both."""
    condition = Condition("adding", 20, "lstm")
    for block in (SeedBlock(0, 4), SeedBlock(0, 6)):
        finish_block(results, condition, block)
    for added in (8, 0):
        (tally,) = track_all(plan_of(results), results)
        assert tally.added == added
    run = Mlflow(results).named("lstm adding T20")
    assert run.data.metrics["replicates"] == 7


def test_of_what_no_plan_knows_the_code_that_finished_last_counts(results: Results) -> None:
    condition = Condition("adding", 20, "lstm")
    for number, code in enumerate(("older", CODE)):
        block = SeedBlock(2 * number, 2 * number + 1)
        finish_block(results, condition, block)
        path = results.block(condition, block) / "replicates.parquet"
        write_table(path, read_table(path).to_pylist(), {"code": code, "condition": condition.id})
        os.utime(path, (1_000 + number, 1_000 + number))
    assert next(track_all(plan_of(results), results)).added == 3


def test_configs_with_a_name_of_their_own_keep_to_it(results: Results) -> None:
    another(results, "1" * 16, True, 1_000, cells=["gru"], experiment="mine")
    another(results, "2" * 16, True, 2_000, cells=["irnn"], experiment="unfinished").path.touch()
    last = another(results, "3" * 16, True, 3_000, cells=["lstm"])
    track(last, results)
    assert list(conditions(results)) == ["lstm adding T20"]
    assert sum(tally.added for tally in track_all(last, results)) == 6
    assert list(conditions(results, "mine")) == ["gru adding T20"]


def test_a_damaged_file_of_another_config_is_told_and_left_out(
    results: Results, capsys: pytest.CaptureFixture[str]
) -> None:
    another(results, "1" * 16, True, 1_000, cells=["gru", "irnn"])
    last = another(results, "2" * 16, True, 2_000, cells=["lstm", "elman"])
    gru, irnn, lstm = (Condition("adding", 20, cell) for cell in ("gru", "irnn", "lstm"))
    for condition, name in ((gru, "replicates.parquet"), (irnn, "curves.parquet")):
        (results.block(condition, SeedBlock(0, 1)) / name).write_bytes(b"PAR1")
    track(last, results)
    told = capsys.readouterr().err
    assert told.count("is damaged") == 2
    assert sorted(conditions(results)) == ["elman adding T20", "lstm adding T20"]
    (results.block(lstm, SeedBlock(0, 1)) / "curves.parquet").write_bytes(b"PAR1")
    with pytest.raises(BenchError, match=r"curves.parquet is damaged"):
        track(last, results)


def test_what_a_condition_is_called_changes_without_a_new_run(results: Results) -> None:
    first = another(results, "1" * 16, True, 1_000, cells=["lstm"])
    track(first, results)
    before = Mlflow(results).named("lstm adding T20 seed 1").info.run_id
    second = another(results, "2" * 16, True, 2_000, cells=["lstm"], training=SMALL)
    tally = track(second, results)
    assert (tally.added, tally.replaced) == (3, 0)
    assert Mlflow(results).named("lstm adding T20 seed 1").info.run_id == before
    assert "lstm, 300 updates, adding T20" in conditions(results)


def test_a_replicate_has_its_weights_its_curves_and_its_folder(
    results: Results, plan: Plan, tmp_path: Path
) -> None:
    track(plan, results)
    mlflow = Mlflow(results)
    run = mlflow.named("lstm adding T20 seed 3")
    condition = Condition("adding", 20, "lstm")
    folder = results.block(condition, SeedBlock(2, 3))
    assert results.root / run.data.tags["folder"] == folder
    stored, _ = load_tensors(folder / "model.safetensors")
    path = Path(mlflow.client.download_artifacts(run.info.run_id, "model.safetensors"))
    weights, about = load_tensors(path)
    assert weights["b_y"].tolist() == stored["b_y"][1:].tolist() == [[3.0]]
    assert about == {"condition": condition.to_json(), "seeds": [3], "code": CODE}
    curves = Path(mlflow.client.download_artifacts(run.info.run_id, "curves.csv")).read_text(
        encoding="utf-8"
    )
    rows = read_table(folder / "curves.parquet").to_pylist()
    assert len(curves.splitlines()) == 1 + sum(row["seed"] == 3 for row in rows)
    whole = mlflow.named("lstm adding T20").data.tags["folder"]
    assert read_json(results.root / whole / "condition.json") == condition.to_json()
