"""What a finished seed block leaves on disk: one row a replicate whatever became of it."""

from __future__ import annotations

import datetime
import math
import platform
import resource
from pathlib import Path
from typing import Any

import numpy as np
import torch

import lstm_bench
from lstm_bench.engine.fused import library
from lstm_bench.spec import Condition, SeedBlock
from lstm_bench.store.files import write_json
from lstm_bench.store.tables import write_table
from lstm_bench.store.tensors import save_tensors
from lstm_bench.training.ensemble import Ensemble
from lstm_bench.training.stopping import Progress


def replicate_row(
    condition: Condition, p: Progress, code: str, device: str, backend: str
) -> dict[str, Any]:
    """One replicate. Losses are None where none was measured; seconds are in `timing_row`."""
    return {
        "condition": condition.id,
        "seed": p.seed,
        "task": condition.task,
        "T": condition.T,
        "cell": condition.cell,
        "width": condition.width,
        "learning_rate": condition.training.learning_rate,
        "status": p.status,
        "reason": p.reason,
        "updates": p.update,
        "updates_to_solve": p.updates_to_solve,
        "stayed": p.stayed,
        "best_validation_loss": p.best_loss,
        "best_update": p.best_update,
        "validation_loss": p.validation_loss,
        "validation_score": p.validation_score,
        "test_loss": None,
        "test_score": None,
        "floor": None,
        "milestones": [{"name": k, "update": v} for k, v in sorted(p.milestones.items())],
        "device": device,
        "backend": backend,
        "code": code,
        "weights_sha256": None,
    }


def now() -> str:
    """The present moment, UTC, ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def timing_row(condition: Condition, p: Progress, started: str, **shared: Any) -> dict[str, Any]:
    """Measured seconds of one replicate: its share of the time its ensemble took."""
    return {
        "condition": condition.id,
        "seed": p.seed,
        "train_seconds": p.train_seconds,
        "solve_seconds": p.seconds_to_solve,
        "started": started,
        "finished": now(),
        **shared,
    }


def about_machine() -> dict[str, Any]:
    """Versions and hardware, for the timing table and the report."""
    return {
        "lstm_bench": lstm_bench.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
        "platform": platform.platform(),
        "processor": _processor(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "instruction_set": _instruction_set(),
    }


def _instruction_set() -> str:
    """What torch's loops use, and what the kernel was compiled for."""
    widest = torch.backends.cpu.get_cpu_capability()
    try:
        return f"{widest}, kernel {library.instruction_set()}"
    except library.Unavailable:
        return f"{widest}, no kernel"


def determinism(device: str) -> str:
    """The tier of a run (docs/reliability.md): what another run of it will agree in.

    `bitwise`: every bit, with the same versions and instruction set. `tolerance`: a GPU adds in an
    order of its own.
    """
    return "bitwise" if device == "cpu" else "tolerance"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(
            line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")
        )
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def write_outcome(
    folder: Path,
    ensemble: Ensemble,
    test: tuple[list[float], list[float]],
    floor: float,
    code: str,
    started: str,
) -> None:
    """Write the files of a trained block; replicates.parquet last, since it says 'finished'."""
    c = ensemble.condition
    weights = {
        k: v.cpu().numpy() for k, v in ensemble.network.layout.unpack(ensemble.final).items()
    }
    seal = save_tensors(
        folder / "model.safetensors",
        weights,
        {"condition": c.to_json(), "seeds": list(ensemble.block.seeds), "code": code},
    )
    rows, timing = [], []
    shared = {
        "ensemble_seconds": ensemble.seconds,
        "evaluation_seconds": ensemble.evaluation_seconds,
        "determinism": determinism(ensemble.device.type),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        **about_machine(),
    }
    for r, p in enumerate(ensemble.progress):
        row = replicate_row(c, p, code, ensemble.device.type, ensemble.backend)
        measured = p.status not in ("diverged", "error") and math.isfinite(test[0][r])
        row.update(
            test_loss=test[0][r] if measured else None,
            test_score=test[1][r] if measured else None,
            floor=floor,
            weights_sha256=seal,
        )
        rows.append(row)
        timing.append(timing_row(c, p, started, **shared))
    _write_tables(folder, c, rows, ensemble.curves, timing, code)


def write_failure(
    folder: Path, condition: Condition, block: SeedBlock, reason: str, code: str, started: str
) -> None:
    """The files of a block that never came to its end: status error, every seed a row."""
    rows, timing = [], []
    for seed in block.seeds:
        p = Progress(seed)
        p.finish("error", reason, 0)
        rows.append(replicate_row(condition, p, code, "", ""))
        timing.append(timing_row(condition, p, started))
    about = {"condition": condition.to_json(), "seeds": list(block.seeds), "code": code}
    save_tensors(folder / "model.safetensors", {}, about)
    _write_tables(folder, condition, rows, [], timing, code)


CURVE_COLUMNS = (
    "seed",
    "update",
    "train_loss",
    "gradient_norm",
    "validation_loss",
    "validation_score",
)


def _write_tables(
    folder: Path,
    condition: Condition,
    rows: list[dict[str, Any]],
    curves: list[dict[str, Any]],
    timing: list[dict[str, Any]],
    code: str,
) -> None:
    write_json(folder.parent / "condition.json", condition.to_json())
    points = sorted(curves, key=lambda point: (point["seed"], point["update"]))
    points = points or [dict.fromkeys(CURVE_COLUMNS)]
    ordered = [{c: point[c] for c in CURVE_COLUMNS} for point in points]
    write_table(folder / "curves.parquet", [{"condition": condition.id, **p} for p in ordered])
    write_table(folder / "timing.parquet", timing)
    about = {"code": code, "condition": condition.id}
    write_table(folder / "replicates.parquet", rows, about)
