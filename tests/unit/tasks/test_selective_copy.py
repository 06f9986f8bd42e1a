from __future__ import annotations

import numpy as np
import pytest

from lstm_bench.errors import BenchError
from lstm_bench.tasks import Batch, Task, create, generator

SMALL = create("selective_copy")
NOISY = create("selective_copy", {"length": 4, "symbols": 3, "distractors": 5})


def draw(task: Task, T: int, size: int = 300) -> Batch:
    return task.sample(generator("test", task, T), size, T)


@pytest.mark.parametrize("task", [SMALL, NOISY], ids=["blank", "distractors"])
@pytest.mark.parametrize("T", [1, 2, 9, 40])
def test_the_symbols_among_the_noise_are_asked_in_order_at_the_delimiters(task: Task, T: int):
    K, batch = task.length, draw(task, T)
    assert (batch.inputs.sum(axis=-1) == 1).all()
    for row, target in zip(batch.inputs.argmax(axis=-1).tolist(), batch.targets.tolist()):
        assert len(row) == T + 2 * K
        assert row[T + K :] == [task.inputs - 1] * K
        string = [token for token in row[: T + K] if token < task.symbols]
        assert task.inputs - 1 not in row[: T + K]
        assert target[T + K :] == string
    assert batch.target_steps.tolist() == list(range(T + K, T + 2 * K))
    assert batch.mask[:, T + K :].all()


def test_every_set_of_places_is_equally_likely():
    task, size = create("selective_copy", {"length": 2}), 15_000
    tokens = draw(task, 3, size).inputs.argmax(axis=-1)[:, :5]
    places = (tokens < task.symbols) @ (2 ** np.arange(5))
    shares = np.bincount(places, minlength=32) / size
    assert (shares > 0).sum() == 10
    assert np.abs(shares[shares > 0] - 0.1).max() < 4 * np.sqrt(0.09 / size)


def test_every_distractor_and_every_symbol_is_equally_likely():
    tokens = draw(NOISY, 30, 3000).inputs.argmax(axis=-1)[:, :34].ravel()
    for first, last in ((0, 3), (3, 8)):
        kind = tokens[(tokens >= first) & (tokens < last)]
        shares, p = np.bincount(kind - first) / len(kind), 1 / (last - first)
        assert len(shares) == last - first
        assert np.abs(shares - p).max() < 4 * np.sqrt(p * (1 - p) / len(kind))


@pytest.mark.parametrize("k", [1, 3, 5, 8])
def test_the_window_knows_the_symbols_in_sight_and_guesses_the_others(k: int):
    batch = draw(SMALL, 4, 100)
    logits = SMALL.window(batch, k)
    tokens = batch.inputs.argmax(axis=-1)
    for b in range(100):
        places = [t for t in range(7) if tokens[b, t] < SMALL.symbols]
        for j, place in enumerate(places):
            t = 7 + j
            if place > t - k:
                assert logits[b, t].argmax() == tokens[b, place]
                assert np.ptp(logits[b, t]) > 100
            else:
                assert np.ptp(logits[b, t]) == 0


def test_half_the_symbols_score_a_half():
    batch = draw(create("selective_copy", {"length": 2}), 5).at([7, 8])
    outputs = np.eye(4)[batch.targets]
    outputs[:, 1] = np.roll(outputs[:, 1], 1, axis=-1)
    assert SMALL.score(outputs, batch) == 0.5


@pytest.mark.parametrize("options", [{"length": 0}, {"symbols": 1}, {"distractors": -1}])
def test_an_option_that_cannot_be_is_named(options: dict):
    (option,) = options
    with pytest.raises(BenchError, match=f"'selective_copy': option {option} is"):
        create("selective_copy", options)
