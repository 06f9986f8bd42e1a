from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lstm_bench.spec import Condition, SeedBlock
from lstm_bench.training import checkpoint
from lstm_bench.training.model import ReplicateBatch
from tests.numerics.training import CPU, assert_same_replicate, condition, futile_for, trained

CODE, STARTED = "task 1 cell 1", "2024-05-06T12:00:00.000+00:00"
SEEDS = (3, 5)


class Stop(Exception):
    pass


def fresh(c: Condition, first: int = SEEDS[0], last: int = SEEDS[1]) -> ReplicateBatch:
    return ReplicateBatch.create(c, SeedBlock(first, last), CPU)


def interrupt_at(update: int, folder: Path):
    def after_update(model: ReplicateBatch) -> None:
        if model.update == update:
            checkpoint.save(folder, model, CODE, STARTED)
            raise Stop

    return after_update


def interrupted(c: Condition, update: int, folder: Path) -> None:
    with pytest.raises(Stop):
        fresh(c).train(after_update=interrupt_at(update, folder))


def resumed(c: Condition, folder: Path) -> ReplicateBatch:
    model = fresh(c)
    assert checkpoint.resume(folder, model, CODE) == STARTED
    model.train()
    return model


def assert_untouched(c: Condition, model: ReplicateBatch) -> None:
    new = fresh(c)
    assert model.update == 0
    assert model.curves == []
    assert torch.equal(model.weights, new.weights)
    assert all(not value.any() for value in model.optimiser.state.values())


@pytest.mark.parametrize("update", [1, 9, 10, 13, 27, 30])
@pytest.mark.parametrize("optimiser", ["adam", "rmsprop", "sgd"])
def test_a_resumed_training_ends_with_the_same_bits(tmp_path: Path, optimiser: str, update: int):
    c = condition(optimiser=optimiser)
    interrupted(c, update, tmp_path)
    after, whole = resumed(c, tmp_path), trained(c, *SEEDS)
    for seed in range(SEEDS[0], SEEDS[1] + 1):
        assert_same_replicate(after, whole, seed)


@pytest.mark.parametrize("cell", ["gru", "elman", "irnn", "jordan"])
def test_every_cell_resumes_on_a_finite_training_set(tmp_path: Path, cell: str):
    c = condition("copy", 5, cell, 9, train_size=50)
    interrupted(c, 17, tmp_path)
    after, whole = resumed(c, tmp_path), trained(c, *SEEDS)
    for seed in range(SEEDS[0], SEEDS[1] + 1):
        assert_same_replicate(after, whole, seed)


def test_replicates_that_had_stopped_or_diverged_are_restored_as_they_were(tmp_path: Path):
    c = futile_for(condition(), 1 / 3, range(3, 6), by=10)

    def poisoned(model: ReplicateBatch) -> None:
        if model.update == 12:
            model.weights[0] = float("nan")
        if model.update == 23:
            checkpoint.save(tmp_path, model, CODE, STARTED)

    whole = trained(c, *SEEDS, after_update=poisoned)
    assert {p.reason for p in whole.progress} == {"futile", "not finite", "budget"}
    after = resumed(c, tmp_path)
    for seed in range(SEEDS[0], SEEDS[1] + 1):
        assert_same_replicate(after, whole, seed)


def test_saving_does_not_disturb_the_training(tmp_path: Path):
    c = condition()
    saving = trained(c, *SEEDS, after_update=lambda e: checkpoint.save(tmp_path, e, CODE, STARTED))
    assert_same_replicate(saving, trained(c, *SEEDS), SEEDS[0])


def test_without_a_checkpoint_a_training_starts_over(tmp_path: Path):
    model = fresh(condition())
    assert checkpoint.resume(tmp_path / "nothing", model, CODE) is None
    assert_untouched(condition(), model)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 0.9, 0.999])
def test_a_truncated_checkpoint_is_ignored(tmp_path: Path, share: float):
    c = condition()
    interrupted(c, 13, tmp_path)
    file = tmp_path / checkpoint.FILE
    data = file.read_bytes()
    file.write_bytes(data[: int(share * len(data))])
    model = fresh(c)
    assert checkpoint.resume(tmp_path, model, CODE) is None
    assert_untouched(c, model)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.05, 0.3, 0.5, 0.9, 0.9999])
def test_a_checkpoint_with_a_flipped_byte_is_ignored(tmp_path: Path, share: float):
    c = condition()
    interrupted(c, 13, tmp_path)
    file = tmp_path / checkpoint.FILE
    data = bytearray(file.read_bytes())
    data[int(share * len(data))] ^= 0x04
    file.write_bytes(data)
    model = fresh(c)
    assert checkpoint.resume(tmp_path, model, CODE) is None
    assert_untouched(c, model)


def test_a_checkpoint_of_another_training_is_ignored(tmp_path: Path):
    c = condition()
    interrupted(c, 13, tmp_path)
    faster = replace(c, training=replace(c.training, learning_rate=0.02))
    others = [
        (fresh(c), "task 2 cell 1"),
        (fresh(faster), CODE),
        (fresh(c, 0, 2), CODE),
        (ReplicateBatch.create(c, SeedBlock(*SEEDS), CPU, "loop"), CODE),
    ]
    for model, code in others:
        assert checkpoint.resume(tmp_path, model, code) is None
        assert model.update == 0
    assert checkpoint.resume(tmp_path, fresh(c), CODE) == STARTED


def test_removing_a_checkpoint_leaves_its_neighbours(tmp_path: Path):
    mine, other = tmp_path / "run" / "seeds-000-004", tmp_path / "run" / "seeds-005-009"
    for folder in (mine, other):
        interrupted(condition(), 13, folder)
    checkpoint.remove(mine)
    assert not mine.exists()
    assert (other / checkpoint.FILE).exists()
    checkpoint.remove(other)
