"""What decides a table: every file of the package it comes from, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from lstm_bench import experiments, registry
from lstm_bench.planning import sources
from lstm_bench.planning.sources import PACKAGE, closure, code_of, digest_of
from lstm_bench.registry import load_plugins


def names(*modules: str, without: tuple[str, ...] = ()) -> set[str]:
    found = closure(*(f"lstm_bench.{module}" for module in modules), without=without)
    return {file.relative_to(PACKAGE).as_posix() for file in found}


@pytest.mark.parametrize("name", sorted(experiments.registry()))
def test_an_experiment_comes_from_its_driver_its_reader_and_its_statistics(name: str):
    module = experiments.registry()[name].__module__.removeprefix("lstm_bench.")
    found = names("experiments.run", module, without=("plotting",))
    assert {"experiments/run.py", "store/collect.py", "experiments/base.py"} <= found
    assert module.replace(".", "/") + ".py" in found
    assert not [file for file in found if file.startswith("plotting/")]
    drawn = names("experiments.run", module)
    assert {"plotting/style.py", "plotting/render.py"} <= drawn
    assert "plotting/gallery.py" not in drawn


def test_lazy_imports_and_parent_packages_count(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(sources, "PACKAGE", tmp_path / "lstm_bench")
    monkeypatch.setattr(sources, "_files", sources._files.__wrapped__)  # and remembers none of it
    for file, text in {
        "__init__.py": "from lstm_bench.secret import nothing",
        "a.py": "def f():\n    from lstm_bench.room import b\n",
        "room/__init__.py": "import lstm_bench.c",
        "room/b.py": "",
        "c.py": "import numpy",
        "secret.py": "",
    }.items():
        path = tmp_path / "lstm_bench" / file
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(text)
    found = {path.relative_to(tmp_path).as_posix() for path in closure("lstm_bench.a")}
    assert found == {f"lstm_bench/{n}" for n in ("a.py", "room/__init__.py", "room/b.py", "c.py")}
    before = digest_of(closure("lstm_bench.a"))
    (tmp_path / "lstm_bench/secret.py").write_text("# another")
    assert digest_of(closure("lstm_bench.a")) == before
    (tmp_path / "lstm_bench/c.py").write_text("import numpy  # another")
    assert digest_of(closure("lstm_bench.a")) != before


def test_a_plugin_experiment_is_concluded_again_when_its_file_changes(tmp_path: Path):
    found = []
    for n in (1, 2):
        plugin = tmp_path / f"mine{n}.py"
        # no subclass of Experiment: the registry would keep it for the tests after this one
        plugin.write_text(
            f"from lstm_bench.experiments.base import Experiment\nclass Mine: n = {n}"
        )
        load_plugins([plugin])
        found.append(code_of(registry._plugins[plugin].Mine))
    assert found[0] != found[1]
    assert found[0].split()[0] == found[1].split()[0]  # what both import is the same
