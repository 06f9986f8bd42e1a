"""The pages that tell how to add a cell and a task are run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.workflow.workspace import ROOT, Workspace

LIMIT = 25


def code_blocks(page: str) -> list[str]:
    """The Python blocks of a page."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.S)


def code_lines(source: str) -> int:
    """Lines that are neither blank nor docstring nor comment."""
    without = re.sub(r'"""(?:.|\n)*?"""', "", source)
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") for line in without.split("\n")
    )


PAGES = {"my_cell.py": "adding-a-cell.md", "my_task.py": "adding-a-task.md"}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A sweep of both pages' plugins beside a task and a cell of the suite."""
    chosen = {"tasks": ["temporal_order", "latch"], "cells": ["elman", "slow"]}
    made = Workspace(
        tmp_path_factory.mktemp("pages"),
        plugins=list(PAGES),
        experiments=["horizon", "training_time"],
        **chosen,
    )
    for file, page in PAGES.items():
        (made.path / file).write_text(code_blocks(page)[0])
    done = made.snakemake("figures")
    assert done.returncode == 0, done.stdout[-3000:]
    assert made.planned("figures") in ({}, {"figures": 1})
    return made


@pytest.mark.parametrize(
    ("file", "column", "name"), [("my_cell.py", "cell", "slow"), ("my_task.py", "task", "latch")]
)
def test_a_plugin_from_the_page_is_listed_trained_and_stands_in_the_figures(
    file: str, column: str, name: str, workspace: Workspace
) -> None:
    source = (workspace.path / file).read_text()
    assert code_lines(source) <= LIMIT
    assert f"  {name} " in workspace.cli("list", f"{column}s", "--plugin", file).stdout
    for experiment in workspace.config["experiments"]:
        folder = workspace.path / "results/experiments" / experiment
        assert name in set(pd.read_csv(folder / "table.csv")[column])
    (workspace.path / file).write_text(source + "\n# an edit\n")
    assert workspace.planned("figures")["train"] == 2, "with either of the other kind"
    (workspace.path / file).write_text(source)


def test_every_block_of_the_pages_is_a_file_that_trains_as_it_stands(tmp_path: Path) -> None:
    blocks = [block for page in PAGES.values() for block in code_blocks(page)]
    files = [tmp_path / f"plugin_{i}.py" for i in range(len(blocks))]
    for file, block in zip(files, blocks, strict=True):
        file.write_text(block, encoding="utf-8")
    code = f"""
import lstm_bench
small = dict(T=4, width=3, updates=2, evaluate_every=1, validation_size=8, test_size=8)
for cell in ("slow", "trace"):
    found = lstm_bench.train("latch", cell, replicates=1, plugins={[*map(str, files)]}, **small)
    print(cell, *found.replicates.status)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-1000:]
    assert done.stdout.split() == ["slow", "unsolved", "trace", "unsolved"]


def test_the_readme_names_commands_and_files_that_exist() -> None:
    readme = (ROOT / "README.md").read_text()
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", readme, re.M):
        assert re.search(rf"^{target}:", makefile, re.M), target
    for link in re.findall(r"\]\(([^)#:]+)\)", readme):
        assert (ROOT / link).exists(), link
    for preset in re.findall(r"workflow/presets/\S+?\.yaml", readme):
        assert (ROOT / preset).exists(), preset
