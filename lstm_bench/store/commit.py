"""Which commit of the project is checked out here."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]


def git_commit(project: Path = PROJECT) -> str | None:
    """The commit of the project's checkout, `+` when tracked files differ from it.

    None outside one, and where the project lies in a folder of another repository.
    """
    try:
        if Path(_git(project, "rev-parse", "--show-toplevel")).resolve() != project.resolve():
            return None
        changed = _git(project, "status", "--porcelain", "--untracked-files=no")
        return _git(project, "rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return None


@dataclass(frozen=True)
class Added:
    """The commit that added a line, and when it was made (ISO 8601, as its author's clock said)."""

    commit: str
    time: str


def added_by(path: Path, text: str) -> Added | None:
    """The commit that first put this text into a file.

    None where no commit did, outside a repository, and in a clone too shallow to know.
    """
    folder, name = path.resolve().parent, path.name
    try:
        if _git(folder, "rev-parse", "--is-shallow-repository") == "true":
            return None
        log = _git(folder, "log", "--reverse", "--format=%H %cI", f"-S{text}", "--", name)
    except (OSError, subprocess.SubprocessError):
        return None
    return Added(*log.splitlines()[0].split(" ", 1)) if log else None


def _git(folder: Path, *words: str) -> str:
    # a hook of another repository names that one in its environment
    own = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    command = ["git", "-C", str(folder), *words]
    done = subprocess.run(
        command, capture_output=True, encoding="utf-8", check=True, timeout=10, env=own
    )
    return done.stdout.strip()
