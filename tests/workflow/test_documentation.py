"""The pages that tell how to add a cell and a task are run as they stand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.workflow.sweeps import PAGES, code_blocks
from tests.workflow.workspace import ROOT, Workspace

LIMIT = 25


def code_lines(source: str) -> int:
    """Lines that are neither blank nor docstring nor comment."""
    without = re.sub(r'"""(?:.|\n)*?"""', "", source)
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") for line in without.split("\n")
    )


@pytest.mark.parametrize(
    ("file", "column", "name"), [("my_cell.py", "cell", "slow"), ("my_task.py", "task", "latch")]
)
def test_a_plugin_from_the_page_is_listed_trained_and_stands_in_the_figures(
    file: str, column: str, name: str, named: Workspace
) -> None:
    source = (named.path / file).read_text()
    assert code_lines(source) <= LIMIT
    assert f"  {name} " in named.cli("list", f"{column}s", "--plugin", file).stdout
    for experiment in named.config["experiments"]:
        folder = named.path / "results/experiments" / experiment
        assert name in set(pd.read_csv(folder / "table.csv")[column])


def test_what_an_edited_plugin_takes_part_in_is_trained_again(
    named: Workspace, tmp_path: Path
) -> None:
    edited = named.copy(tmp_path / "edited")
    for file in PAGES:
        with (edited.path / file).open("a", encoding="utf-8") as source:
            source.write("\n# an edit\n")
    assert edited.planned("figures")["train"] == 3, "all but one of four, which has neither"


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
