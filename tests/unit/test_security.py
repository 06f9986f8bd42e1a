"""Nothing that is read can run: no pickle, no torch.load; servers listen to loopback."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from lstm_bench.cli import cli
from lstm_bench.tracking import ui

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(p for room in ("lstm_bench", "benchmarks") for p in (ROOT / room).rglob("*.py"))
RUN_WHAT_THEY_READ = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
READERS = {
    ("torch", "load"),
    ("torch", "save"),
    ("pd", "read_pickle"),
    ("pandas", "read_pickle"),
    ("yaml", "load"),
    ("yaml", "load_all"),
    ("yaml", "full_load"),
    ("yaml", "unsafe_load"),
    ("os", "system"),
    ("os", "popen"),
}
RULES = [ROOT / "Snakefile", *sorted((ROOT / "workflow/rules").glob("*.smk"))]


def offences(tree: ast.AST) -> Iterator[str]:
    """What in this source could run what a file says."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            named = [node.module or "", *(f"{node.module}.{alias.name}" for alias in node.names)]
            read = [(node.module, alias.name) for alias in node.names]
            yield from (f"from {a} import {b}" for a, b in read if (a, b) in READERS)
        else:
            named = []
        yield from (name for name in named if name.partition(".")[0] in RUN_WHAT_THEY_READ)
        if isinstance(node, ast.Attribute):
            whose = node.value.id if isinstance(node.value, ast.Name) else ""
            if (whose, node.attr) in READERS:
                yield f"{whose}.{node.attr}"
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name) and node.func.id in ("eval", "exec"):
                yield node.func.id
            for word in node.keywords:
                value = getattr(word.value, "value", None)
                if (word.arg, value) in (("allow_pickle", True), ("shell", True)):
                    yield f"{word.arg}={value}"


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from cloudpickle import loads",
        "import torch; torch.load('x')",
        "from torch import load",
        "import yaml; yaml.load(x, Loader=yaml.Loader)",
        "np.load(x, allow_pickle=True)",
        "subprocess.run(x, shell=True)",
        "eval(x)",
    ],
)
def test_the_check_bites(source: str) -> None:
    assert list(offences(ast.parse(source)))


def test_nothing_that_is_read_can_run() -> None:
    assert len(SOURCES) > 100
    found = {
        str(path.relative_to(ROOT)): told
        for path in SOURCES
        if (told := list(offences(ast.parse(path.read_text()))))
    }
    assert found == {}


def test_every_numpy_archive_is_read_without_pickle() -> None:
    """`allow_pickle=False` is numpy's default since 1.16.3: said all the same, as a promise."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("np.load", "numpy.load"):
                assert "allow_pickle=False" in ast.unparse(node), f"{path}:{node.lineno}"


def test_words_of_shell_commands_are_quoted() -> None:
    """A wildcard is constrained to letters, digits, _ and -; whatever else a rule puts in is :q."""
    import re

    plain = ("wildcards.", "resources.")
    for path in RULES:
        text = path.read_text()
        for command in re.findall(r"    shell:\n((?:        .*\n)+)", text):
            for field in re.findall(r"(?<!{){([^{}]+)}", command):
                assert field.endswith(":q") or field.startswith(plain), f"{path.name}: {{{field}}}"


def test_the_ui_listens_to_this_machine_unless_asked() -> None:
    assert inspect.signature(ui.serve).parameters["host"].default == "127.0.0.1"
    (host,) = (each for each in cli.commands["ui"].params if each.name == "host")
    assert host.default == "127.0.0.1"
    assert "127.0.0.1" in CliRunner().invoke(cli, ["ui", "--help"]).output
