"""Which file system a path lies on. Standard library only."""

from __future__ import annotations

import re
from pathlib import Path

MOUNTS = Path("/proc/mounts")
# file systems of more than one machine, by the names the kernel shows
NETWORK = (
    *("nfs", "nfs4", "lustre", "gpfs", "beegfs", "ceph", "glusterfs", "orangefs", "pvfs2"),
    *("cifs", "smb3", "smbfs", "9p", "afs", "panfs", "wekafs", "daos", "ocfs2", "gfs2"),
)
USERSPACE = ("sshfs", "glusterfs", "ceph", "beegfs", "s3fs", "davfs", "juicefs", "rclone", "dfuse")


def network_file_system(path: Path, mounts: Path = MOUNTS) -> str | None:
    """The name of the network file system that holds this path; None on a disk of this machine.

    The path need not exist. None too where the kernel does not say (no /proc/mounts).
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    where, found = path.absolute().resolve(), (Path("/"), "")
    for fields in (line.split() for line in lines):
        if len(fields) < 3:
            continue
        point = Path(_plain(fields[1]))
        if (where == point or point in where.parents) and len(point.parts) >= len(found[0].parts):
            found = (point, fields[2])  # of two at one place the later one hides the earlier
    kind = found[1]
    shared = kind in NETWORK or (
        kind.startswith("fuse.") and kind.removeprefix("fuse.").startswith(USERSPACE)
    )
    return kind if shared else None


def _plain(text: str) -> str:
    """The kernel writes a space as \\040."""
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), text)
