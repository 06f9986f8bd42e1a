"""What to say where a file cannot be locked. Standard library only."""

from __future__ import annotations

import errno
from pathlib import Path

from lstm_bench.errors import BenchError

NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP)


def not_locked(path: str | Path, error: OSError) -> BenchError:
    """The sentence for a lock that the system refuses, which is no lock that another one holds."""
    why = error.strerror or str(error)
    if error.errno in NO_LOCKS:
        why += (
            "; its file system has no locks, as NFS without a lock service: use a folder on a disk "
            "of this machine, or have that one mounted with locks"
        )
    return BenchError(f"{path} cannot be locked: {why}.")
