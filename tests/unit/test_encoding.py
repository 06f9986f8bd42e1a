"""A file's bytes do not follow the locale of the shell that reads or writes it."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.unit.imports import package_sources

# what ruff's PLW1514 cannot see: calls on what it cannot tell for a path
CALLS = {"read_text", "write_text", "makefile", "fdopen"}


def is_true(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is True


def without_encoding(source: str) -> Iterator[int]:
    """Lines of calls that read or write text in the locale's encoding."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            keywords = {word.arg for word in node.keywords}
            words = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            binary = any("b" in word for word in words[:1] if isinstance(word, str))
            if "encoding" not in keywords and (
                (getattr(node.func, "attr", "") in CALLS and not binary)
                or any(word.arg == "text" and is_true(word.value) for word in node.keywords)
            ):
                yield node.lineno


def test_every_text_of_the_package_has_an_encoding():
    found = {name: list(without_encoding(source)) for name, source in package_sources().items()}
    assert {name: lines for name, lines in found.items() if lines} == {}


@pytest.mark.parametrize("source", ["p.read_text()", "run([], text=True)", "os.fdopen(1)"])
def test_one_without_is_seen(source: str):
    assert list(without_encoding(source)) == [1]


@pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1"])
def test_a_page_of_the_catalogue_is_shown_in_any_locale(locale: str):
    plain = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": locale}
    command = [sys.executable, "-m", "lstm_bench.cli", "show", "lstm"]
    shown = subprocess.run(command, capture_output=True, env={**os.environ, **plain})
    assert shown.returncode == 0, shown.stderr
    assert b"Hochreiter" in shown.stdout
