"""Which commit of the project is checked out here."""

from __future__ import annotations

import subprocess


def git_commit() -> str | None:
    """The commit of the checkout, `+` when tracked files differ from it; None outside one."""
    try:
        changed = _git("status", "--porcelain", "--untracked-files=no")
        return _git("rev-parse", "HEAD") + ("+" if changed else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()
