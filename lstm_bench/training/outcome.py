"""What a finished seed block leaves on disk: one row a replicate whatever became of it."""

from __future__ import annotations

import datetime
import math
import resource
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lstm_bench.errors import tell_once
from lstm_bench.spec import Condition, SeedBlock
from lstm_bench.store.files import write_json
from lstm_bench.store.tables import write_table
from lstm_bench.store.tensors import save_tensors
from lstm_bench.training.machine import about_machine, determinism, made_otherwise
from lstm_bench.training.model import ReplicateBatch
from lstm_bench.training.stopping import Progress


def replicate_row(
    condition: Condition, p: Progress, code: str, device: str, backend: str
) -> dict[str, object]:
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
        "updates": p.spent + p.update,
        "updates_to_solve": None if p.updates_to_solve is None else p.spent + p.updates_to_solve,
        "confirmations": p.confirmations,
        "best_validation_loss": p.best_loss,
        "best_update": p.best_update,
        "validation_loss": p.validation_loss,
        "validation_score": p.validation_score,
        "test_loss": None,
        "test_score": None,
        "floor": p.chance_loss,
        "milestones": [{"name": k, "update": v} for k, v in sorted(p.milestones.items())],
        "device": device,
        "backend": backend,
        "code": code,
        "weights_sha256": None,
    }


def now() -> str:
    """The present moment, UTC, ISO 8601."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")


def timing_row(condition: Condition, p: Progress, started: str, **shared: Any) -> dict[str, object]:
    """Measured seconds of one replicate: its share of the time its replicate batch took."""
    return {
        "condition": condition.id,
        "seed": p.seed,
        "train_seconds": p.train_seconds,
        "solve_seconds": p.seconds_to_solve,
        "started": started,
        "finished": now(),
        **shared,
    }


def write_outcome(
    folder: Path,
    model: ReplicateBatch,
    test: tuple[list[float], list[float]],
    code: str,
    started: str,
) -> None:
    """Write the files of a trained block; replicates.parquet last, since it says 'finished'."""
    c = model.condition
    weights = {k: v.cpu().numpy() for k, v in model.network.layout.unpack(model.final).items()}
    digest = save_tensors(
        folder / "model.safetensors",
        weights,
        {"condition": c.to_json(), "seeds": list(model.block.seeds), "code": code},
    )
    rows, timing = [], []
    machine = about_machine(model.backend)
    otherwise = made_otherwise(folder, model.backend, machine)
    if otherwise:
        tell_once("mixed", f"lstm_bench: {c.id}: {otherwise}")
    shared = {
        "ensemble_seconds": model.seconds,
        "evaluation_seconds": model.evaluation_seconds,
        "determinism": determinism(model.device.type, mixed=otherwise is not None),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
        **machine,
    }
    for r, p in enumerate(model.progress):
        row = replicate_row(c, p, code, model.device.type, model.backend)
        measured = p.status not in ("diverged", "error") and math.isfinite(test[0][r])
        row.update(
            test_loss=test[0][r] if measured else None,
            test_score=test[1][r] if measured else None,
            weights_sha256=digest,
        )
        rows.append(row)
        timing.append(timing_row(c, p, started, **shared))
    _write_tables(folder, c, rows, model.curves, timing, code)


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
    rows: list[dict[str, object]],
    curves: Sequence[Mapping[str, object]],
    timing: Sequence[Mapping[str, object]],
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
