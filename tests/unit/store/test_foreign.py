"""Files that others leave among the suite's own: desktops, editors, file servers, people."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lstm_bench.claims.base import declared
from lstm_bench.errors import BenchError
from lstm_bench.planning import ensure
from lstm_bench.planning.ensure import source_digest
from lstm_bench.registry import import_room
from lstm_bench.spec import Condition, SeedBlock, Training
from lstm_bench.store import records, salvage
from lstm_bench.store.checksums import read_checked, write_checked, write_checked_json
from lstm_bench.store.files import json_bytes, write_json
from lstm_bench.store.paths import EXPERIMENT_FILES, Results
from lstm_bench.store.planned import PlannedCondition
from lstm_bench.store.tables import write_table
from lstm_bench.store.tensors import save_tensors
from lstm_bench.store.verify import forget, remove, verify
from lstm_bench.training.outcome import now, write_failure

SMALL = Training(validation_size=8, test_size=8)
CONDITION, BLOCK = Condition("adding", 12, "lstm", 8, training=SMALL), SeedBlock(0, 1)
APPLE = bytes.fromhex("00051607000200004d6163204f532058")
# how others name what they make of a file of ours, beside it
COPIES = (
    "._{}",
    ".{}.swp",
    ".#{}",
    "{}~",
    "#{}#",
    "copy of {}",
    "{stem} copy{end}",
    "{stem}-old{end}",
)
FOLDERS = (".ipynb_checkpoints", ".snapshot", "__MACOSX", "old")


@pytest.fixture
def results(tmp_path: Path) -> Results:
    """One file of every kind that is stored, all of them whole."""
    found = Results(tmp_path)
    block = found.block(CONDITION, BLOCK)
    write_failure(block, CONDITION, BLOCK, "killed", "1", now())
    write_table(found.probe("cost", "cost", "0123456789"), [{"n": 1}])
    save_tensors(found.checkpoint(CONDITION, BLOCK) / "state.safetensors", {}, {})
    one = json_bytes({})
    folder = found.experiment("horizon")
    write_checked(folder / "tables.sha256", {"table.csv": b"a\n", "verdict.json": one})
    write_checked(folder / "figures.sha256", {"figure.svg": b"<svg/>"})
    write_checked(found.claims / "verdicts.sha256", {"verdicts.json": one, "values.csv": b"a\n"})
    write_checked(found.table("row", ".sha256"), {"row.csv": b"a\n"})
    write_checked_json(found.plan("0123456789abcdef"), {"config": {}})
    write_checked_json(found.estimate("0123456789abcdef"), {})
    write_checked_json(found.ladder("adding-lstm-w8-0123456789"), {"tried": []})
    return found


def plan(code: str) -> Any:
    """The one block, of an experiment."""
    blocks = [(CONDITION.id, BLOCK.name)]
    return SimpleNamespace(
        every_block=lambda: blocks,
        blocks=lambda _: blocks,
        conditions={CONDITION.id: PlannedCondition(CONDITION, code=code)},
        experiments=["horizon"],
        ladder_of={},
        tables={},
        asked=[],
    )


def litter(root: Path) -> list[Path]:
    """Leave damaged copies of every file of a tree beside it, and of every folder in others."""
    left = []
    for path in sorted(p for p in root.rglob("*") if p.is_file()):
        names = [each.format(path.name, stem=path.stem, end=path.suffix) for each in COPIES]
        for place in [*names, *(f"{folder}/{path.name}" for folder in FOLDERS)]:
            copy = path.parent / place
            copy.parent.mkdir(exist_ok=True)
            copy.write_bytes(APPLE)
            os.utime(copy, (2**31, 2**31))  # the newest of all
            left.append(copy)
        (path.parent / ".DS_Store").write_bytes(APPLE)
    for folder in sorted(p for p in root.rglob("*") if p.is_dir()):
        if folder.name in FOLDERS:
            continue
        (folder / "all.sha256").write_text(f"{'0' * 64}  {next(folder.iterdir()).name}\n")
        copy = folder.with_name(f"{folder.name} copy")
        shutil.copytree(folder, copy)
        left += [p for p in copy.rglob("*") if p.is_file()]
    return left


def test_what_others_left_is_neither_read_nor_named_nor_deleted(results: Results) -> None:
    before, blocks, known = list(verify(results)), results.blocks(), results.plans()
    assert len(before) == 16
    assert [fault for _, fault in before if fault] == []
    left = litter(results.root / "results")
    assert list(verify(results)) == before
    assert (results.blocks(), results.plans()) == (blocks, known)
    assert read_checked(results.experiment("horizon") / "table.csv") == b"a\n"
    for path, _ in before:
        path.unlink(missing_ok=True)
        remove(path, results)
    assert [str(path) for path in left if not path.exists()] == []
    assert list(verify(results)) == []


def test_a_forgotten_block_takes_nothing_of_others_along(results: Results) -> None:
    left = litter(results.root / "results")
    assert len(forget(plan("1"), results, ["error"])) == 1
    salvage.clear(results)
    assert results.blocks() == []
    assert not [n for n in EXPERIMENT_FILES if (results.experiment("horizon") / n).exists()]
    assert [str(path) for path in left if not path.exists()] == []


def test_a_folder_that_nobody_else_uses_goes_with_its_files(results: Results) -> None:
    remove(results.experiment("horizon") / "table.csv", results)
    assert not results.experiment("horizon").exists()
    assert not results.claims.exists()


def test_a_seal_speaks_of_files_beside_it_alone(results: Results) -> None:
    outside = results.root / "outside.txt"
    outside.write_text("a letter")
    checksum_file = results.experiment("horizon") / "tables.sha256"
    checksum_file.write_text(f"{'0' * 64}  ../../../outside.txt\n{'0' * 64}  {outside}\n")
    for path, fault in verify(results):
        if fault:
            remove(path, results)
    assert outside.read_text() == "a letter"


def test_a_desktop_s_file_is_no_record_of_snakemake_s(results: Results) -> None:
    folder = results.root / records.RECORDS
    folder.mkdir(parents=True)
    (folder / ".DS_Store").write_bytes(APPLE)
    with pytest.raises(BenchError, match="trained by other code"):
        records.require_known(plan("2"), results)


def test_the_digest_of_the_sources_is_of_sources_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ensure, "PACKAGE", tmp_path)
    (tmp_path / "room").mkdir()
    (tmp_path / "room/cell.py").write_text("pass\n")
    before = source_digest()
    (tmp_path / "room/._cell.py").write_bytes(APPLE)
    (tmp_path / "room/.#cell.py").symlink_to("somebody@nowhere:1")
    (tmp_path / "room/.ipynb_checkpoints").mkdir()
    (tmp_path / "room/.ipynb_checkpoints/cell-checkpoint.py").write_text("pass\n")
    assert source_digest() == before
    (tmp_path / "room/other.py").write_text("pass\n")
    assert source_digest() != before


def test_a_room_is_of_modules_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    room = tmp_path / "a_room_of_a_test"
    room.mkdir()
    write_json(room / "__init__.py", None)
    (room / "__init__.py").write_text("")
    for name in ("._cell.py", "cell copy.py", "cell-old.py"):
        (room / name).write_text("raise RuntimeError('not ours')\n")
    (room / "cell.py").write_text("loaded = True\n")
    monkeypatch.syspath_prepend(tmp_path)
    import_room(room.name)
    import a_room_of_a_test.cell

    assert a_room_of_a_test.cell.loaded


def test_claims_are_files_with_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lstm_bench import claims

    room = Path(claims.__file__).parent
    shutil.copytree(room, tmp_path / "claims")
    (tmp_path / "claims/declared/._computational_cost.yaml").write_bytes(APPLE)
    cost = (tmp_path / "claims/declared/computational_cost.yaml").read_bytes()
    (tmp_path / "claims/declared/computational_cost copy.yaml").write_bytes(cost)
    known = declared()
    monkeypatch.setattr("importlib.resources.files", lambda _: tmp_path / "claims")
    assert declared() == known
