"""Which backend a GPU gets, and what the GPU's scripts say where there is none."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lstm_bench import cells, engine
from lstm_bench.cells.elman import Elman
from lstm_bench.engine import gpu
from lstm_bench.environment import CUDA_GRAPHS, TRITON
from lstm_bench.errors import BenchError

ROOT = Path(__file__).parents[3]


class OnGPU:
    """What `supports` asks of a tensor."""

    is_cuda, dtype, device = True, torch.float32, torch.device("cuda")


def script(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    hidden = {
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONPATH": f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
    }
    command = [sys.executable, str(ROOT / "benchmarks" / name), *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **hidden})


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch):
    """As if Triton were there, whether it is or not; nothing of it is imported."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    for variable in (TRITON, CUDA_GRAPHS):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("asked", "found"),
    [(None, "triton"), ("off", "graphs"), ("ieee", "triton"), ("TF32x3", "triton-tf32x3")],
)
def test_the_environment_chooses_the_precision_and_the_name_says_it(
    asked: str | None, found: str, monkeypatch: pytest.MonkeyPatch
):
    if asked:
        monkeypatch.setenv(TRITON, asked)
    assert engine.backend_for(cells.create("lstm"), like=OnGPU()) == found


@pytest.mark.usefixtures("installed")
def test_a_cell_without_a_kernel_is_recorded_as_a_graph(monkeypatch: pytest.MonkeyPatch):
    class Louder(Elman):
        pass

    assert engine.backend_for(Louder(), like=OnGPU()) == "graphs"
    assert engine.backend_for(cells.create("lru"), like=OnGPU()) == "scan"
    monkeypatch.setenv(CUDA_GRAPHS, "0")
    assert engine.backend_for(Louder(), like=OnGPU()) == "loop"


@pytest.mark.usefixtures("installed")
def test_an_unknown_precision_is_answered_with_the_known_ones(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(TRITON, "fp8")
    with pytest.raises(BenchError, match="fp8"):
        engine.backend_for(cells.create("lstm"), like=OnGPU())


@pytest.mark.usefixtures("installed")
def test_a_cpu_never_gets_a_backend_of_the_gpu(monkeypatch: pytest.MonkeyPatch):
    assert not any(name in gpu.BACKENDS for name in engine.preferred(torch.zeros(1)))
    with pytest.raises(BenchError, match="'triton' cannot run cell 'lstm' here"):
        engine.backend_for(cells.create("lstm"), "triton", torch.zeros(1))


def test_the_engine_is_imported_without_triton():
    code = "import sys, lstm_bench.engine; sys.exit('triton' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_the_benchmark_refuses_in_one_sentence_where_there_is_no_gpu():
    done = script("gpu.py")
    assert done.returncode == 1
    assert done.stderr == "benchmarks/gpu.py needs a CUDA device, and torch finds none.\n"
    assert done.stdout == ""


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="triton is not installed")
def test_the_kernels_compile_for_a_gpu_that_is_not_here():
    small = ("--widths", "16", "--batch", "16", "--inputs", "1", "--precisions", "tf32")
    done = script("gpu_compile.py", "--arch", "80", "--cells", "lstm", *small)
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    assert [row[3] for row in rows] == ["forward", "backward", "weights", "inputs"]
    assert {row[-1] for row in rows} == {"mma"}
    assert {row[-2] for row in rows} == {"0"}, "a kernel this small spills no register"
