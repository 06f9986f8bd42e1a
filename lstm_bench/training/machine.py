"""What made a run: versions, hardware and settings, as far as its last bits depend on them."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import numpy as np
import torch

import lstm_bench
from lstm_bench import engine
from lstm_bench.engine.fused import library
from lstm_bench.store.tables import read_table

HOW = ("instruction_set", "library_settings")  # of the machine, what decides last bits on a CPU
LIBRARIES = (
    *("ATEN_CPU_CAPABILITY", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "MKL_DEBUG_CPU_TYPE"),
    *("ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "TORCH_MKLDNN_MATMUL_MIN_DIM"),
    *("ONEDNN_DEFAULT_FPMATH_MODE", "DNNL_DEFAULT_FPMATH_MODE", "OPENBLAS_CORETYPE"),
    *("NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES", "CUBLAS_WORKSPACE_CONFIG"),
    *("NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE"),
)


def about_machine(backend: str = "") -> dict[str, object]:
    """Versions, hardware and settings, for the timing table and the report."""
    return {
        "lstm_bench": lstm_bench.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
        "processor": _processor(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "instruction_set": instruction_set(backend),
        "library_settings": library_settings(),
    }


def instruction_set(backend: str) -> str:
    """What torch's loops use; the kernel, and who compiled it, where that computed."""
    widest = torch.backends.cpu.get_cpu_capability()
    kernel = engine.by_kernel(backend)
    return f"{widest}, kernel {library.made_by()}" if kernel else f"{widest}, no kernel"


def library_settings() -> str:
    """The variables of the environment that decide how the libraries compute, and what they say."""
    said = [f"{name}={os.environ[name]}" for name in LIBRARIES if os.environ.get(name)]
    return ", ".join(said) or "none"


def determinism(device: str, mixed: bool = False) -> str:
    """The tier of a run (docs/reliability.md): what another run of it will agree in.

    `bitwise`: every bit, with the same versions and instruction set. `tolerance`: a GPU adds in an
    order of its own, and so does another backend than that of the condition's other seed blocks.
    """
    return "bitwise" if device == "cpu" and not mixed else "tolerance"


def made_otherwise(folder: Path, backend: str, machine: dict[str, object]) -> str | None:
    """The sentence for a seed block whose condition was begun by something else than made this one.

    The first block that says what made it stands for all of them.
    """
    for other in sorted(folder.parent.glob("seeds-*/replicates.parquet")):
        if other.parent == folder:
            continue
        timing = read_table(other.parent / "timing.parquet")
        found = {row["backend"] for row in read_table(other).to_pylist()} - {""}
        if not found or HOW[-1] not in timing.column_names:
            continue  # failures, and runs of older versions, do not say it in these words
        theirs = timing.to_pylist()[0]
        if found != {backend} or any(theirs[name] != machine[name] for name in HOW):
            return (
                f"{other.parent.name} are by {_how(sorted(found), theirs)}, {folder.name} by "
                f"{_how([backend], machine)}; they agree to rounding, not in all bits."
            )
        break
    return None


def _how(backends: list[str], machine: dict[str, Any]) -> str:
    return f"{', '.join(backends)} ({'; '.join(machine[name] for name in HOW)})"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(
            line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
