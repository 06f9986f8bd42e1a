"""A stage of the workflow: the same whether the sweep's fork server has it done or not."""

from __future__ import annotations

import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

from lstm_bench import stages
from lstm_bench.store.seals import write_sealed_json
from lstm_bench.store.tables import read_table
from lstm_bench.training import forkserver
from tests.unit.training.test_forkserver import sweep_in
from tests.unit.training.test_job import until


def run(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "lstm_bench.stages", *arguments],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_served_stage_answers_as_one_that_is_not(tmp_path: Path):
    """A plan that is not there and an option that is none: their codes and their sentences."""
    asked = [["judge", "--plan", str(tmp_path / "none.json")], ["draw", "horizon", "--colour"]]
    alone = [run(*arguments) for arguments in asked]
    assert [code for code, _ in alone] == [1, 2]
    accounts = tmp_path / "times"
    accounts.mkdir()
    with pytest.MonkeyPatch.context() as patch, sweep_in(tmp_path / "private", tmp_path):
        patch.setenv("LSTM_BENCH_TIMES", str(accounts))
        assert [run(*arguments) for arguments in asked] == alone
    commands = sorted(file.read_text().split("\n")[0] for file in accounts.iterdir())
    assert commands == ["served lstm_bench.stages draw", "served lstm_bench.stages judge"]


def test_what_a_killed_child_leaves_is_done_here(monkeypatch: pytest.MonkeyPatch):
    """The server may have been killed, and with it the word how its child ended."""
    done: list[list[str]] = []
    ended = os.fork()
    if ended == 0:
        os.kill(os.getpid(), 9)
    monkeypatch.setattr(forkserver, "request", lambda *_: forkserver.Child(ended))
    monkeypatch.setattr(stages, "work", lambda arguments: done.append(arguments) or 3)
    monkeypatch.setattr(sys, "argv", ["stages", "judge"])
    with pytest.raises(SystemExit) as left:
        stages.main()
    assert left.value.code == 3
    assert done == [["judge"]]


def test_only_stages_that_import_more_than_they_compute_are_served(monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    monkeypatch.setattr(forkserver, "request", lambda _, words: asked.append(words[0]))
    monkeypatch.setattr(stages, "work", lambda arguments: 0)
    for name in stages.stages.commands:
        monkeypatch.setattr(sys, "argv", ["stages", name])
        with pytest.raises(SystemExit):
            stages.main()
    assert sorted(asked) == sorted(stages.SERVED)


def test_a_server_that_is_asked_for_a_stage_first_serves_stages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As where only figures are drawn again: nothing is trained, and torch is not imported."""
    sweep = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(100)"])
    folder = tmp_path / "private"
    monkeypatch.setenv(forkserver.VARIABLE, f"{sweep.pid}:{folder}/s")
    try:
        assert forkserver.request("lstm_bench.stages", ["judge"]) is None
        until((folder / "s").exists)
        maps = Path(f"/proc/{(folder / 's.pid').read_text()}/maps").read_text(encoding="utf-8")
        assert "libtorch" not in maps
        assert "_stats" in maps, "scipy.stats is there"
        child = forkserver.request("lstm_bench.stages", ["judge", "--plan", "none.json"])
        assert child is not None
        assert child.wait() == 1
    finally:
        sweep.kill()
        sweep.wait()
        until(lambda: not folder.exists() or not list(folder.iterdir()))


def test_a_probe_of_thousands_of_runs_reads_them_from_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an argument they would be longer than Linux allows: 128 KiB."""
    runs = [["a-condition-of-sixty-letters-and-its-hash-0123456789", "seeds-000-004"]] * 4000
    entry = {"probe": "counting", "probe_settings": {"runs": runs}}
    kinds = ("conditions", "datasets", "config")
    plan = {"experiments": {"mine": entry}, **{key: {} for key in kinds}}
    write_sealed_json(tmp_path / "plan.json", plan)
    counting = types.ModuleType("lstm_bench.probes.counting")
    counting.measure = lambda settings: [{"runs": len(settings["runs"])}]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, counting.__name__, counting)
    asked = ["mine", "--plan", str(tmp_path / "plan.json"), "--output", str(tmp_path / "p.parquet")]
    assert stages.work(["probe", *asked]) == 0
    assert read_table(tmp_path / "p.parquet").to_pylist() == [{"runs": 4000}]
    rule = (Path(__file__).parents[2] / "workflow/rules/probes.smk").read_text(encoding="utf-8")
    assert "{params.settings" not in rule
