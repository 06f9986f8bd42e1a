from __future__ import annotations

import numpy as np
import pytest

from lstm_bench.tasks import Batch, Task, create, generator

SMALL = create("copy")
PAPER = create("copy", {"length": 10, "symbols": 8})
PUBLISHED_FLOORS = {  # 10 ln 8 / (T + 20), to four places
    50: 0.2971,
    100: 0.1733,
    200: 0.0945,
    300: 0.0650,
    500: 0.0400,
    1000: 0.0204,
    2000: 0.0103,
}


def draw(task: Task, T: int, size: int = 200) -> Batch:
    return task.sample(generator("test", task, T), size, T)


def one_hot(classes: np.ndarray, task: Task) -> np.ndarray:
    return np.eye(task.outputs)[classes]


@pytest.mark.parametrize("task", [SMALL, PAPER], ids=["small", "paper"])
@pytest.mark.parametrize("T", [1, 2, 7, 30])
def test_the_string_stands_first_the_delimiter_before_the_recall_and_the_target_last(
    task: Task, T: int
):
    K, blank, delimiter = task.length, task.symbols, task.symbols + 1
    batch = draw(task, T)
    tokens = batch.inputs.argmax(axis=-1)
    assert (batch.inputs.sum(axis=-1) == 1).all()
    assert tokens.shape[1] == T + 2 * K
    for row, target in zip(tokens.tolist(), batch.targets.tolist()):
        string = row[:K]
        assert all(0 <= symbol < task.symbols for symbol in string)
        assert row[K:] == [blank] * (T - 1) + [delimiter] + [blank] * K
        assert target == [blank] * (T + K) + string


def test_every_symbol_is_equally_likely_at_every_place():
    size = 8000
    tokens = draw(SMALL, 3, size).targets[:, -SMALL.length :]
    p = 1 / SMALL.symbols
    for symbol in range(SMALL.symbols):
        shares = (tokens == symbol).mean(axis=0)
        assert np.abs(shares - p).max() < 4 * np.sqrt(p * (1 - p) / size)


@pytest.mark.parametrize("T", PUBLISHED_FLOORS)
def test_the_floor_of_the_paper_preset_is_the_published_one(T: int):
    assert PAPER == create("copy", dict(PAPER.presets["arjovsky2016"]))
    assert PAPER.chance_loss(T) == pytest.approx(PUBLISHED_FLOORS[T], abs=5e-5)


def test_the_loss_is_taken_at_every_step():
    batch = draw(PAPER, 100, 4)
    assert batch.mask.all()
    assert len(batch.target_steps) == 120


def test_a_network_that_always_writes_blanks_scores_nothing():
    batch = draw(PAPER, 100)
    blanks = one_hot(np.full_like(batch.targets, PAPER.symbols), PAPER)
    right_steps = (blanks.argmax(-1) == batch.targets).mean()
    assert right_steps > 0.9
    assert PAPER.score(blanks, batch) == 0


def test_only_the_recalled_symbols_count():
    batch = draw(SMALL, 9)
    outputs = one_hot(batch.targets, SMALL)
    noisy = outputs.copy()
    noisy[:, : -SMALL.length] = np.random.default_rng(0).random(noisy[:, : -SMALL.length].shape)
    assert SMALL.score(noisy, batch) == 1
    outputs[:50, -1] = 0
    outputs[:50, -1, SMALL.symbols] = 1
    wrong = 50 / (len(outputs) * SMALL.length)
    assert SMALL.score(outputs, batch) == pytest.approx(1 - wrong)


def test_a_uniform_guess_of_the_recall_scores_chance():
    batch = draw(PAPER, 5, 2000)
    guesses = np.random.default_rng(1).integers(0, PAPER.symbols, batch.targets.shape)
    count, p = 2000 * PAPER.length, 1 / PAPER.symbols
    score = PAPER.score(one_hot(guesses, PAPER), batch)
    assert abs(score - p) < 4 * np.sqrt(p * (1 - p) / count)


@pytest.mark.parametrize("T", [1, 9])
def test_a_window_helps_only_when_it_spans_the_whole_delay(T: int):
    batch, lag = draw(SMALL, T), T + SMALL.length
    for k, loss in ((1, SMALL.chance_loss(T)), (lag, SMALL.chance_loss(T)), (lag + 1, 0)):
        assert SMALL.evaluate_loss(SMALL.window(batch, k), batch) == pytest.approx(loss)
