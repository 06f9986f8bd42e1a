"""Checksums beside files that people open: CSV, JSON and figures, as `sha256sum -c` reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lstm_bench.errors import DamagedFile
from lstm_bench.store.files import damaged, json_bytes, sha256, write_bytes
from lstm_bench.store.paths import CLAIM_CHECKSUMS, EXPERIMENT_CHECKSUMS


def write_checked(checksum_file: Path, files: Mapping[str, bytes]) -> None:
    """Write these files into the folder of `checksum`, and their sums, last, into `checksum`."""
    for name, data in files.items():
        write_bytes(checksum_file.parent / name, data)
    lines = [f"{sha256(data)}  {name}\n" for name, data in files.items()]
    write_bytes(checksum_file, "".join(lines).encode())


def write_checked_json(path: Path, value: Any) -> None:
    """One JSON file and its sum."""
    write_checked(path.with_suffix(".sha256"), {path.name: json_bytes(value)})


def read_checked(path: Path) -> bytes:
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
    for checksum_file in checksums_of(path):
        expected = sums(checksum_file).get(path.name)
        if expected not in (None, sha256(data)):
            raise damaged(path, f"its checksum is not the one in {checksum_file.name}")
    return data


def checksums_of(path: Path) -> list[Path]:
    """The files that may hold the sum of this one."""
    names = (f"{path.stem}.sha256", *EXPERIMENT_CHECKSUMS, *CLAIM_CHECKSUMS)
    return [path.with_name(name) for name in names]


def sums(checksum_file: Path) -> dict[str, str]:
    """The sums in a checksum, by the name of a file beside it; lines that are none are left out."""
    try:
        lines = checksum_file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.partition("  ") for line in lines)
    return {name: total for total, _, name in pairs if name and Path(name).name == name}


def read_checked_json(path: Path) -> Any:
    """Raises DamagedFile when it is missing, not what was written, or no JSON."""
    data = read_checked(path)
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise damaged(path, error) from error
