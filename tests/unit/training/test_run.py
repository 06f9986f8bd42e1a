"""One seed block in this process: what is read when, and what becomes of a fault."""

from __future__ import annotations

import errno
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from lstm_bench.cells.lstm import LSTM
from lstm_bench.engine.fused import library
from lstm_bench.errors import BenchError
from lstm_bench.spec import Condition, SeedBlock
from lstm_bench.store.paths import BLOCK_FILES, Results
from lstm_bench.store.tables import read_table
from lstm_bench.store.tensors import load_tensors
from lstm_bench.training import evaluation, held_out, run
from lstm_bench.training.evaluation import drawn_chunks, evaluate
from lstm_bench.training.model import ReplicateBatch
from tests.numerics.training import CPU, condition

BLOCK = SeedBlock(0, 2)
SMALL = condition(validation_size=64, test_size=96)


def train(folder: Path, c: Condition = SMALL, **options: Any) -> Path:
    return run.train_block(c, BLOCK, Results(folder), device="cpu", **options)


def rows(folder: Path, table: str = "replicates") -> list[dict]:
    return read_table(folder / f"{table}.parquet").to_pylist()


def fail_at(monkeypatch, update: int, error: Exception) -> None:
    step = ReplicateBatch.step

    def failing(self: ReplicateBatch, batches, begins) -> None:
        if self.update == update:
            raise error
        step(self, batches, begins)

    monkeypatch.setattr(ReplicateBatch, "step", failing)


def test_the_test_split_is_read_once_and_after_every_replicate_has_stopped(tmp_path, monkeypatch):
    trained: list[ReplicateBatch] = []
    reads: list[tuple[str, int, list[str | None]]] = []
    draw, create = evaluation.draw, ReplicateBatch.create

    def noting_create(*arguments):
        trained.append(create(*arguments))
        return trained[-1]

    def noting_draw(task, T, split, seed, *rest):
        reads.append((split, seed, [p.status for p in trained[0].progress]))
        return draw(task, T, split, seed, *rest)

    monkeypatch.setattr(evaluation, "draw", noting_draw)
    monkeypatch.setattr(held_out, "draw", noting_draw)
    monkeypatch.setattr(ReplicateBatch, "create", noting_create)
    train(tmp_path)
    assert reads == [
        *(("validation", seed, [None] * 3) for seed in BLOCK.seeds),
        *(("test", seed, ["unsolved"] * 3) for seed in BLOCK.seeds),
    ]


def test_the_numbers_of_a_row_are_those_of_the_stored_weights(tmp_path: Path):
    folder = train(tmp_path)
    fresh = ReplicateBatch.create(SMALL, BLOCK, CPU)
    weights, about = load_tensors(folder / "model.safetensors")
    assert about["seeds"] == [0, 1, 2]
    assert Condition.from_json(about["condition"]) == SMALL
    stacked = [{name: value[r] for name, value in weights.items()} for r in range(3)]
    flat = fresh.network.layout.pack(stacked, fresh.weights)
    for split, size in (("validation", 64), ("test", 96)):
        sequences = drawn_chunks(fresh.task, SMALL.T, split, BLOCK.seeds, size, CPU)
        losses, scores = evaluate(fresh.network, flat, fresh.task, sequences, fresh.backend)
        assert [r[f"{split}_loss"] for r in rows(folder)] == losses
        assert [r[f"{split}_score"] for r in rows(folder)] == scores


def test_seconds_are_measured_in_the_timing_table_alone(tmp_path: Path):
    folder = train(tmp_path)
    for table in ("replicates", "curves"):
        assert not [name for name in rows(folder, table)[0] if "second" in name]
    timing = rows(folder, "timing")
    assert [row["seed"] for row in timing] == [0, 1, 2]
    assert all(row["train_seconds"] > 0 for row in timing)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (MemoryError(), "out_of_memory"),
        (RuntimeError("DefaultCPUAllocator: not enough memory"), "out_of_memory"),
        (ZeroDivisionError("a fault"), "ZeroDivisionError: a fault"),
    ],
)
def test_a_fault_of_the_training_becomes_a_row_a_seed(tmp_path, monkeypatch, error, reason):
    fail_at(monkeypatch, 13, error)
    folder = train(tmp_path)
    assert [(r["seed"], r["status"], r["reason"]) for r in rows(folder)] == [
        (seed, "error", reason) for seed in BLOCK.seeds
    ]
    assert all((folder / name).exists() for name in BLOCK_FILES)


@pytest.mark.parametrize(
    "error",
    [
        OSError(28, "No space left on device"),
        ImportError("libcudart.so.13: cannot open shared object file"),
        torch.AcceleratorError("CUDA error: uncorrectable ECC error"),
        RuntimeError("can't start new thread"),
    ],
)
def test_a_fault_of_the_machine_is_no_result_and_goes_on_later(tmp_path, monkeypatch, error):
    with monkeypatch.context() as patch:
        fail_at(patch, 13, error)
        with pytest.raises(BenchError, match=f"cannot go on: .*{str(error)[-12:]}"):
            train(tmp_path)
    assert not Results(tmp_path).blocks()
    assert {row["status"] for row in rows(train(tmp_path))} == {"unsolved"}


