"""Stopping at any update and going on with the same numbers."""

from __future__ import annotations

import shutil
import sys
from dataclasses import asdict
from pathlib import Path

import torch

from lstm_bench.errors import DamagedFile
from lstm_bench.store.paths import STATE as FILE
from lstm_bench.store.tensors import load_tensors, save_tensors
from lstm_bench.training.machine import instruction_set, library_settings
from lstm_bench.training.model import ReplicateBatch


def _identity(model: ReplicateBatch, code: str) -> dict[str, object]:
    """What must be the same for a checkpoint to be continued."""
    return {
        "condition": model.condition.to_json(),
        "seeds": list(model.block.seeds),
        "code": code,
        "device": model.device.type,
        "backend": model.backend,
        "instruction_set": instruction_set(model.backend),
        "library_settings": library_settings(),
    }


def save(folder: Path, model: ReplicateBatch, code: str, started: str) -> None:
    """Write the whole state of a training, atomically."""
    about = {
        "identity": _identity(model, code),
        "started": started,
        "update": model.update,
        "since_evaluation": model.since_evaluation,
        "active": model.active,
        "progress": [asdict(p) for p in model.progress],
        "curves": [_finite(point) for point in model.curves],
        "seconds": model.seconds,
        "evaluation_seconds": model.evaluation_seconds,
    }
    tensors = {name: value.cpu().numpy() for name, value in model.tensors().items()}
    save_tensors(folder / FILE, tensors, about)


def _finite(point: dict[str, float | int]) -> dict[str, float | int | str]:
    """JSON has no NaN: those numbers travel as text."""
    return {k: v if abs(v) < float("inf") else str(v) for k, v in point.items()}


def resume(folder: Path, model: ReplicateBatch, code: str) -> str | None:
    """Restore a checkpoint of the very same training; returns when it first started.

    None where there is none that fits. A damaged one is named: the training starts over.
    """
    if not (folder / FILE).exists():
        return None
    try:
        tensors, about = load_tensors(folder / FILE)
    except DamagedFile:
        print(f"{folder / FILE} is damaged: the training starts over.", file=sys.stderr)
        return None
    mine, saved = _identity(model, code), about["identity"]
    if saved != mine:
        other = ", ".join(sorted(key for key in mine if saved.get(key) != mine[key]))
        print(f"{folder / FILE} has another {other}: the training starts over.", file=sys.stderr)
        return None
    about["curves"] = [
        {k: float(v) if isinstance(v, str) else v for k, v in point.items()}
        for point in about["curves"]
    ]
    placed = {k: torch.from_numpy(v.copy()).to(model.device) for k, v in tensors.items()}
    model.restore(placed, about)
    return str(about["started"])


def forget(folder: Path) -> None:
    """Forget a finished training's checkpoint and nothing else in its folder."""
    (folder / FILE).unlink(missing_ok=True)


def remove(folder: Path) -> None:
    """Forget a finished training's checkpoint."""
    shutil.rmtree(folder, ignore_errors=True)
