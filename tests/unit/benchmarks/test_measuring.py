"""Tables, accounts and shares; the plain scripts train the adding problem."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from argparse import Namespace
from pathlib import Path
from statistics import mean

import pandas as pd
import pytest

from benchmarks import overhead, sweep
from benchmarks.engine import along_T, at_shapes
from benchmarks.measuring import ROOT, Spent, deliver, markdown, run
from lstm_bench.experiments.speed_tables import measured
from tests.unit.experiments.test_speed import probe


def test_a_table_has_every_column_and_a_dash_for_what_is_missing():
    text = markdown([{"a": 1, "b": 0.12345}, {"a": 2, "c": float("nan")}])
    assert text.splitlines() == [
        "| a | b | c |",
        "| --- | --- | --- |",
        "| 1 | 0.123 | – |",
        "| 2 | – | – |",
    ]


def test_a_block_of_a_page_is_replaced_and_the_rest_kept(tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- x -->\nold\n<!-- /x -->\nafter\n")
    for text in ("new \\1", "newer"):
        deliver("x", text, page)
    assert page.read_text() == "before\n<!-- x -->\nnewer\n<!-- /x -->\nafter\n"
    with pytest.raises(SystemExit, match="has no <!-- y -->"):
        deliver("y", "text", page)


def test_the_page_has_a_place_for_every_benchmark():
    page = (ROOT / "docs/performance.md").read_text()
    for name in ("engine", "sweep", "overhead"):
        assert page.count(f"<!-- {name} -->") == page.count(f"<!-- /{name} -->") == 1


def test_a_stopwatch_counts_the_processor_time_of_children():
    """In a process of its own: this one may have children of other tests to bury."""
    busy = "import time\nwhile time.process_time() < 0.3: pass"
    code = (
        "import sys; from benchmarks.measuring import Stopwatch, run\n"
        f"with Stopwatch() as watch: run([sys.executable, '-c', {busy!r}])\n"
        "print(watch.spent.cpu, watch.spent.wall)"
    )
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=True)
    cpu, wall = (float(word) for word in out.stdout.split())
    assert 0.3 <= cpu < 3
    assert wall >= 0.25


def test_the_account_of_a_command_names_its_part_and_sums_its_times():
    end = "\n0m0.002s 0m0.010s\n1m1.500s 0m0.088s\n"
    for command, part in (
        ("python -m lstm_bench.jobs.job --block x", "train"),
        ("python -m lstm_bench.stages conclude horizon > a\n# two lines", "conclude"),
        ("true", "other"),
        ("served lstm_bench.jobs.job --condition", "served"),
        ("served lstm_bench.stages draw", "draw"),
        ("server", "server"),
    ):
        found, seconds = overhead.command_seconds(command + end)
        assert found == part
        assert seconds == pytest.approx(61.6)
    with pytest.raises(ValueError, match="no account"):
        overhead.command_seconds("python\nkilled\n")


def test_the_parts_of_a_sweep_add_up_to_all_of_it():
    commands = {"train": [30.0, 30.0], "draw": [2.0], "probe": [9.0], "track": [3.0]}
    found = overhead.parts(100.0, commands, updates=50.0, evaluation=3.0, data=4.0, start=1.5)
    assert sum(found.values()) == pytest.approx(100)
    assert found["updates"] == 46
    assert found["rest of trainings: reading, logging, testing, writing"] == pytest.approx(4)
    assert found["Snakemake and the plan"] == pytest.approx(26)
    forked = {**commands, "train": [1.0, 1.0], "served": [30.0, 28.0], "server": [2.0]}
    same = overhead.parts(100.0, forked, updates=50.0, evaluation=3.0, data=4.0, start=0.5)
    assert sum(same.values()) == pytest.approx(100)
    assert same["start and imports of trainings"] == pytest.approx(3)
    rows = {row["part"]: row for row in overhead.table(found)}
    assert rows["updates"]["share"] == f"{46 / 91:.1%}"  # of what is not the probe's
    assert rows["all but updates"]["CPU s"] == pytest.approx(45)


def test_the_wrapper_of_commands_writes_their_account(tmp_path: Path):
    """The trap of workflow/rules/common.smk, as bash runs it."""
    rules = (ROOT / "workflow/rules/common.smk").read_text()
    lines = rules[rules.index("account = (") :].split("\n)")[0].split("\n")[1:]
    account = "".join(eval(line) for line in lines)
    wanted = "true lstm_bench.stages draw; false"
    environment = {**os.environ, "LSTM_BENCH_TIMES": str(tmp_path)}
    done = subprocess.run(["bash", "-c", account + wanted], env=environment)
    assert done.returncode == 1
    (file,) = tmp_path.iterdir()
    assert overhead.command_seconds(file.read_text())[0] == "draw"
    quiet = {k: v for k, v in os.environ.items() if k != "LSTM_BENCH_TIMES"}
    assert subprocess.run(["bash", "-uc", account + "true"], env=quiet).returncode == 0


def test_the_ratio_of_a_sweep_is_to_the_first_way():
    spent = {"plain": [Spent(10, 20, 0), Spent(12, 24, 0)], "suite": [Spent(2, 3, None)]}
    losses = {"plain": {"lstm": [0.1, 0.3]}, "suite": {"lstm": [0.2]}}
    rows = sweep.table(spent, losses)
    assert rows[1]["times faster (wall)"] == pytest.approx(11 / 2)
    assert rows[1]["times less CPU"] == pytest.approx(22 / 3)
    assert rows[0]["loss lstm"] == pytest.approx(0.2)


def test_the_tables_of_the_engine_say_how_many_times_as_long_others_take():
    table = measured(probe())
    (row,) = at_shapes(table)
    assert row["(R,B,H,T,D)"] == "4,32,32,100,2"
    assert row["× torch.nn tuned"] == pytest.approx(3)
    assert row["× jax"] == "out of memory"
    assert row["of peak"] == "71%"
    grown = {each["contender"]: each for each in along_T(table)}
    assert grown["fused"]["longest T"] == 1000
    assert grown["fused"]["time ~ T^"] == pytest.approx(1)


@pytest.mark.parametrize("name", ["plain_torch", "jax_vmap"])
def test_a_plain_script_learns_what_it_is_given(name: str):
    if name == "jax_vmap" and not importlib.util.find_spec("jax"):
        pytest.skip("jax is not installed")
    words = ["--T", "4", "--updates", "400", "--cell", "gru", "--learning-rate", "0.01"]
    words += ["--seeds", "2"] if name == "jax_vmap" else []
    told = json.loads(run([sys.executable, str(ROOT / f"benchmarks/{name}.py"), *words]))
    assert len(told["test"]) == (2 if name == "jax_vmap" else 1)
    assert mean(told["test"]) < 0.03  # the chance loss without memory is 1/6


def test_the_suite_trains_for_a_fixed_number_of_updates(tmp_path: Path):
    a = Namespace(seeds=2, cells=["elman"], lengths=[10], updates=20, width=8, batch=32,
                  evaluate_every=10, cores=1)  # fmt: skip
    losses = sweep.by_api(a, tmp_path)
    assert len(losses["elman"]) == 2
    (file,) = tmp_path.glob("results/runs/*/*/replicates.parquet")
    assert set(pd.read_parquet(file).updates) == {20}
