"""Weights and checkpoints: safetensors with a checksum of their own, never pickle."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from lstm_bench.spec import canonical
from lstm_bench.store.files import damaged, write_bytes


def checksum(tensors: Mapping[str, np.ndarray], about: str) -> str:
    """SHA-256 over names, shapes, bytes and the text that goes with them."""
    total = hashlib.sha256(about.encode())
    for name in sorted(tensors):
        total.update(f"{name}{tensors[name].dtype}{tensors[name].shape}".encode())
        total.update(np.ascontiguousarray(tensors[name]).tobytes())
    return total.hexdigest()


def save_tensors(path: Path, tensors: Mapping[str, np.ndarray], about: Mapping[str, object]) -> str:
    """Write tensors and plain data about them; returns the checksum."""
    data, digest = tensors_bytes(tensors, about)
    write_bytes(path, data)
    return digest


def tensors_bytes(
    tensors: Mapping[str, np.ndarray], about: Mapping[str, object]
) -> tuple[bytes, str]:
    """What `save_tensors` writes, and the checksum."""
    text = canonical(about)
    digest = checksum(tensors, text)
    contiguous = {name: np.ascontiguousarray(value) for name, value in tensors.items()}
    sealed = canonical({"about": text, "sha256": digest})  # one key: their order is not fixed
    return save(contiguous, metadata={"lstm_bench": sealed}), digest


def load_tensors(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The inverse of `save_tensors`. Raises DamagedFile for anything that is not whole."""
    try:
        data = path.read_bytes()
        tensors = load(data)
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        metadata = json.loads(header["__metadata__"]["lstm_bench"])
        about, digest = metadata["about"], metadata["sha256"]
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise damaged(path, error) from error
    if checksum(tensors, about) != digest:
        raise damaged(path, "its contents do not match their checksum")
    return tensors, json.loads(about)
