"""What `import lstm_bench` gives, and what it needs."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import requires
from pathlib import Path

import pytest

import lstm_bench

HIDDEN = """
import sys

class Hidden:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Hidden())
"""
SWEEP = (
    *("jinja2", "jsonschema", "lifelines", "matplotlib", "mlflow", "scipy"),
    *("seaborn", "sklearn", "snakemake"),
)


def without_a_sweep(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run code where nothing of the extra `sweep` can be imported."""
    hidden = HIDDEN.replace("{names}", repr(set(SWEEP)))
    root = str(Path(lstm_bench.__file__).parents[1])
    path = f"sys.path.insert(0, {root!r})\n"
    command = [sys.executable, "-c", hidden + path + code]
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8")


def test_every_name_is_there_and_knows_its_home():
    for name in lstm_bench.__all__:
        assert getattr(lstm_bench, name) is not None
    assert set(lstm_bench.__all__) <= set(dir(lstm_bench))
    with pytest.raises(AttributeError):
        lstm_bench.nothing  # noqa: B018


def test_cells_tasks_and_training_need_nothing_of_a_sweep(tmp_path: Path):
    done = without_a_sweep(
        "import lstm_bench\n"
        "lstm_bench.cells.registry(), lstm_bench.tasks.registry()\n"
        "lstm_bench.train('adding', 'lstm', 4, replicates=2, updates=2, device='cpu')\n"
        "print(len(lstm_bench.load().replicates))\n",
        tmp_path,
    )
    assert done.stdout.split() == ["2"], done.stderr


def test_the_command_trains_without_a_sweep(tmp_path: Path):
    words = ["lstm-bench", "train", "adding", "lstm", "--T", "4", "--updates", "2"]
    run = f"sys.argv = {words!r}\nfrom lstm_bench.cli import main\nmain()"
    done = without_a_sweep(run, tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_package_alone_asks_for_no_workflow_and_no_tracker():
    every = requires("lstm-bench") or []
    alone = {each.lower() for each in every if "extra ==" not in each}
    assert any(each.startswith("torch") for each in alone)
    assert not [each for each in alone if each.startswith(("snakemake", "mlflow", "matplotlib"))]
