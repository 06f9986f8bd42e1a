"""Weights handed from length to length: who starts where, what counts, what is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lstm_bench.errors import BenchError
from lstm_bench.spec import Condition, SeedBlock, Training
from lstm_bench.store.paths import Results
from lstm_bench.store.tables import read_table
from lstm_bench.store.tensors import load_tensors
from lstm_bench.training import run
from lstm_bench.training.api import make_condition
from lstm_bench.training.curriculum import before
from lstm_bench.training.model import ReplicateBatch

BLOCK = SeedBlock(0, 1)
SIZES = {"validation_size": 64, "confirmation_size": 64, "test_size": 64}


def condition(*rungs: int, T: int = 40, **training) -> Condition:
    settings = {"updates": 90, **SIZES, "curriculum": rungs, **training}
    return Condition("temporal_order", T, "elman", width=8, training=Training(**settings))


def train(folder: Path, c: Condition) -> Path:
    return run.train_block(c, BLOCK, Results(folder), device="cpu")


def rows(folder: Path) -> list[dict]:
    return read_table(folder / "replicates.parquet").to_pylist()


def weights(folder: Path) -> dict[str, np.ndarray]:
    return dict(load_tensors(folder / "model.safetensors")[0])


def test_each_length_has_an_equal_share_of_the_updates():
    whole = condition(10, 20)
    middle = before(whole)
    first = before(middle)
    assert [(c.T, c.training.curriculum, c.training.share) for c in (first, middle, whole)] == [
        (10, (), 30),
        (20, (10,), 30),
        (40, (10, 20), 30),
    ]
    assert before(first) is None


def test_rungs_of_T_and_longer_are_left_out_and_none_is_no_curriculum():
    assert condition(10, 20, 40, 80) == condition(10, 20)
    assert condition(40, 80) == condition()
    assert condition(10).id != condition().id


def test_a_length_starts_from_the_weights_of_the_one_before(tmp_path, monkeypatch):
    begun = {}
    create = ReplicateBatch.create.__func__

    def noting(cls, *arguments):
        made = create(cls, *arguments)
        begun[made.condition.T] = made.network.layout.unpack(made.weights.clone())
        return made

    monkeypatch.setattr(ReplicateBatch, "create", classmethod(noting))
    train(tmp_path, condition(10, 20))
    assert list(begun) == [10, 20, 40]
    for shorter, longer in (
        (condition(T=10, updates=30), 20),
        (condition(10, T=20, updates=60), 40),
    ):
        ended = weights(Results(tmp_path).block(shorter, BLOCK))
        for name, value in ended.items():
            np.testing.assert_array_equal(begun[longer][name].numpy(), value)


def test_the_updates_of_a_row_are_those_of_all_lengths(tmp_path):
    """None solves it, nor is given up: each length takes its share."""
    folder = train(tmp_path, condition(10, 20, futility_after=1.0))
    assert [row["updates"] for row in rows(folder)] == [90, 90]
    assert {row["status"] for row in rows(folder)} == {"unsolved"}


def test_it_stops_at_a_length_that_is_solved(tmp_path):
    easy = replace(condition(20, T=40, updates=2000, learning_rate=0.008), width=16)
    last = train(tmp_path, easy)
    first = rows(Results(tmp_path).block(before(easy), BLOCK))
    assert {row["status"] for row in first} == {"solved"}
    assert all(row["updates"] < 1000 for row in first)
    for row, shorter in zip(rows(last), first):
        assert row["updates"] > shorter["updates"]


def test_a_seed_is_the_same_alone_as_in_company(tmp_path):
    both = weights(train(tmp_path / "both", condition(10)))
    alone = run.train_block(
        condition(10), SeedBlock(1, 1), Results(tmp_path / "alone"), device="cpu"
    )
    for name, value in weights(alone).items():
        np.testing.assert_array_equal(value[0], both[name][1])


def test_an_error_at_a_shorter_length_is_a_row_of_the_longer(tmp_path, monkeypatch):
    step = ReplicateBatch.step

    def failing(self, batches, begins):
        if self.condition.T == 10:
            raise MemoryError
        step(self, batches, begins)

    monkeypatch.setattr(ReplicateBatch, "step", failing)
    found = rows(train(tmp_path, condition(10)))
    assert [(row["status"], row["reason"]) for row in found] == [
        ("error", "RuntimeError: no weights of T=10: out_of_memory")
    ] * 2


@pytest.mark.parametrize(
    ("rungs", "updates", "sentence"),
    [
        (
            [20, 10],
            90,
            r"curriculum: \[20, 10\] is not allowed; it must be lengths in rising order",
        ),
        ([5, 10], 90, "curriculum: T=5 is not allowed: .*10"),
        ([10, 20], 2, r"curriculum: \[10, 20\] is not allowed with 2 updates"),
        ([0], 90, "curriculum: 0 is not allowed"),
    ],
)
def test_what_cannot_be_climbed_is_refused(rungs, updates, sentence):
    with pytest.raises(BenchError, match=sentence):
        make_condition("temporal_order", "elman", 40, curriculum=rungs, updates=updates)
