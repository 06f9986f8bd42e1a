"""Checksums beside files that people open: CSV, JSON and figures, as `sha256sum -c` reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lstm_bench.errors import DamagedFile
from lstm_bench.store.files import damaged, json_bytes, sha256, write_bytes


def write_sealed(seal: Path, files: Mapping[str, bytes]) -> None:
    """Write these files into the folder of `seal`, and their sums, last, into `seal`."""
    for name, data in files.items():
        write_bytes(seal.parent / name, data)
    lines = [f"{sha256(data)}  {name}\n" for name, data in files.items()]
    write_bytes(seal, "".join(lines).encode())


def write_sealed_json(path: Path, value: Any) -> None:
    """One JSON file and its sum."""
    write_sealed(path.with_suffix(".sha256"), {path.name: json_bytes(value)})


def read_sealed(path: Path) -> bytes:
    """A file's bytes, checked where its folder holds a sum of it.

    One without a sum is taken as it is: an older version wrote it, or a person has. Raises
    DamagedFile when it is missing or not what was written.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise DamagedFile(f"{path} is missing; run snakemake again to make it.") from None
    except OSError as error:
        raise damaged(path, error.strerror) from error
    for seal in path.parent.glob("*.sha256"):
        expected = sums(seal).get(path.name)
        if expected not in (None, sha256(data)):
            raise damaged(path, f"its checksum is not the one in {seal.name}")
    return data


def sums(seal: Path) -> dict[str, str]:
    """The sums in a seal, by file name; lines that are none are left out."""
    try:
        lines = seal.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    return {name: total for total, _, name in (line.partition("  ") for line in lines) if name}


def read_sealed_json(path: Path) -> Any:
    """Raises DamagedFile when it is missing, not what was written, or no JSON."""
    data = read_sealed(path)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise damaged(path, error) from error
