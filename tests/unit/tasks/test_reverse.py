from __future__ import annotations

import numpy as np
import pytest

from lstm_bench.errors import BenchError
from lstm_bench.tasks import Batch, create, generator

REVERSE = create("reverse")


def draw(T: int, size: int = 200) -> Batch:
    return REVERSE.sample(generator("test", REVERSE, T), size, T)


@pytest.mark.parametrize("T", [1, 2, 7, 20])
def test_the_string_is_asked_backwards_while_delimiters_are_shown(T: int):
    batch = draw(T)
    for row, target in zip(batch.inputs.argmax(axis=-1).tolist(), batch.targets.tolist()):
        assert row[T:] == [REVERSE.symbols] * T
        assert target[T:] == list(reversed(row[:T]))
    assert batch.target_steps.tolist() == list(range(T, 2 * T)) == list(REVERSE.target_steps(T))


def test_every_symbol_is_equally_likely_at_every_place():
    size = 8000
    targets = draw(3, size).targets[:, 3:]
    for symbol in range(4):
        shares = (targets == symbol).mean(axis=0)
        assert np.abs(shares - 1 / 4).max() < 4 * np.sqrt(3 / 16 / size)


@pytest.mark.parametrize(("k", "known"), [(1, 0), (2, 1), (3, 1), (4, 2), (9, 4), (10, 5), (99, 5)])
def test_the_window_knows_lags_one_three_five_as_far_as_it_reaches(k: int, known: int):
    batch = draw(5, 50)
    logits = REVERSE.window(batch, k)[:, 5:]
    spread = np.ptp(logits, axis=-1) > 0
    assert (spread == (np.arange(5) < known)).all()
    right = logits.argmax(axis=-1) == batch.targets[:, 5:]
    assert right[:, :known].all()


def test_the_option_that_cannot_be_is_named():
    with pytest.raises(BenchError, match="'reverse': option symbols is 1"):
        create("reverse", {"symbols": 1})
