"""Writing so that a file is whole or absent, and reading so that damage is noticed."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import io
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lstm_bench.errors import BenchError, DamagedFile

NO_SYNC = (errno.EINVAL, errno.ENOTSUP)  # what file systems answer that cannot sync a folder


def write_bytes(path: Path, data: bytes) -> None:
    """Write under a temporary name, fsync, rename. Raises BenchError when the disk refuses."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.parent / f".{path.name}.{secrets.token_hex(4)}"
        # the mode is what the umask leaves of it, as for any file of the user's
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        _sync_folder(path.parent)
    except OSError as error:
        raise BenchError(f"{path} cannot be written: {error.strerror or error}.") from error


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise
    finally:
        os.close(descriptor)


def json_bytes(value: Any) -> bytes:
    """Readable JSON; NaN and infinity are refused, since no other reader accepts them."""
    text = json.dumps(value, indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False)
    return text.encode() + b"\n"


def write_json(path: Path, value: Any) -> None:
    """A file of `json_bytes`."""
    write_bytes(path, json_bytes(value))


def read_json(path: Path) -> Any:
    """Raises DamagedFile when it is missing or no JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DamagedFile(f"{path} is missing; run snakemake again to make it.") from None
    except (ValueError, RecursionError, OSError) as error:
        raise damaged(path, error) from error


def damaged(path: Path, why: object) -> DamagedFile:
    """The sentence for a file that cannot be trusted."""
    return DamagedFile(
        f"{path} is damaged ({_short(why)}); delete it and run snakemake again to make it anew, "
        "everything else is kept."
    )


def _short(why: object) -> str:
    return str(why).strip().splitlines()[0][:160].rstrip(".") if str(why).strip() else "unreadable"


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def npz_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The same bytes for the same arrays."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def read_npz(path: Path, checksum: str) -> dict[str, np.ndarray]:
    """Raises DamagedFile when the file is missing or its SHA-256 is another."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise damaged(path, error.strerror) from error
    if sha256(data) != checksum:
        raise damaged(path, "its checksum is not the one in manifest.json")
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}
