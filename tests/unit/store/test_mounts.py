"""Which file system a path lies on, from a table of mounts as the kernel writes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lstm_bench.store.mounts import network_file_system

TABLE = """\
/dev/sda1 / ext4 rw,relatime 0 0
proc /proc proc rw 0 0
server:/export /cluster nfs4 rw,vers=4.2 0 0
/dev/sdb1 /cluster/node ext4 rw 0 0
10.0.0.1@tcp:/scratch /cluster/my\\040scratch lustre rw 0 0
me@host:/home /mnt/ssh fuse.sshfs rw 0 0
/dev/fuse /mnt/local fuse.bindfs rw 0 0
/dev/sdc1 /hidden ext4 rw 0 0
//server/share /hidden cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/results", None),
        ("/cluster/me/results/mlflow.db", "nfs4"),
        ("/cluster", "nfs4"),
        ("/clusters/results", None),
        ("/cluster/node/results", None),
        ("/cluster/my scratch/results", "lustre"),
        ("/mnt/ssh/results", "fuse.sshfs"),
        ("/mnt/local/results", None),
        ("/hidden/results", "cifs"),
    ],
)
def test_the_longest_mount_that_holds_the_path_says_what_it_is(
    path: str, kind: str | None, tmp_path: Path
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(TABLE)
    assert network_file_system(Path(path), mounts) == kind


def test_a_link_lies_where_it_points_to(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    (tmp_path / "far").mkdir()
    (tmp_path / "near").symlink_to(tmp_path / "far")
    mounts.write_text(f"disk / ext4 rw 0 0\nserver:/x {tmp_path.resolve()}/far nfs rw 0 0\n")
    assert network_file_system(tmp_path / "near/mlflow.db", mounts) == "nfs"


def test_nothing_is_said_where_the_kernel_says_nothing(tmp_path: Path) -> None:
    assert network_file_system(tmp_path, tmp_path / "no such table") is None
