"""docs/networks.md as it stands, and the two commands that draw a trained network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy
import pytest
import torch
from click.testing import CliRunner

import lstm_bench
from lstm_bench.cli import cli
from lstm_bench.errors import BenchError

PAGE = Path(__file__).parents[3] / "docs" / "networks.md"
SHORT = {"updates": 6, "evaluate_every": 3, "batch": 4, "validation_size": 32, "test_size": 32}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("networks")
    for cell in ("lstm", "elman"):
        for T in (4, 30):
            lstm_bench.train(
                "adding", cell, T, replicates=2, width=4, root=root, device="cpu", **SHORT
            )
    return root


@pytest.fixture(autouse=True)
def _there(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)


def run(*words: str) -> str:
    done = CliRunner().invoke(cli, words, standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.output.strip()


def test_the_blocks_of_the_page_run_one_after_another(monkeypatch: pytest.MonkeyPatch):
    mpl.use("Agg")
    blocks = [
        part.split("```")[0] for part in PAGE.read_text(encoding="utf-8").split("```python\n")[1:]
    ]
    names: dict[str, Any] = {"torch": torch, "numpy": numpy}
    for block in blocks:
        exec(block, names)
        if "y" in names:
            y = names.pop("y").detach().numpy()
            assert numpy.allclose(y, names["net"].predict(names["x"]), atol=1e-6)
    first = [line for line in blocks[0].splitlines() if line]
    assert len(first) == 5
    assert Path("forget.png").read_bytes().startswith(b"\x89PNG")
    assert names["net"].weights["U_f"].shape == (4, 4)
    assert 0 < names["loss"] < 10


def test_gates_and_curves_are_drawn():
    assert run("gates", "adding-T30-lstm", "--output", "g.svg", "--T", "12") == "g.svg"
    text = Path("g.svg").read_text(encoding="utf-8")
    assert text.count("<image") >= 4  # f, i, o and the candidate
    file = run("plot", "adding-T30-lstm", "adding-T30-elman")
    assert file.startswith("curves-adding-T30-lstm-w4-")
    assert Path(file).read_bytes().startswith(b"\x89PNG")
    (folder,) = Path("results/runs").glob("adding-T4-lstm-*")
    assert run("gates", str(folder), "--seed", "1").endswith("seed-1.png")
    file = str(folder / "seeds-000-001" / "model.safetensors")
    assert run("gates", file, "--seed", "1").endswith("seed-1.png")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["gates", "adding-T30-lstn"], "did you mean 'adding-T30-lstm-w4-"),
        (["gates", "adding"], "begins 4 names"),
        (["gates", "adding-T30-elman"], "cell 'elman' has no gates"),
        (["gates", "adding-T30-lstm", "--seed", "7"], "it has 0, 1"),
        (["gates", "adding-T30-lstm", "--T", "1"], "T=1 is too short"),
        (["gates", "adding-T30-lstm", "--output", "g.gif"], "kind 'gif' is unknown"),
        (["plot", "adding-T30-lstm", "--output", "none/g.png"], "cannot be written"),
        (["gates", "runs:/0123"], "nothing was imported"),
        (["gates", "none.safetensors"], "is not a file"),
    ],
)
def test_bad_input_is_told_in_a_sentence(words: list[str], sentence: str):
    with pytest.raises(BenchError, match=sentence):
        run(*words)


def test_without_any_run_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BenchError, match="no finished run"):
        run("plot", "adding")
