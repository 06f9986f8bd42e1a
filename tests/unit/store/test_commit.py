"""The commit is the project's own, whatever repository is around it or around the results."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lstm_bench.store.commit import git_commit


def repository(folder: Path) -> str:
    """A repository with one commit, which is returned."""
    folder.mkdir(exist_ok=True)
    (folder / "file").write_text("1", encoding="utf-8")
    own = ("-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")
    for words in (("init", "-q"), ("add", "file"), (*own, "commit", "-qm", "first")):
        subprocess.run(["git", "-C", str(folder), *words], check=True)
    head = ["git", "-C", str(folder), "rev-parse", "HEAD"]
    return subprocess.run(head, capture_output=True, encoding="utf-8", check=True).stdout.strip()


def test_it_is_that_of_the_checkout_wherever_one_works(tmp_path: Path, monkeypatch):
    mine, other = repository(tmp_path / "project"), repository(tmp_path / "paper")
    assert mine != "" != other
    monkeypatch.chdir(tmp_path / "paper")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "paper/.git"))  # as in a hook
    assert git_commit(tmp_path / "project") == mine
    (tmp_path / "project/file").write_text("2", encoding="utf-8")
    assert git_commit(tmp_path / "project") == mine + "+"


@pytest.mark.parametrize("around", [True, False])
def test_a_copy_without_a_repository_of_its_own_has_none(around: bool, tmp_path: Path):
    if around:
        repository(tmp_path)
    (tmp_path / "project").mkdir()
    assert git_commit(tmp_path / "project") is None
