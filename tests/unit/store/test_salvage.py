"""What a finished block leaves for the next attempt of its job."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lstm_bench.spec import Condition
from lstm_bench.store import salvage
from lstm_bench.store.paths import BLOCK_FILES, Results

C, D = (Condition("adding", 50, cell).id for cell in ("elman", "lstm"))


@pytest.fixture
def block(tmp_path: Path) -> Path:
    folder = Results(tmp_path).block(C, "seeds-000-004")
    folder.mkdir(parents=True)
    for name in BLOCK_FILES:
        (folder / name).write_text(f"the {name}")
    return folder


@pytest.mark.parametrize("links", [True, False])
def test_the_files_come_back_after_they_were_deleted(
    links: bool, block: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not links:

        def refuse(*_: object) -> None:
            raise PermissionError("no links between folders here")

        monkeypatch.setattr(os, "link", refuse)
    kept = Results(tmp_path).checkpoint(C, "seeds-000-004")
    salvage.set_aside(block, kept)
    for name in BLOCK_FILES:
        (block / name).unlink()
    salvage.take_back(kept, block)
    assert {path.name: path.read_text() for path in block.iterdir()} == {
        name: f"the {name}" for name in BLOCK_FILES
    }


def test_clearing_leaves_checkpoints_and_results(block: Path, tmp_path: Path) -> None:
    results = Results(tmp_path)
    salvage.set_aside(block, results.checkpoint(C, "seeds-000-004"))
    under_way = results.checkpoint(D, "seeds-000-004")
    under_way.mkdir(parents=True)
    (under_way / "state.safetensors").write_text("an update")
    salvage.clear(results)
    assert not results.checkpoint(C, "seeds-000-004").exists()
    assert (under_way / "state.safetensors").exists()
    assert len(list(block.iterdir())) == len(BLOCK_FILES)
