from __future__ import annotations

import numpy as np
import pytest

from lstm_bench.errors import BenchError
from lstm_bench.tasks import Batch, Task, create, generator

SMALL = create("copy_variable")
PAPER = create("copy_variable", {"length": 10, "symbols": 8})


def draw(task: Task, T: int, size: int = 300) -> Batch:
    return task.sample(generator("test", task, T), size, T)


@pytest.mark.parametrize("task", [SMALL, PAPER], ids=["small", "paper"])
@pytest.mark.parametrize("T", [1, 2, 7, 30])
def test_the_delimiter_comes_after_the_string_and_a_gap_and_the_recall_after_the_delimiter(
    task: Task, T: int
):
    K, blank, delimiter = task.length, task.symbols, task.symbols + 1
    batch = draw(task, T)
    for row, target in zip(batch.inputs.argmax(axis=-1).tolist(), batch.targets.tolist()):
        assert len(row) == T + 2 * K
        d = row.index(delimiter) - K + 1
        assert 1 <= d <= T
        string = row[:K]
        assert all(0 <= symbol < task.symbols for symbol in string)
        rest = [blank] * (T - d)
        assert row[K:] == [blank] * (d - 1) + [delimiter] + [blank] * K + rest
        assert target == [blank] * (K + d) + string + rest


def test_every_gap_is_equally_likely():
    size, T = 9000, 6
    gaps = draw(SMALL, T, size).inputs[..., SMALL.symbols + 1].argmax(axis=1) - SMALL.length + 1
    shares = np.bincount(gaps, minlength=T + 1)[1:] / size
    assert np.abs(shares - 1 / T).max() < 4 * np.sqrt(1 / T * (1 - 1 / T) / size)


@pytest.mark.parametrize("T", [1, 2, 5, 40])
@pytest.mark.parametrize("task", [SMALL, PAPER], ids=["small", "paper"])
def test_the_floor_is_that_of_counting_the_gaps_one_by_one(task: Task, T: int):
    K, S, L = task.length, task.symbols, T + 2 * task.length
    total = 0.0
    for t in range(L):
        writing = sum(K + d <= t < 2 * K + d for d in range(1, T + 1))
        for chance, ways in ((1 - writing / T, 1), (writing / T / S, S)):
            total -= ways * chance * np.log(chance) if chance > 0 else 0
    assert task.chance_loss(T) == pytest.approx(total / L, rel=1e-12)


def test_with_one_gap_it_is_the_copy_problem():
    copy = create("copy", {"length": 3, "symbols": 4})
    assert SMALL.chance_loss(1) == pytest.approx(copy.chance_loss(1), rel=1e-12)
    batch = draw(SMALL, 1)
    np.testing.assert_array_equal(batch.targets[:, 4:7], batch.inputs.argmax(-1)[:, :3])
    assert (batch.targets[:, :4] == SMALL.symbols).all()


def test_blanks_for_ever_score_nothing_and_blanks_are_not_scored():
    batch = draw(PAPER, 20)
    blanks = np.eye(PAPER.outputs)[np.full_like(batch.targets, PAPER.symbols)]
    assert PAPER.score(blanks, batch) == 0
    outputs = np.eye(PAPER.outputs)[batch.targets]
    outputs[batch.targets == PAPER.symbols] = np.eye(PAPER.outputs)[0]
    assert PAPER.score(outputs, batch) == 1


@pytest.mark.parametrize("k", [1, 2, 3, 4, 6, 9])
def test_the_window_answers_with_the_shares_among_all_sequences_that_look_the_same(k: int):
    """All 2^2 * 5 sequences of K = 2, S = 2, T = 5 are drawn, so that shares can be counted."""
    task = create("copy_variable", {"length": 2, "symbols": 2})
    batch = draw(task, 5, 6000)
    _, first = np.unique(batch.inputs.reshape(6000, -1), axis=0, return_index=True)
    every = batch.rows(first)
    assert len(every.inputs) == 20
    logits = task.window(every, k).astype(float)
    chances = np.exp(logits - logits.max(-1, keepdims=True))
    chances /= chances.sum(-1, keepdims=True)
    for t in range(task.steps(5)):
        seen = every.inputs[:, max(0, t - k + 1) : t + 1]
        for b in range(20):
            alike = (seen == seen[b]).all(axis=(1, 2))
            shares = np.bincount(every.targets[alike, t], minlength=3) / alike.sum()
            np.testing.assert_allclose(chances[b, t], shares, atol=1e-6)


@pytest.mark.parametrize("options", [{"length": 0}, {"symbols": 1}])
def test_an_option_that_cannot_be_is_named(options: dict):
    (option,) = options
    with pytest.raises(BenchError, match=f"'copy_variable': option {option} is"):
        create("copy_variable", options)
