"""Programs compiled for a test, kept beside the kernels until what the compiler reads changes."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from lstm_bench.engine.fused import library
from lstm_bench.store.files import sha256

UNUSED = 7 * 24 * 3600.0  # seconds: a program has some 10 MB


def program(command: Sequence[str], source: Path) -> Path:
    """What this compiler makes of a source and all it includes: compiled once.

    Raises library.Unavailable where nothing can be kept.
    """
    version = _told([command[0], "--version"])
    read = _told([*command, "-E", "-P", str(source)])  # without the names of files
    digest = sha256(b"\0".join([version, " ".join(command).encode(), read]))
    target = library.cache_folder() / f"{source.stem}-{digest[:16]}.test"
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
            made = Path(scratch) / target.name
            subprocess.run([*command, str(source), "-o", str(made)], check=True)
            made.replace(target)
    target.touch()
    for other in target.parent.glob("*.test"):
        if time.time() - other.stat().st_mtime > UNUSED:
            other.unlink(missing_ok=True)
    return target


def _told(command: Sequence[str]) -> bytes:
    return subprocess.run(command, capture_output=True, check=True).stdout
