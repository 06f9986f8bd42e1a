"""Which file is meant: named by its path in a config, by the digest of its content in a condition.

A condition must not hold a path: a file that was moved is the same data, one that was edited is
not. Who reads a config registers its files; a job finds them in the variable `SETTING`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from lstm_bench.errors import BenchError

SETTING = "LSTM_BENCH_DATA"  # the paths of a sweep's files, as a JSON list
LARGEST = 2**30  # bytes: a table is read whole, and takes several times its size
DIGITS = 16  # of a digest, hexadecimal
_paths: dict[str, Path] = {}
_digests: dict[tuple[str, int, int], str] = {}


def register(path: str | Path) -> str:
    """The digest of a file's content, by which `locate` finds it from now on.

    Raises BenchError for a file that is missing, is not a file, is empty or is too large.
    """
    place = Path(path)
    if not place.is_file():
        raise BenchError(f"file: {str(path)!r} is not a file; give the path of one that is there.")
    size = place.stat().st_size
    if not size:
        raise BenchError(f"file: {str(path)!r} is empty.")
    if size > LARGEST:
        raise BenchError(
            f"file: {str(path)!r} has {size / 2**30:.1f} GiB, but is read whole; it must have at "
            f"most {LARGEST / 2**30:g} GiB (fewer rows, or Parquet with the columns in use)."
        )
    digest = content_digest(place)
    _paths[digest] = place
    return digest


def content_digest(path: Path) -> str:
    """The first hex digits of the SHA-256 of a file; read again where the file has changed."""
    try:
        about = path.stat()
        key = (str(path.resolve()), about.st_size, about.st_mtime_ns)
        if key not in _digests:
            with path.open("rb") as file:
                _digests[key] = hashlib.file_digest(file, "sha256").hexdigest()[:DIGITS]
    except OSError as error:
        raise BenchError(f"file: {str(path)!r} cannot be read: {error.strerror}.") from error
    return _digests[key]


def locate(digest: str) -> Path:
    """The file with this content. Raises BenchError where none is known or it was edited since."""
    for name in json.loads(os.environ.get(SETTING) or "[]"):
        if Path(name).is_file() and content_digest(Path(name)) == digest:
            return Path(name)
    path = _paths.get(digest)
    if path is None:
        raise BenchError(
            f"data: no file with the content {digest} is known; it was moved or edited since this "
            "was planned: run snakemake again, or name it as the option 'file' of its task."
        )
    if not path.is_file() or content_digest(path) != digest:
        raise BenchError(
            f"file: {str(path)!r} was moved or edited while it was in use; run this again."
        )
    return path


def named_in(config: Any) -> list[str]:
    """The files that entries of tasks name, anywhere in a config, once each."""
    return list(dict.fromkeys(_named(config)))


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if "task" in value and isinstance(value.get("file"), str):
            yield value["file"]
        for each in value.values():
            yield from _named(each)
    elif isinstance(value, list):
        for each in value:
            yield from _named(each)
