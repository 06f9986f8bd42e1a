from __future__ import annotations

import gc
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from lstm_bench import cells, registry, tasks
from lstm_bench.errors import BenchError
from lstm_bench.experiments import run as experiments
from lstm_bench.tasks import copy

PLUGIN = '''
from dataclasses import dataclass

from lstm_bench.cells.elman import Elman


@dataclass(frozen=True)
class Plugged(Elman):
    """h_t = ..."""

    strength: float = 1.0
    name = "{name}"
'''

TASK_NAMED_COPY = """
from lstm_bench.tasks.adding import Adding


class Mine(Adding):
    name = "copy"
"""


def write_plugin(folder: Path, name: str) -> Path:
    path = folder / f"{name}.py"
    path.write_text(PLUGIN.format(name=name))
    return path


@pytest.fixture
def _own_registry(monkeypatch):
    """What a test plugs in is forgotten: subclasses live as long as something refers to them."""
    monkeypatch.setattr(registry, "_plugins", {})
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith("lstm_bench_plugin_"):
            del sys.modules[name]
    registry._plugins.clear()
    gc.collect()


@pytest.mark.usefixtures("_own_registry")
def test_a_file_that_defines_a_class_is_the_plugin(tmp_path: Path):
    registry.load_plugins([write_plugin(tmp_path, "plugged_one")])
    cell = cells.create("plugged_one", {"strength": 2.0})
    assert cell.strength == 2.0
    assert registry.source_file(type(cell)) == (tmp_path / "plugged_one.py").resolve()


@pytest.mark.usefixtures("_own_registry")
def test_a_plugin_is_imported_once_however_often_it_is_named(tmp_path: Path):
    path = write_plugin(tmp_path, "plugged_two")
    registry.load_plugins([path, str(path)])
    first = cells.registry()["plugged_two"]
    registry.load_plugins([path])
    assert cells.registry()["plugged_two"] is first


@pytest.mark.usefixtures("_own_registry")
def test_editing_a_plugin_changes_its_code_version(tmp_path: Path):
    path = write_plugin(tmp_path, "plugged_three")
    registry.load_plugins([path])
    cls = cells.registry()["plugged_three"]
    before = registry.code_version(cls)
    path.write_text(path.read_text() + "\n# edited\n")
    assert registry.code_version(cls) != before
    assert registry.code_version(cells.registry()["lstm"]) == str(cells.registry()["lstm"].version)


HALF_WRITTEN = """
from lstm_bench.cells.base import Cell
from lstm_bench.experiments.base import Experiment
from lstm_bench.tasks.base import Task


class MyCell(Cell):
    name = "mine"

    def step(self, p, x, state):
        return state


class MyTask(Task):
    name = "mine"


class MyExperiment(Experiment):
    name = "mine"

    def summary(self, table, evidence):
        return table

    def verdict(self, table, summary):
        return {"answer": "."}
"""


@pytest.mark.usefixtures("_own_registry")
@pytest.mark.parametrize(
    ("create", "said"),
    [
        (cells.create, "lacks init, which every cell must define."),
        (experiments.create, "lacks figure and table, which every experiment must define."),
        (tasks.create, "lacks .*sample.* and .*, which every task must define."),
    ],
)
def test_a_plugged_class_that_lacks_methods_is_told_which(
    tmp_path: Path, create: Callable[[str], object], said: str
):
    path = tmp_path / "half_written.py"
    path.write_text(HALF_WRITTEN)
    registry.load_plugins([path])
    with pytest.raises(BenchError, match=f"'mine' in {path} {said}"):
        create("mine")


@pytest.mark.usefixtures("_own_registry")
def test_a_plugged_base_of_others_may_lack_what_they_define(tmp_path: Path):
    path = write_plugin(tmp_path, "plugged_whole")
    text = (
        path.read_text()
        + """

from abc import abstractmethod


class Base(Elman):
    name = "plugged_base"

    @abstractmethod
    def more(self): ...


class Whole(Base):
    name = "plugged_more"

    def more(self): ...
"""
    )
    path.write_text(text)
    registry.load_plugins([path])
    assert {"plugged_whole", "plugged_more"} <= set(cells.registry())
    assert "plugged_base" not in cells.registry()