def test_a_table_that_cannot_be_written_is_no_result_of_the_training(tmp_path, monkeypatch):
    def broken(*_):
        raise ValueError("no such type")

    with monkeypatch.context() as patch:
        patch.setattr(run, "write_outcome", broken)
        with pytest.raises(ValueError, match="no such type"):
            train(tmp_path)
    assert not Results(tmp_path).blocks()


def test_a_disk_without_locks_is_one_sentence(tmp_path, monkeypatch):
    def none(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", none)
    with pytest.raises(BenchError, match=r"seeds-000-002\.lock cannot be locked: .* NFS without"):
        train(tmp_path)


def test_a_run_says_what_computed_it(tmp_path: Path):
    on_kernel, by_torch = (
        rows(train(tmp_path, replace(SMALL, cell=cell)), "timing")[0] for cell in ("lstm", "lru")
    )
    assert by_torch["instruction_set"].endswith("no kernel")
    if library.available():
        assert on_kernel["instruction_set"].endswith(f"kernel {library.made_by()}")


def test_a_block_by_another_backend_than_those_beside_it_says_so(tmp_path, monkeypatch, capsys):
    if not library.available():
        pytest.skip("no kernel can be made here")
    other = SeedBlock(3, 4)
    first = train(tmp_path)
    same = run.train_block(SMALL, other, Results(tmp_path), device="cpu")
    shutil.rmtree(same)
    assert "agree to rounding" not in capsys.readouterr().err
    monkeypatch.setenv(library.ISA, "off")
    second = run.train_block(SMALL, other, Results(tmp_path), device="cpu")
    said = capsys.readouterr().err
    assert "seeds-000-002 are by compiled" in said
    assert "seeds-003-004 by loop" in said
    assert {row["determinism"] for row in rows(first, "timing")} == {"bitwise"}
    assert {row["determinism"] for row in rows(second, "timing")} == {"tolerance"}


def test_a_checkpoint_of_another_backend_is_not_continued(tmp_path, monkeypatch, capsys):
    if not library.available():
        pytest.skip("no kernel can be made here")
    with pytest.raises(run.Interrupted):
        train(tmp_path, interrupted=lambda: True)
    monkeypatch.setenv(library.ISA, "off")
    train(tmp_path)
    assert "has another backend, instruction_set: the training starts over" in (
        capsys.readouterr().err
    )


def test_bad_input_is_raised_and_leaves_no_row(tmp_path: Path):
    with pytest.raises(BenchError, match="T=1"):
        train(tmp_path, condition(T=1))
    assert not Results(tmp_path).blocks()


def test_a_diverged_replicate_has_no_test_score_and_the_others_have_one(tmp_path, monkeypatch):
    step = ReplicateBatch.step

    def poisoned(self: ReplicateBatch, batches, begins) -> None:
        if self.update == 13:
            self.weights[1] = float("nan")
        step(self, batches, begins)

    monkeypatch.setattr(ReplicateBatch, "step", poisoned)
    found = rows(train(tmp_path))
    assert [r["status"] for r in found] == ["unsolved", "diverged", "unsolved"]
    assert [r["test_loss"] is None for r in found] == [False, True, False]
    assert found[1]["updates"] == 14


def test_an_interrupted_training_leaves_no_row_and_goes_on_to_the_same_numbers(tmp_path: Path):
    asked = iter([False] * 12 + [True])
    with pytest.raises(run.Interrupted):
        train(tmp_path, interrupted=lambda: next(asked))
    assert not Results(tmp_path).blocks()
    resumed, whole = train(tmp_path), train(tmp_path / "whole")
    for name in ("replicates.parquet", "curves.parquet"):
        assert (resumed / name).read_bytes() == (whole / name).read_bytes(), f"{name} differs"


def test_a_finished_block_is_trained_again_only_when_its_code_has_changed(tmp_path, monkeypatch):
    folder = train(tmp_path)
    before = (folder / "timing.parquet").read_bytes()
    train(tmp_path)
    assert (folder / "timing.parquet").read_bytes() == before
    monkeypatch.setattr(LSTM, "version", LSTM.version + 1)
    train(tmp_path)
    assert (folder / "timing.parquet").read_bytes() != before
    assert f"cell {LSTM.version} " in rows(folder)[0]["code"]


@pytest.mark.parametrize("name", BLOCK_FILES)
def test_a_block_with_a_missing_file_is_trained_again(tmp_path: Path, name: str):
    folder = train(tmp_path)
    (folder / name).unlink()
    train(tmp_path)
    assert (folder / name).exists()


def test_the_code_identity_names_every_version_that_decides_a_number(monkeypatch):
    seen = {run.code_identity(SMALL)}
    for owner, attribute in (
        (LSTM, "version"),
        (run.tasks.registry()["adding"], "version"),
        (run.engine, "VERSION"),
        (run.training, "VERSION"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(owner, attribute, 99)
            seen.add(run.code_identity(SMALL))
    assert len(seen) == 5
