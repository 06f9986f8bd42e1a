from __future__ import annotations

import numpy as np
import pytest

from lstm_bench.check import tasks as contracts
from lstm_bench.errors import BenchError
from lstm_bench.tasks import Batch, Task, create, generator

FOUR = create("associative_recall", dict(create("associative_recall").presets["four"]))
FEW = create("associative_recall", {"pairs": 3, "queries": 2, "keys": 3, "values": 2})


def draw(task: Task, T: int, size: int = 300) -> Batch:
    return task.sample(generator("test", task, T), size, T)


@pytest.mark.parametrize("task", [FOUR, FEW], ids=["four", "few"])
@pytest.mark.parametrize("T", [1, 2, 15])
def test_each_query_is_answered_by_the_value_that_followed_its_key(task: Task, T: int):
    D, Q, batch = task.pairs, task.queries, draw(task, T)
    assert (batch.inputs.sum(axis=-1) == 1).all()
    for row, target in zip(batch.inputs.argmax(axis=-1).tolist(), batch.targets.tolist()):
        assert len(row) == 2 * D + T + Q
        keys, values = row[0 : 2 * D : 2], row[1 : 2 * D : 2]
        assert len(set(keys)) == D
        assert max(keys) < task.keys <= min(values)
        assert row[2 * D : 2 * D + T] == [task.keys + task.values] * T
        queries = row[2 * D + T :]
        assert len(set(queries)) == Q
        follows = dict(zip(keys, values))
        assert [task.keys + v for v in target[2 * D + T :]] == [follows[q] for q in queries]
    assert batch.target_steps.tolist() == list(range(2 * D + T, 2 * D + T + Q))


def test_any_pair_is_equally_likely_to_be_asked_and_any_value_to_be_the_answer():
    size = 8000
    batch = draw(FOUR, 1, size)
    tokens = batch.inputs.argmax(axis=-1)
    asked = (tokens[:, 0:8:2] == tokens[:, 9, None]).argmax(axis=1)
    shares = np.bincount(asked, minlength=4) / size
    assert np.abs(shares - 1 / 4).max() < 4 * np.sqrt(3 / 16 / size)
    for q in range(9, 13):
        shares = np.bincount(batch.targets[:, q], minlength=8) / size
        assert np.abs(shares - 1 / 8).max() < 4 * np.sqrt(7 / 64 / size)


@pytest.mark.parametrize("k", range(1, 11))
def test_the_window_answers_with_the_shares_among_all_sequences_that_look_the_same(k: int):
    """All 3! * 2^3 * 3! = 288 sequences of three pairs of three keys and two values."""
    batch = draw(FEW, 1, 12_000)
    _, first = np.unique(batch.inputs.reshape(len(batch.inputs), -1), axis=0, return_index=True)
    every = batch.rows(first)
    assert len(every.inputs) == 288
    logits = FEW.window(every, k).astype(float)
    chances = np.exp(logits - logits.max(-1, keepdims=True))
    chances /= chances.sum(-1, keepdims=True)
    for t in every.target_steps:
        seen = every.inputs[:, max(0, t - k + 1) : t + 1].reshape(288, -1)
        _, group = np.unique(seen, axis=0, return_inverse=True)
        for g in range(group.max() + 1):
            alike = group == g
            shares = np.bincount(every.targets[alike, t], minlength=2) / alike.sum()
            np.testing.assert_allclose(chances[alike, t], shares[None].repeat(alike.sum(), 0), 1e-5)


def test_the_contracts_hold_with_one_query():
    task = create("associative_recall", {"pairs": 5, "queries": 1, "keys": 8})
    contracts.has_the_documented_shapes(task, 3)
    contracts.simulates_its_floor(task, 3, count=2000)
    contracts.forgets_what_left_its_window(task, 3)
    contracts.opens_its_window_from_floor_to_ceiling(task, 3)


def test_an_option_that_cannot_be_is_named():
    with pytest.raises(BenchError, match="option pairs is 5, but must be at most the option keys"):
        create("associative_recall", {"pairs": 5})
    with pytest.raises(BenchError, match="option queries is 3, but must be at most the option pai"):
        create("associative_recall", {"queries": 3})
    with pytest.raises(BenchError, match="option values is 1"):
        create("associative_recall", {"values": 1})


@pytest.mark.parametrize(
    "options", [{"pairs": 4, "keys": 5, "values": 8}, {"pairs": 2, "queries": 1, "values": 3}]
)
def test_the_plateau_is_the_loss_of_answering_by_the_shares_of_the_values_read(options: dict):
    task = create("associative_recall", options)
    batch = draw(task, 2, 20_000)
    values = batch.inputs[:, 1 : 2 * task.pairs : 2, task.keys : -1]
    shares = np.maximum(values.mean(axis=1, dtype=float), 1e-300)
    logits = np.broadcast_to(np.log(shares)[:, None], (*batch.mask.shape, task.values))
    parts = [batch.rows(slice(i, i + 200)) for i in range(0, 20_000, 200)]
    losses = [task.evaluate_loss(logits[i * 200 : i * 200 + 200], p) for i, p in enumerate(parts)]
    error = np.std(losses, ddof=1) / np.sqrt(len(losses))
    assert abs(np.mean(losses) - task.unbound()) < 4 * error


def test_one_pair_leaves_nothing_to_bind_and_so_no_plateau():
    one = create("associative_recall", {"pairs": 1, "queries": 1})
    assert one.unbound() == 0
    assert one.milestones(5) == {}
    assert 0 < FOUR.milestones(5)["left_plateau_unbound"] < FOUR.unbound()
    assert FOUR.unbound() == pytest.approx(1.14, abs=0.005)  # the page says so
