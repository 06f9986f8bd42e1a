from __future__ import annotations

import numpy as np
import pytest
import torch

from lstm_bench import tasks
from lstm_bench.check.tasks import length
from lstm_bench.tasks import Batch, create, generator
from lstm_bench.training import model
from lstm_bench.training.data import TrainStream, tensors
from tests.numerics.training import CPU, condition, trained

TASKS = sorted(tasks.registry())


def as_bytes(batch: Batch) -> bytes:
    return b"".join(part.tobytes() for part in batch if part is not None)


def stream(seed: int = 0, batch: int = 4, train_size: int | None = None) -> TrainStream:
    return TrainStream(create("adding"), 9, seed, batch, train_size)


@pytest.mark.parametrize("train_size", [None, 10])
def test_a_batch_is_a_function_of_seed_and_update_alone(train_size: int | None):
    forward = [as_bytes(stream(train_size=train_size)(u)) for u in range(12)]
    backward = stream(train_size=train_size)
    assert [as_bytes(backward(u)) for u in reversed(range(12))] == forward[::-1]
    assert len(set(forward)) == 12
    assert as_bytes(stream(seed=1, train_size=train_size)(0)) != forward[0]


@pytest.mark.parametrize(("size", "batch"), [(10, 4), (12, 4), (7, 3), (5, 8), (1, 1)])
def test_every_epoch_visits_each_sequence_of_a_finite_set_once(size: int, batch: int):
    finite, epochs = stream(batch=batch, train_size=size), 4
    keys = []
    for update in range(-(-epochs * size // batch)):
        keys += [row.tobytes() for row in finite(update).inputs]
    assert finite.finite is not None
    all_keys = sorted(row.tobytes() for row in finite.finite.inputs)
    assert len(set(all_keys)) == size
    seen = [keys[e * size : (e + 1) * size] for e in range(epochs)]
    assert [sorted(epoch) for epoch in seen] == [all_keys] * epochs
    if size > 5:
        assert len({tuple(epoch) for epoch in seen}) == epochs, "the order is never shuffled anew"


def test_the_targets_of_a_finite_set_go_with_their_inputs():
    batch = stream(batch=6, train_size=10)(3)
    values, marks = batch.inputs[..., 0], batch.inputs[..., 1]
    np.testing.assert_array_equal((values * marks).sum(axis=1), batch.targets[:, -1, 0])


def test_training_validation_and_test_share_no_sequence():
    task = create("adding")
    sets = [stream(batch=50)(0), stream(batch=50, train_size=50)(0)]
    sets += [task.sample(generator(split, task, 9), 50, 9) for split in ("validation", "test")]
    rows = [row.tobytes() for batch in sets for row in batch.inputs]
    assert len(set(rows)) == 200


def test_training_data_do_not_depend_on_cell_width_optimiser_or_learning_rate(monkeypatch):
    seen: list[bytes] = []

    def noting(batches, steps, device):
        seen.extend(as_bytes(batch) for batch in batches)
        return tensors(batches, steps, device)

    monkeypatch.setattr(model, "tensors", noting)
    runs = []
    for cell, width, optimiser, rate in (("lstm", 5, "adam", 0.01), ("elman", 9, "sgd", 0.001)):
        seen.clear()
        c = condition("adding", 9, cell, width, updates=6, evaluate_every=6)
        changed = {**vars(c.training), "optimiser": optimiser, "learning_rate": rate}
        trained(condition("adding", 9, cell, width, **changed), 3, 4)
        runs.append(list(seen))
    expected = [as_bytes(stream(seed, batch=20)(u)) for u in range(6) for seed in (3, 4)]
    assert runs == [expected, expected]


@pytest.mark.parametrize("size", [1, 20, 32, 33])
@pytest.mark.parametrize("name", TASKS)
def test_padding_has_no_weight_and_the_weights_of_a_replicate_sum_to_1(name: str, size: int):
    task = create(name)
    T = length(task)
    batches = [task.sample(generator("x", task, T, seed=s), size, T) for s in (0, 1)]
    data = tensors(batches, task.target_steps(T), CPU)
    L, padded, S = task.steps(T), -(-size // 32) * 32, len(data.steps)
    assert data.inputs.shape == (L, 2, task.inputs, padded)
    assert data.weights.shape == (2, S * padded)
    weights = data.weights.unflatten(1, (S, padded))
    assert (weights[..., size:] == 0).all()
    for r, batch in enumerate(batches):
        assert ((weights[r, :, :size] > 0).numpy() == batch.mask[:, list(data.steps)].T).all()
    torch.testing.assert_close(data.weights.sum(dim=1), torch.ones(2), rtol=1e-5, atol=0)
    again = data.inputs[..., torch.arange(size, padded) % size]
    assert (data.inputs[..., size:] == again).all(), "what is padded with can do no harm"


@pytest.mark.parametrize("name", TASKS)
def test_every_number_of_a_batch_lands_at_its_step_replicate_feature_and_sequence(name: str):
    task, size = create(name), 5
    T = length(task)
    batches = [task.sample(generator("x", task, T, seed=s), size, T) for s in (0, 1)]
    data = tensors(batches, task.target_steps(T), CPU)
    assert data.steps == task.target_steps(T)
    targets = data.targets.unflatten(-1, (len(data.steps), -1)).numpy()
    for r, batch in enumerate(batches):
        for b in range(size):
            np.testing.assert_array_equal(data.inputs[:, r, :, b].numpy(), batch.inputs[b])
            asked = batch.targets[b, list(data.steps)]
            np.testing.assert_array_equal(targets[r, ..., b].T, asked)


def test_batches_that_are_drawn_together_are_those_of_a_stream_that_starts_later():
    task = create("char_grammar")
    assert task.draws_at_once > 1
    whole = TrainStream(task, 9, 0, 4, None)
    batches = [whole(update).inputs for update in range(2 * task.draws_at_once)]
    later = TrainStream(task, 9, 0, 4, None)
    for update in (task.draws_at_once + 1, 3, 0):
        np.testing.assert_array_equal(later(update).inputs, batches[update])
    assert len({each.tobytes() for each in batches}) == len(batches)
