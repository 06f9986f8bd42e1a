"""The real Snakefile on a tiny sweep: what it makes, and what it makes anew.

What a grown config plans beside it: tests/unit/planning/test_growth.py.
"""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import sqlite3
import subprocess
from pathlib import Path

import pandas as pd

from lstm_bench import experiments
from lstm_bench.store.paths import BLOCK_FILES, Results
from lstm_bench.store.plans import Plan
from tests.workflow.workspace import Workspace

HORIZON = "results/experiments/horizon/table.csv"


def test_the_scheduler_looks_once_for_each_job_that_ends(finished: Workspace) -> None:
    """Not once a second for every job that ever ended, as Snakemake does with a limit of jobs."""
    told = (finished.path / "told").read_text()
    total = re.search(r"^total +(\d+)$", told, re.M)
    assert total is not None
    assert 3 < told.count("Resources before job selection") <= int(total[1]) + 1


def test_the_last_line_says_where_the_report_is(finished: Workspace) -> None:
    told = (finished.path / "told").read_text(encoding="utf-8").splitlines()
    assert told[-1] == f"The report: {finished.path / 'results/report/index.html'}"
    again = finished.snakemake().stdout.splitlines()
    assert again.count(told[-1]) == 1
    assert again[-1] == told[-1]


def test_on_a_terminal_there_are_bars(finished: Workspace, tmp_path: Path) -> None:
    copy = finished.copy(tmp_path / "copy")
    (copy.path / "results/report/index.html").unlink()
    shown, terminal = pty.openpty()
    env = {**copy.environment, "TERM": "xterm", "COLUMNS": "120"}
    words = {"cwd": copy.path, "env": env, "stdout": terminal, "stderr": terminal}
    with subprocess.Popen(copy.command(), **words) as sweep:
        os.close(terminal)
        told = b""
        with contextlib.suppress(OSError):  # Linux's end of file, of a terminal
            while read := os.read(shown, 65536):
                told += read
    os.close(shown)
    assert sweep.returncode == 0
    text = told.decode()
    assert "100%" in text
    assert "━━━━" in text
    assert text.rstrip().endswith("results/report/index.html")
    assert "━━━━" not in (finished.path / "told").read_text(encoding="utf-8")


def test_every_experiment_has_its_tables_and_figures(finished: Workspace) -> None:
    for name in finished.config["experiments"]:
        folder = finished.path / "results" / "experiments" / name
        assert len(pd.read_csv(folder / "table.csv")) > 0
        assert json.loads((folder / "verdict.json").read_text())["answer"].endswith(".")
        for kind in ("svg", "pdf", "png"):
            assert (folder / f"figure.{kind}").stat().st_size > 2000


def test_the_horizon_table_has_a_row_with_n_and_interval_for_every_condition(
    finished: Workspace,
) -> None:
    table = pd.read_csv(finished.path / "results/experiments/horizon/table.csv")
    assert set(zip(table.cell, table["T"])) == {("elman", 10), ("lstm", 10)}
    assert (table.n == 2).all()
    assert ((table.low <= table.share) & (table.share <= table.high)).all()


def test_the_report_loads_nothing_from_elsewhere(finished: Workspace) -> None:
    page = (finished.path / "results/report/index.html").read_text()
    assert "How far back can each cell remember?" in page
    assert 'src="http' not in page
    assert "<script" not in page
    assert "Not tuned, trained with a learning rate of 0.01" in page  # TINY names no rates
    assert page.count("data:image/svg+xml;base64") >= 3


def test_two_replicates_leave_a_claim_open_with_the_reason_and_no_p(finished: Workspace) -> None:
    stored = json.loads((finished.path / "results/claims/verdicts.json").read_text())
    claims = {claim["id"]: claim for claim in stored["claims"]}
    tested = claims["long_dependencies"]
    assert (tested["verdict"], tested["n"], tested["p_adjusted"]) == ("open", 2, None)
    assert "seeds below 10,000 are for development" in tested["reason"]
    assert claims["computational_cost"]["verdict"] == "supported"
    page = (finished.path / "results/report/index.html").read_text()
    assert page.index(tested["quote"]) < page.index("<main>")
    assert page.count(tested["quote"]) == 2  # in the table of verdicts and above its section


def test_verdicts_hang_neither_on_mlflow_nor_on_the_report_nor_on_the_time_of_day(
    finished: Workspace, tmp_path: Path
) -> None:
    copy = finished.copy(tmp_path / "copy")
    judged = ("verdicts.json", "verdicts.csv", "votes.csv", "values.csv")
    for name in ("mlflow.db", "report/index.html", *(f"claims/{file}" for file in judged)):
        (copy.path / "results" / name).unlink()
    done = copy.snakemake("results/claims/verdicts.json")
    assert done.returncode == 0, done.stdout[-3000:]
    for name in judged:
        again = (copy.path / "results/claims" / name).read_bytes()
        assert again == (finished.path / "results/claims" / name).read_bytes()
        assert b'_seconds"' not in again


