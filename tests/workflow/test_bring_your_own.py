"""docs/bring-your-own.md is run as it stands: its files, its commands, its config, its test."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from lstm_bench.check import cells as contracts
from lstm_bench.cli.group import cli
from lstm_bench.planning.plan import resolve
from tests.workflow.test_bad_input import SCHEMA
from tests.workflow.workspace import ROOT, TINY

PAGE = (ROOT / "docs/bring-your-own.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.S)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files of the page, named by their first lines; one works there."""
    for block in blocks("python"):
        name = block.splitlines()[0].removeprefix("# ")
        (tmp_path / name).write_text(block, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_page_in_order(folder: Path):
    commands = [line for block in blocks("console") for line in block.splitlines()]
    assert [shlex.split(line)[:3] for line in commands] == [
        ["$", "lstm-bench", "check"],
        ["$", "lstm-bench", "train"],
    ]
    for line in commands:
        done = CliRunner().invoke(cli, shlex.split(line)[2:])
        assert done.exit_code == 0, done.output
    assert list(folder.glob("results/runs/adding-T20-my_cell_janet-w32-*/seeds-*"))
    shown = CliRunner().invoke(cli, ["show", "my_cell.py:Janet"]).output
    assert "run by     a kernel" in shown

    (config,) = [yaml.safe_load(block) for block in blocks("yaml")]
    plan = resolve({**TINY, **config, "experiments": ["horizon"]}, SCHEMA)
    named = {member.cell for member in plan.experiments["horizon"].members}
    assert named == {"lstm", "janet", "nn.LSTM", "torch.nn:GRUCell"}
    assert not plan.sweep.faults

    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_my_cell.py"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr
    assert f"{len(contracts.CONTRACTS) + 1} passed" in tested.stdout


def test_the_page_names_every_promise():
    for contract in contracts.CONTRACTS:
        if contract.__name__ not in (
            "has_the_shapes_it_states",
            "steps_to_a_state_of_the_same_shape",
        ):
            assert contract.__name__.replace("_", " ") in PAGE, contract.__name__
