"""Two finished sweeps that all test processes share: what changes one takes a copy."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workflow.sweeps import NAMED, plugins
from tests.workflow.workspace import Workspace, made_once


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """TINY, finished; what Snakemake told is in `told`."""

    def make(folder: Path) -> Workspace:
        workspace = Workspace(folder / "with space")
        done = workspace.snakemake("--verbose")
        assert done.returncode == 0, done.stdout[-4000:]
        (workspace.path / "told").write_text(done.stdout, encoding="utf-8")
        return workspace

    return made_once("finished", tmp_path_factory, make)


@pytest.fixture(scope="session")
def named(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Plugins and labels, in a folder with spaces, quotes, dollars and letters beyond ASCII."""

    def make(folder: Path) -> Workspace:
        workspace = Workspace(folder / "a b ü" / "$HOME (q) ; 'é", **NAMED)
        for name, text in plugins().items():
            (workspace.path / name).write_text(text, encoding="utf-8")
        done = workspace.snakemake()
        assert done.returncode == 0, done.stdout[-4000:]
        return workspace

    return made_once("named", tmp_path_factory, make)
