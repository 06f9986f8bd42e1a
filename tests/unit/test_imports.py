"""Imports point one way, and heavy libraries stay in their rooms."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.unit.imports import FLOORS, LEVEL, imports_of, package_sources, violations

LIGHT = [  # what the Snakefile's own process and a supervising parent load
    "lstm_bench",
    "lstm_bench.errors",
    "lstm_bench.spec",
    "lstm_bench.sweep",
    "lstm_bench.registry",
    "lstm_bench.tasks",
    "lstm_bench.store.paths",
    "lstm_bench.store.files",
    "lstm_bench.store.plans",
    "lstm_bench.planning.ensure",
    "lstm_bench.jobs.job",
]
HEAVY = ("torch", "pandas", "mlflow", "matplotlib", "seaborn", "scipy", "sklearn", "snakemake")


def test_every_import_of_the_package_points_down_and_stays_in_its_room():
    assert violations(package_sources()) == []


def test_the_package_is_really_read():
    modules = package_sources()
    assert {"lstm_bench.spec", "lstm_bench.tasks.base", "lstm_bench.engine.compiled.form"} <= set(
        modules
    )
    seen = {item.room for name, text in modules.items() for item in imports_of(text, name)}
    assert {"spec", "tasks", "cells", "engine", "store"} <= seen


def test_every_room_has_one_place_in_the_order():
    assert len(LEVEL) == sum(len(rooms) for rooms in FLOORS)


@pytest.mark.parametrize(
    ("module", "source", "said"),
    [
        ("lstm_bench.tasks.new", "from lstm_bench.cells import Cell", "does not lie below"),
        ("lstm_bench.tasks.new", "from lstm_bench import engine", "does not lie below"),
        ("lstm_bench.tasks.new", "from ..store import files", "does not lie below"),
        ("lstm_bench.tasks.new", "import scipy", "may use ['numpy'] only"),
        ("lstm_bench.tasks.__init__", "from .. import cells", "does not lie below"),
        ("lstm_bench.tasks.__init__", "from ..cells import lstm", "does not lie below"),
        ("lstm_bench.stats.new", "from lstm_bench.plotting import style", "does not lie below"),
        ("lstm_bench.report.new", "import lstm_bench.tracking.importer", "does not lie below"),
        ("lstm_bench.store.new", "def f():\n    import torch", "which room 'store' may not"),
        ("lstm_bench.store.new", "from torch.nn import LSTM", "which room 'store' may not"),
        (
            "lstm_bench.experiments.new",
            "import importlib\nimportlib.import_module('torch')",
            "torch",
        ),
        ("lstm_bench.report.new", "from mlflow import log_metric", "which room 'report' may not"),
        ("lstm_bench.training.new", "import matplotlib.pyplot as plt", "matplotlib"),
        ("lstm_bench.cli", "import snakemake", "snakemake"),
        ("lstm_bench.spec", "import numpy", "may use [] only"),
        ("lstm_bench.sweep", "from lstm_bench.registry import build", "does not lie below"),
        ("lstm_bench.attic.new", "", "has no place in the order"),
        ("lstm_bench.cli", "from lstm_bench.attic import old", "without a place in the order"),
    ],
)
def test_a_seeded_violation_is_noticed(module: str, source: str, said: str):
    found = violations({module: source})
    assert len(found) == 1
    assert said in found[0]
    assert found[0].startswith(module.removesuffix(".__init__"))


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("lstm_bench.tasks.new", "from lstm_bench.tasks.base import Task\nimport numpy"),
        ("lstm_bench.tasks.__init__", "from . import base\nfrom .base import Task"),
        (
            "lstm_bench.training.new",
            "import torch\nimport lstm_bench\nfrom lstm_bench import engine",
        ),
        ("lstm_bench.training.new", "from lstm_bench import __version__"),
        ("lstm_bench.__init__", "from lstm_bench.training.api import train"),
        ("lstm_bench.tracking.new", "def f():\n    import mlflow"),
    ],
)
def test_what_is_allowed_is_allowed(module: str, source: str):
    assert violations({module: source}) == []


@pytest.mark.parametrize("module", LIGHT)
def test_a_light_module_loads_nothing_heavy(module: str):
    code = f"import sys, {module}; print([m for m in {HEAVY} if m in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"


def test_looking_up_an_experiment_loads_what_all_of_them_need():
    """Every step of the workflow does: a second each that a sweep would pay dozens of times."""
    some = ("torch", "sklearn", "lifelines", "seaborn", "mlflow")
    code = "import sys; from lstm_bench.experiments import registry; registry(); "
    code += f"print([m for m in {some} if m in sys.modules])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert loaded.stdout.strip() == "[]"
