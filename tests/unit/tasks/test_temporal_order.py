from __future__ import annotations

import numpy as np
import pytest

from lstm_bench.tasks import Batch, create, generator

ORDER = create("temporal_order")
CLASSES = {"XX": 0, "XY": 1, "YX": 2, "YY": 3}


def draw(T: int, size: int = 400) -> Batch:
    return ORDER.sample(generator("test", ORDER, T), size, T)


def relevant_places(T: int, size: int = 400) -> np.ndarray:
    marked = draw(T, size).inputs[..., :2].any(axis=-1)
    assert (marked.sum(axis=1) == 2).all()
    return np.argwhere(marked)[:, 1].reshape(-1, 2)


@pytest.mark.parametrize("T", [10, 11, 15, 19, 40, 100])
def test_the_class_is_which_symbols_stand_in_which_order(T: int):
    batch = draw(T)
    for tokens, target in zip(batch.inputs.argmax(axis=-1), batch.targets):
        word = "".join("XY"[token] for token in tokens if token < 2)
        assert CLASSES[word] == target[-1]
        assert not target[:-1].any()
    assert (batch.inputs.sum(axis=-1) == 1).all()


@pytest.mark.parametrize("T", [10, 20, 40, 100])
def test_the_symbols_fill_the_second_and_the_sixth_tenth_and_nothing_else(T: int):
    first, second = relevant_places(T, 4000).T
    tenth = T // 10
    assert set(first) == set(range(tenth, 2 * tenth))
    assert set(second) == set(range(5 * tenth, 6 * tenth))


@pytest.mark.parametrize("T", [11, 15, 19, 37])
def test_places_stay_in_order_and_in_range_where_10_does_not_divide_the_length(T: int):
    first, second = relevant_places(T).T
    assert first.min() >= T // 10
    assert first.max() < T / 5
    assert second.min() >= T // 2
    assert second.max() < 3 * T / 5


def test_the_four_classes_are_balanced():
    size = 8000
    shares = np.bincount(draw(20, size).targets[:, -1], minlength=4) / size
    assert np.abs(shares - 1 / 4).max() < 4 * np.sqrt(3 / 16 / size)


def test_distractors_are_balanced_and_do_not_tell_the_class():
    batch = draw(20, 4000)
    for c in range(4):
        tokens = batch.inputs[batch.targets[:, -1] == c].sum(axis=(0, 1))[2:]
        shares, count = tokens / tokens.sum(), tokens.sum()
        assert np.abs(shares - 1 / 4).max() < 4 * np.sqrt(3 / 16 / count)


def test_the_floor_is_the_entropy_of_four_classes_and_chance_is_a_quarter():
    assert ORDER.chance_loss(50) == pytest.approx(np.log(4), rel=1e-15)
    size = 8000
    batch = draw(20, size).at([19])
    constant = np.broadcast_to(np.eye(4)[2], (size, 1, 4))
    assert abs(ORDER.score(constant, batch) - 1 / 4) < 4 * np.sqrt(3 / 16 / size)


def test_the_question_is_asked_once_at_the_end():
    assert draw(30).target_steps.tolist() == [29]
