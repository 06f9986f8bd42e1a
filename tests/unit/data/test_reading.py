"""What is read of a file, and what names it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from lstm_bench import data, tasks
from lstm_bench.cli import cli
from lstm_bench.data import files
from lstm_bench.errors import BenchError
from lstm_bench.tasks.series import Series
from lstm_bench.training.api import make_condition


def frame(n: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    when = pd.date_range("2024-01-01", periods=n, freq="D").astype(str)
    return pd.DataFrame({"day": when, "a": rng.normal(size=n), "y": rng.normal(size=n)})


def condition(path: Path, **options: object):
    return make_condition("series", "lstm", 8, task_options={"file": str(path), **options})


def test_the_content_and_the_options_name_a_condition_and_the_path_does_not(tmp_path: Path):
    here, there = tmp_path / "x.csv", tmp_path / "moved" / "other.csv"
    there.parent.mkdir()
    frame().to_csv(here, index=False)
    frame().to_csv(there, index=False)
    one = condition(here, time="day")
    assert condition(there, time="day").id == one.id
    assert str(tmp_path) not in json.dumps(one.to_json())
    assert condition(here, time="day", horizon=2).id != one.id
    edited = frame()
    edited.loc[17, "y"] += 1e-6
    edited.to_csv(here, index=False)
    assert condition(here, time="day").id != one.id


def test_a_training_of_a_file_keeps_the_best_weights_and_ends_with_the_budget(tmp_path: Path):
    frame().to_csv(tmp_path / "x.csv", index=False)
    made = condition(tmp_path / "x.csv", time="day").training
    assert (made.stop, made.keep, made.confirmation_size) == ("budget", "best", None)
    with pytest.raises(BenchError, match="stop: 'solved' is not allowed"):
        make_condition(
            "series", "lstm", 8, task_options={"file": str(tmp_path / "x.csv")}, stop="solved"
        )


def test_the_command_takes_the_settings_of_the_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    frame().to_csv(tmp_path / "x.csv", index=False)
    monkeypatch.chdir(tmp_path)
    said = ["train", "series", "elman", "--T", "4", "--task-option", "file=x.csv"]
    said += ["--task-option", "time=day", "--width", "3", "--updates", "6", "--replicates", "1"]
    done = CliRunner().invoke(cli, said, standalone_mode=False)
    assert done.exception is None, done.output
    (stored,) = tmp_path.glob("results/runs/*/condition.json")
    training = json.loads(stored.read_text())["training"]
    assert (training["stop"], training["keep"], training["updates"]) == ("budget", "best", 6)
    refused = CliRunner().invoke(cli, [*said, "--stop", "solved"], standalone_mode=False)
    assert isinstance(refused.exception, BenchError)
    assert "stop: 'solved' is not allowed with task 'series'" in str(refused.exception)


def test_a_job_finds_a_file_by_its_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "x.csv"
    frame(201).to_csv(path, index=False)
    digest = data.content_digest(path)
    with pytest.raises(BenchError, match="no file with the content"):
        data.locate(digest)
    monkeypatch.setenv(data.SETTING, json.dumps([str(path)]))
    assert data.locate(digest) == path
    path.write_text("a,b\n1,2\n")
    with pytest.raises(BenchError, match="moved or edited since"):
        data.locate(digest)


def test_a_file_edited_while_it_is_in_use_is_refused(tmp_path: Path):
    path = tmp_path / "x.csv"
    frame().to_csv(path, index=False)
    digest = data.register(path)
    path.write_text(path.read_text().replace("2024-01-01", "2023-12-31"))
    with pytest.raises(BenchError, match="edited while it was in use"):
        data.locate(digest)


def test_files_are_found_wherever_a_config_names_them():
    config = {
        "tasks": ["adding", {"task": "series", "file": "a.csv"}],
        "data": {"tasks": [{"task": "text", "file": "b.txt"}, {"task": "series", "file": "a.csv"}]},
        "file": "no task",
    }
    assert files.named_in(config) == ["a.csv", "b.txt"]


def test_csv_and_parquet_hold_the_same_series(tmp_path: Path):
    frame().to_csv(tmp_path / "x.csv", index=False, sep=";", decimal=",")
    frame().to_parquet(tmp_path / "x.parquet")
    french = {"time": "day", "delimiter": ";", "decimal": ","}
    one = tasks.create("series", {"file": str(tmp_path / "x.csv"), **french})
    other = tasks.create("series", {"file": str(tmp_path / "x.parquet"), "time": "day"})
    assert one.inputs == other.inputs == 2
    rows = np.arange(5)
    for a, b in zip(one.take(8, "test", rows), other.take(8, "test", rows)):
        assert (a is None and b is None) or np.allclose(a, b, atol=1e-5)


def test_rows_are_sorted_by_time_and_no_window_reaches_over_a_gap(tmp_path: Path):
    rows = frame()
    kept = rows.drop(index=range(60, 70))  # ten days of the training part are missing
    kept.sample(frac=1, random_state=1).to_csv(tmp_path / "x.csv", index=False)
    task = tasks.create("series", {"file": str(tmp_path / "x.csv"), "time": "day"})
    assert isinstance(task, Series)
    ends = task.ends(8, "train")
    assert 59 not in ends  # its target lies beyond the gap
    assert not set(range(60, 67)) & set(ends)  # their windows begin before it
    assert {58, 67} <= set(ends)


def test_interpolated_rows_are_not_asked_and_tell_nothing_of_later_ones(tmp_path: Path):
    rows = frame().drop(columns="day")
    rows.loc[40:42, "y"] = np.nan
    for missing in ("interpolate", "drop"):
        rows.to_csv(tmp_path / f"{missing}.csv", index=False)
    options = {"file": str(tmp_path / "interpolate.csv"), "missing": "interpolate"}
    task = tasks.create("series", options)
    assert isinstance(task, Series)
    ends = task.ends(8, "train")
    asked = ends + 1
    assert not {40, 41, 42} & set(ends)  # what stands there was drawn from row 43
    assert not {40, 41, 42} & set(asked)
    assert {38, 43, 44} <= set(ends)
    filled = task.scaled.target[39:44].astype(float)
    assert np.allclose(np.diff(filled), np.diff(filled)[0], atol=1e-5)
    dropped = tasks.create("series", {**options, "missing": "drop"})
    assert isinstance(dropped, Series)
    assert len(dropped.scaled.target) == 197
    assert not set(range(40, 47)) & set(dropped.ends(8, "train"))


def test_held_out_places_are_all_or_evenly_spaced_and_the_same_for_every_seed(tmp_path: Path):
    from lstm_bench.training.evaluation import draw

    frame().to_csv(tmp_path / "x.csv", index=False)
    task = tasks.create("series", {"file": str(tmp_path / "x.csv"), "time": "day"})
    assert isinstance(task, Series)
    count = task.pool(8, "test")
    assert list(task.places(8, "test", 1000)) == list(range(count))
    few = task.places(8, "test", 5)
    assert (few[0], few[-1], len(few)) == (0, count - 1, 5)
    one, other = (list(draw(task, 8, "test", seed, 1000)) for seed in (0, 1))
    assert sum(len(batch.inputs) for batch in one) == count
    assert all(np.array_equal(a.inputs, b.inputs) for a, b in zip(one, other))


def test_arrays_and_a_table_hold_the_same_sequences(tmp_path: Path):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(40, 5, 2)), rng.integers(0, 3, 40)
    np.savez(tmp_path / "x.npz", x=x, y=y)
    rows = [(i, *x[i, t], y[i]) for i in range(40) for t in range(5)]
    names = ["sequence", "x1", "x2", "label"]
    pd.DataFrame(rows, columns=names).to_csv(tmp_path / "x.csv", index=False)
    one, other = (
        tasks.create("labelled", {"file": str(tmp_path / f"x.{k}")}) for k in ("npz", "csv")
    )
    places = np.arange(6)
    for a, b in zip(one.take(5, "test", places), other.take(5, "test", places)):
        assert (a is None and b is None) or np.allclose(a, b, atol=1e-5)


def test_every_held_out_character_is_asked_once(tmp_path: Path):
    text = "".join(np.random.default_rng(0).choice(list("abcd "), 2000))
    (tmp_path / "x.txt").write_text(text)
    task = tasks.create("text", {"file": str(tmp_path / "x.txt")})
    asked = task.target_rows(16, "test", np.arange(task.pool(16, "test")))
    assert np.array_equal(np.diff(asked), np.ones(len(asked) - 1))
    batch = task.take(16, "test", np.array([3]))
    start = task.starts(16, "test")[3]
    letters = np.array([*task.tokens.known, "?"])
    assert "".join(letters[batch.inputs[0].argmax(-1)]) == text[start : start + 16]
    assert "".join(letters[batch.targets[0]]) == text[start + 1 : start + 17]
