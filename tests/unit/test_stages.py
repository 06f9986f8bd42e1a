"""The steps of the workflow as commands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import types
from pathlib import Path

import pytest

from lstm_bench import stages
from lstm_bench.jobs import forkserver
from lstm_bench.store.checksums import write_checked_json
from lstm_bench.store.tables import read_table


def run(*arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "lstm_bench.stages", *arguments],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_bad_input_and_bad_options_have_codes_of_their_own(tmp_path: Path):
    code, told = run("judge", "--plan", str(tmp_path / "none.json"))
    assert (code, "Traceback" in told) == (1, False)
    assert "none.json" in told
    code, told = run("draw", "horizon", "--colour")
    assert (code, "--colour" in told) == (2, True)


@pytest.mark.parametrize(("ended", "code"), [(0, 0), (1, 1), (-signal.SIGTERM, 143)])
def test_a_step_ends_as_its_child(monkeypatch: pytest.MonkeyPatch, ended: int, code: int) -> None:
    monkeypatch.setenv(forkserver.VARIABLE, "1:/nowhere/s")
    monkeypatch.setattr(stages.supervision, "supervise", lambda *asked, **more: ended)
    assert stages.main() == code


def test_a_step_whose_child_was_killed_is_done_again_by_itself(tmp_path: Path) -> None:
    """A server that is killed takes its children's word along: the sweep goes on without it."""
    code = (
        "import sys; from lstm_bench import stages\n"
        "sys.argv[1:] = ['judge', '--plan', 'none.json']\n"
        "stages.supervision.supervise = lambda *asked, **more: -9\n"
        "sys.exit(stages.main())"
    )
    place = {**os.environ, forkserver.VARIABLE: "1:/nowhere/s"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=place, cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    again, told = done.stderr.splitlines()
    assert "done again" in again
    assert "none.json" in told


def test_a_probe_of_thousands_of_runs_reads_them_from_the_plan(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an argument they would be longer than Linux allows: 128 KiB."""
    runs = [["a-condition-of-sixty-letters-and-its-hash-0123456789", "seeds-000-004"]] * 4000
    entry = {"probe": "counting", "probe_settings": {"runs": runs}}
    kinds = ("conditions", "config")
    plan = {"experiments": {"mine": entry}, **{key: {} for key in kinds}}
    write_checked_json(tmp_path / "plan.json", plan)
    counting = types.ModuleType("lstm_bench.probes.counting")
    counting.measure = lambda settings: [{"runs": len(settings["runs"])}]  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, counting.__name__, counting)
    asked = ["mine", "--plan", str(tmp_path / "plan.json"), "--output", str(tmp_path / "p.parquet")]
    assert stages.work(["probe", *asked]) == 0
    assert read_table(tmp_path / "p.parquet").to_pylist() == [{"runs": 4000}]
    rule = (Path(__file__).parents[2] / "workflow/rules/probes.smk").read_text(encoding="utf-8")
    assert "{params.settings" not in rule
