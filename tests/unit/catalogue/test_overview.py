"""The page that lists everything is that of the registries, and holds every entry."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from lstm_bench import cells, tasks
from lstm_bench.catalogue.docstrings import first_line
from lstm_bench.catalogue.overview import overview
from lstm_bench.cli import cli

PAGE = Path(__file__).parents[3] / "docs" / "catalogue.md"


def test_the_page_in_the_docs_is_fresh(tmp_path: Path):
    """In a process of its own: other tests define tasks and cells."""
    command = [sys.executable, "-m", "lstm_bench.cli", "overview", "--folder", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, cwd=PAGE.parents[1])
    written = (tmp_path / "catalogue.md").read_text()
    assert PAGE.read_text() == written, "run `lstm-bench overview` to write it anew"


@pytest.mark.parametrize("room", [tasks, cells])
def test_every_entry_has_its_one_line_with_its_source(room):
    lines = overview().splitlines()
    for name, cls in room.registry().items():
        if not cls.__module__.startswith("lstm_bench."):
            continue  # another test's
        (line,) = [each for each in lines if each.startswith(f"| `{name}` |")]
        assert first_line(cls) in line.replace("\\|", "|")
        source = line.split(" | ")[-1].removesuffix(" |")
        assert source in cls.citation
        assert source.endswith(")")


def test_every_line_of_a_table_has_its_four_columns():
    rows = [line.replace("\\|", "") for line in overview().splitlines() if line.startswith("|")]
    assert {row.count("|") for row in rows} == {5}


def test_a_plugin_joins_the_page_that_the_command_writes(tmp_path: Path):
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "from lstm_bench.tasks.adding import Adding\n"
        "class Mine(Adding):\n"
        '    """Remember what is mine."""\n'
        "    name = 'mine_of_the_overview'\n"
    )
    try:
        run = CliRunner().invoke(
            cli, ["overview", "--folder", str(tmp_path / "new"), "--plugin", str(plugin)]
        )
        assert run.exit_code == 0, run.output
        page = (tmp_path / "new" / "catalogue.md").read_text()
        assert "| `mine_of_the_overview` | Remember what is mine. |" in page
    finally:
        _forget("mine_of_the_overview", tasks.Task)


def _forget(name: str, base: type) -> None:
    """A class is listed for as long as it has a name of its own."""
    for sub in base.__subclasses__():
        if vars(sub).get("name") == name:
            del sub.name
        _forget(name, sub)
