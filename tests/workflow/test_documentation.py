"""The pages that tell how to add a cell and a task are run as they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest

from tests.workflow.workspace import ROOT, Workspace

LIMIT = 25


def code_block(page: str) -> str:
    """The first Python block of a page."""
    match = re.search(r"```python\n(.*?)```", (ROOT / "docs" / page).read_text(), re.S)
    assert match is not None
    return match[1]


def code_lines(source: str) -> int:
    """Lines that are neither blank nor docstring nor comment."""
    without = re.sub(r'"""(?:.|\n)*?"""', "", source)
    return sum(
        bool(line.strip()) and not line.strip().startswith("#") for line in without.split("\n")
    )


@pytest.mark.parametrize(
    ("page", "file", "key", "name", "kind"),
    [
        ("adding-a-cell.md", "my_cell.py", "cells", "slow", "cells"),
        ("adding-a-task.md", "my_task.py", "tasks", "latch", "tasks"),
    ],
)
def test_a_plugin_from_the_page_is_listed_trained_and_stands_in_the_figures(
    page: str, file: str, key: str, name: str, kind: str, tmp_path: Path
) -> None:
    source = code_block(page)
    assert code_lines(source) <= LIMIT
    other = {"tasks": ["temporal_order"], "cells": ["elman"]}
    chosen = {**other, key: [*other[key], name], "experiments": ["horizon", "training_time"]}
    workspace = Workspace(tmp_path, plugins=[file], **chosen)
    (tmp_path / file).write_text(source)
    assert f"  {name} " in workspace.cli("list", kind, "--plugin", file).stdout
    done = workspace.snakemake("figures")
    assert done.returncode == 0, done.stdout[-3000:]
    for experiment in chosen["experiments"]:
        table = pd.read_csv(tmp_path / "results/experiments" / experiment / "table.csv")
        assert name in set(table[key[:-1]])
    assert workspace.planned("figures") == {"figures": 1} or workspace.planned("figures") == {}
    (tmp_path / file).write_text(source + "\n# an edit\n")
    assert workspace.planned("figures")["train"] == 1


def test_the_readme_names_commands_and_files_that_exist() -> None:
    readme = (ROOT / "README.md").read_text()
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", readme, re.M):
        assert re.search(rf"^{target}:", makefile, re.M), target
    for link in re.findall(r"\]\(([^)#:]+)\)", readme):
        assert (ROOT / link).exists(), link
    for preset in re.findall(r"workflow/presets/\S+?\.yaml", readme):
        assert (ROOT / preset).exists(), preset