def test_every_replicate_is_one_mlflow_run(finished: Workspace) -> None:
    with sqlite3.connect(finished.path / "results/mlflow.db") as database:
        rows = database.execute("select value from params where key = 'seed'").fetchall()
    conditions = len(list(finished.path.glob("results/runs/*")))
    assert sorted(rows) == sorted([("0",), ("1",)] * conditions)


def test_deleted_runs_come_back_once(finished: Workspace, tmp_path: Path) -> None:
    copy = finished.copy(tmp_path / "copy")
    (copy.path / "results/mlflow.db").unlink()
    conditions = len(list(copy.path.glob("results/runs/*")))
    runs = 3 * conditions + len(copy.config["experiments"])  # two replicates and what they share
    shown = copy.cli("track")
    assert f"{runs} runs added" in shown.stdout, shown.stderr
    assert f"0 runs added, 0 replaced, {runs} unchanged" in copy.cli("track").stdout


def test_an_estimate_is_printed_and_then_stands_in_the_report_beside_what_happened(
    finished: Workspace, tmp_path: Path
) -> None:
    copy = finished.copy(tmp_path / "estimated")
    assert "Estimated and measured" not in (copy.path / "results/report/index.html").read_text()
    told = copy.cli("estimate")
    assert told.returncode == 0, told.stderr
    assert "whole sweep" in told.stdout
    assert set(copy.planned()) == {"report"}
    done = copy.snakemake("results/report/index.html")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Estimated and measured" in (copy.path / "results/report/index.html").read_text()
    wrong = copy.cli("estimate", "--configfile", "nowhere.yaml")
    assert (wrong.returncode, wrong.stdout) == (1, "")
    assert wrong.stderr.startswith("lstm-bench: nowhere.yaml is not there")


def test_new_seeds_plan_their_own_blocks_only_and_keep_the_old_files(
    finished: Workspace, tmp_path: Path
) -> None:
    grown = finished.copy(tmp_path / "grown")
    grown.configure(replicates=4)
    before = _bytes(grown.path / "results/runs")
    done = grown.snakemake(HORIZON)
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"^train +2$", done.stdout, re.M), done.stdout[-3000:]
    after = _bytes(grown.path / "results/runs")
    added = [name for name in after if name not in before]
    assert len(added) == 2 * len(BLOCK_FILES)
    assert all("/seeds-002-003/" in name for name in added)
    assert {name: after[name] for name in before} == before
    table = pd.read_csv(grown.path / HORIZON)
    assert (table.n == 4).all()


def test_deleted_figures_come_back_without_training(finished: Workspace, tmp_path: Path) -> None:
    copy = finished.copy(tmp_path / "copy")
    for file in copy.path.glob("results/experiments/*/figure.*"):
        file.unlink()
    both = [experiments.registry()[name].supplemented() for name in copy.config["experiments"]]
    drawn = {"draw": both.count(False), "draw_both": both.count(True)}
    assert copy.planned("figures") == {**drawn, "figures": 1}


def test_planning_needs_no_torch_once_the_plan_exists(finished: Workspace, tmp_path: Path) -> None:
    for name in ("torch", "mlflow"):
        (tmp_path / f"{name}.py").write_text(f"raise ImportError('{name} is blocked')\n")
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    shown = finished.snakemake("-n", env={"PYTHONPATH": path})
    assert shown.returncode == 0, shown.stdout
    assert "Nothing to be done" in shown.stdout


def test_a_moved_results_folder_runs_nothing_again(finished: Workspace, tmp_path: Path) -> None:
    assert finished.copy(tmp_path / "elsewhere").planned() == {}


def test_status_counts_what_is_there(finished: Workspace) -> None:
    shown = finished.cli("status")
    assert shown.returncode == 0, shown.stderr
    blocks = len(list(finished.path.glob("results/runs/*/seeds-*")))
    assert f"seed blocks  {blocks}: {blocks} done" in shown.stdout


def test_a_damaged_run_is_named_in_one_sentence_and_the_rest_is_kept(
    finished: Workspace, tmp_path: Path
) -> None:
    copy = finished.copy(tmp_path / "copy")
    victim = copy.path / f"results/runs/{_lstm(copy)}/seeds-000-001/curves.parquet"
    times = victim.stat()
    victim.write_bytes(victim.read_bytes()[:-40])
    os.utime(victim, ns=(times.st_atime_ns, times.st_mtime_ns))
    before = set(_bytes(copy.path / "results/runs"))
    shown = copy.snakemake("--forcerun", "conclude", "--", HORIZON)
    assert shown.returncode != 0
    log = (copy.path / "results/logs/conclude/horizon.log").read_text()
    assert victim.relative_to(copy.path).as_posix() in log
    assert "Traceback" not in log
    assert set(_bytes(copy.path / "results/runs")) == before


def _lstm(workspace: Workspace) -> str:
    """The condition's id of the LSTM of the horizon."""
    plan = Plan.last_run(Results(workspace.path))
    members = plan.experiments["horizon"].members
    return next(member.condition for member in members if member.cell == "lstm")


def _bytes(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