def test_two_classes_with_one_name_are_an_error_that_names_both_files(tmp_path: Path):
    path = tmp_path / "mine.py"
    path.write_text(TASK_NAMED_COPY)
    code = f"from lstm_bench import registry, tasks; registry.load_plugins([{str(path)!r}]); "
    code += "tasks.registry()"
    failed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    sentence = failed.stderr.strip().splitlines()[-1]
    assert "task 'copy' is defined twice" in sentence
    assert str(path) in sentence
    assert str(Path(copy.__file__)) in sentence


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("absent.py", None, "is not a file"),
        ("broken.py", "1 / 0", "ZeroDivisionError"),
        ("syntax.py", "def", "SyntaxError"),
        ("notes.txt", "x = 1", "not a Python file"),
    ],
)
def test_a_plugin_that_does_not_load_is_named_in_one_sentence(
    tmp_path: Path, name: str, text: str | None, said: str
):
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(BenchError, match=said) as refusal:
        registry.load_plugins([tmp_path / name])
    assert name in str(refusal.value)
    assert str(refusal.value).count("\n") == 0


def test_options_left_at_their_default_are_not_chosen():
    assert registry.chosen_options(cells.create("lstm")) == {}
    assert registry.chosen_options(cells.create("lstm", {"forget_bias": 1.0})) == {}
    assert registry.chosen_options(cells.create("lstm", {"forget_bias": 3.0})) == {
        "forget_bias": 3.0
    }
    assert registry.chosen_options(tasks.create("copy", {"length": 3, "symbols": 5})) == {
        "symbols": 5
    }


def test_a_whole_number_is_accepted_where_a_float_is_meant():
    assert cells.create("lstm", {"forget_bias": 3}) == cells.create("lstm", {"forget_bias": 3.0})


@pytest.mark.usefixtures("_own_registry")
@pytest.mark.parametrize("name", ["../../evil", "a b", "<script>", "A", "", "x" * 61, "😀"])
def test_a_name_that_could_be_no_folder_is_refused(tmp_path: Path, name: str):
    path = tmp_path / "hostile.py"
    path.write_text(PLUGIN.format(name=name))
    registry.load_plugins([path])
    with pytest.raises(BenchError, match="is not allowed; it becomes a path"):
        cells.registry()
    registry._plugins.clear()
    gc.collect()


def test_a_plugin_whose_path_would_be_read_as_two_is_refused(tmp_path: Path):
    with pytest.raises(BenchError, match="must have no ':'"):
        registry.load_plugins([tmp_path / "a:b.py"])


HABITS = """
import warnings
import numpy as np
import torch
torch.set_default_dtype(torch.float64)
torch.set_grad_enabled(False)
np.seterr(all="raise")
warnings.simplefilter("error")
"""


def test_what_a_plugin_sets_for_the_process_ends_with_its_import(tmp_path: Path):
    import numpy as np
    import torch

    had = torch.get_default_dtype(), torch.is_grad_enabled(), np.geterr(), list(warnings.filters)
    plugin = tmp_path / "habits.py"
    plugin.write_text(HABITS, encoding="utf-8")
    registry.load_plugins([plugin])
    found = torch.get_default_dtype(), torch.is_grad_enabled(), np.geterr(), list(warnings.filters)
    assert found == had


def test_a_plugin_may_import_a_file_beside_it_which_hides_no_module(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "beside_this_plugin.py").write_text("X = 1", encoding="utf-8")
    (tmp_path / "fractions.py").write_text("raise SystemExit", encoding="utf-8")
    plugin = tmp_path / "own.py"
    plugin.write_text("import fractions, beside_this_plugin", encoding="utf-8")
    registry.load_plugins([plugin])
    assert sys.modules["fractions"].Fraction
