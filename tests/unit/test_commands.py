"""The commands that a sentence of the package or a page of docs/ names can be given so."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from lstm_bench.cli import cli
from tests.unit.imports import package_sources

ROOT = Path(__file__).parents[2]
COMMAND = re.compile(r"lstm-bench ([a-z]+)((?: (?:--[\w-]+|[\w./=,-]+))*)")


def texts() -> Iterator[tuple[str, str]]:
    """Every text of the sources, however it is broken into lines, and every page."""
    for module, source in package_sources().items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.JoinedStr):
                parts = [
                    part.value if isinstance(part, ast.Constant) else "…" for part in node.values
                ]
                yield module, "".join(map(str, parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield module, node.value
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        yield page.name, page.read_text(encoding="utf-8")


def commands() -> list[tuple[str, str, str]]:
    found = {
        (place, match[1], option)
        for place, text in texts()
        for match in COMMAND.finditer(" ".join(text.split()))
        if match[1] in cli.commands or "--" in match[2]
        for option in ["", *re.findall(r"--[\w-]+", match[2])]
    }
    return sorted(found)


def test_commands_are_found_in_sentences_and_on_pages() -> None:
    assert {"lstm_bench.planning.freeze", "README.md"} <= {place for place, _, _ in commands()}


def test_a_command_that_is_named_exists() -> None:
    for place, command, option in commands():
        known = [
            name
            for each in cli.commands[command].params
            for name in (*each.opts, *each.secondary_opts)
        ]
        assert not option or option in [*known, "--help"], f"{place}: {command} {option}"
