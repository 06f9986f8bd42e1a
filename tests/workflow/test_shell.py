"""The workflow from another folder, another workflow and another shell."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lstm_bench import environment
from lstm_bench.errors import BenchError
from tests.workflow.workspace import Workspace

IMPORTER = """
configfile: "mine.yaml"


module bench:
    snakefile:
        {snakefile!r}
    config:
        config


use rule * from bench
"""


def dry(workspace: Workspace, folder: Path, *words: str) -> str:
    """What a dry run says that is started in this folder."""
    done = subprocess.run(
        workspace.command("-n", *words),
        cwd=folder,
        env=workspace.environment,
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def test_a_workflow_that_imports_this_one_trains_the_same(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path / "project")
    (tmp_path / "Snakefile").write_text(
        IMPORTER.format(snakefile=str(workspace.path / "Snakefile")), encoding="utf-8"
    )
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(workspace.config), encoding="utf-8")
    assert "train" in dry(workspace, tmp_path)
    assert not (workspace.path / "results").exists()


def test_in_another_directory_the_config_and_its_files_are_those_of_the_project(
    tmp_path: Path,
) -> None:
    rates = "workflow/presets/learning_rates.yaml"
    workspace = Workspace(tmp_path / "project", plugins=["own.py"], learning_rates=rates)
    (workspace.path / "own.py").write_text("", encoding="utf-8")
    (tmp_path / "elsewhere").mkdir()
    assert "train" in dry(workspace, workspace.path, "--directory", str(tmp_path / "elsewhere"))
    assert list((tmp_path / "elsewhere/results/plans").iterdir())
    assert not (workspace.path / "results").exists()


def test_a_variable_that_says_nothing_known_ends_before_anything_starts(tmp_path: Path) -> None:
    shown = Workspace(tmp_path).snakemake("-n", env={environment.ISA: "sse9"})
    assert shown.returncode != 0
    assert "LSTM_BENCH_ISA 'sse9' is unknown" in shown.stdout
    assert "Traceback" not in shown.stdout


@pytest.mark.parametrize("said", ["soon", "-1", "nan"])
def test_seconds_between_checkpoints_are_a_number(said: str, monkeypatch) -> None:
    monkeypatch.setenv(environment.CHECKPOINT_SECONDS, said)
    with pytest.raises(BenchError, match=f"'{said}' is not allowed"):
        environment.check()


def test_a_package_that_is_not_installed_is_named(monkeypatch) -> None:
    environment.require_installed()
    found = environment.version

    def version(name: str) -> str:
        if name == "mlflow":
            raise environment.PackageNotFoundError(name)
        return found(name)

    monkeypatch.setattr(environment, "version", version)
    with pytest.raises(BenchError, match=r"mlflow is not installed in .*pip install"):
        environment.require_installed()


def test_the_command_hides_no_module_behind_a_file_and_needs_no_window(tmp_path: Path) -> None:
    for name in ("random", "click", "copy"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('hidden')", encoding="utf-8")
    code = (
        "import sys; sys.argv = ['lstm-bench', 'list', 'experiments']; sys.path.pop(0)\n"
        "from lstm_bench.cli import cli, isolate; isolate()\n"
        "cli(standalone_mode=False)\nimport lstm_bench.plotting.style"
    )
    window = {"MPLBACKEND": "module://a_notebooks_own"}
    for words in (["-m", "lstm_bench", "list", "tasks"], ["-c", code]):
        done = subprocess.run(
            [sys.executable, *words],
            cwd=tmp_path,
            env={**os.environ, **window},
            capture_output=True,
            encoding="utf-8",
        )
        assert done.returncode == 0, done.stderr


def test_a_user_without_name_and_home_gets_a_number_and_a_private_folder(
    tmp_path: Path, monkeypatch
) -> None:
    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(environment.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.setattr(environment.Path, "home", unknown)
    for name in (*environment.OWN, "HOME", "USER"):
        monkeypatch.setenv(name, "restored afterwards")
        monkeypatch.delenv(name)
    environment.isolate()
    home = Path(os.environ["HOME"])
    assert tmp_path in home.parents
    assert home.stat().st_mode & 0o777 == 0o700
    assert os.environ["USER"] == str(os.getuid())
