"""Experiments 4 and 5: they share lengths and marks."""

from __future__ import annotations

import numpy as np
import pytest

from lstm_bench.tasks import Batch, create, generator

ADDING, PRODUCT = create("adding_1997"), create("multiplication")
BOTH = pytest.mark.parametrize("task", [ADDING, PRODUCT], ids=["adding", "product"])


def draw(task, T: int, size: int = 500) -> Batch:
    return task.sample(generator("test", task, T), size, T)


def sequences(batch: Batch):
    """Each sequence without its padding: values, marks, target."""
    for inputs, targets, mask in zip(batch.inputs, batch.targets, batch.mask):
        (last,) = np.flatnonzero(mask)
        assert not inputs[last + 1 :].any()
        assert not np.delete(targets, last).any()
        yield inputs[: last + 1, 0], inputs[: last + 1, 1], targets[last, 0]


@BOTH
@pytest.mark.parametrize("T", [20, 21, 37, 100])
def test_the_marks_and_the_target_are_those_of_the_paper(task, T: int):
    lost = 0
    for values, marks, target in sequences(draw(task, T)):
        assert T <= len(values) <= T + T // 10
        assert marks[0] == marks[-1] == -1
        assert set(marks[1:-1]) <= {0, 1}
        places = np.flatnonzero(marks == 1)
        assert places.max() <= T // 2 - 1
        if len(places) == 1:  # the other mark fell on the first pair
            lost += 1
            x1, x2 = (0 if task is ADDING else 1), values[places[0]]
            assert values[0] == x1
        else:
            assert places.min() < 10
            x1, x2 = values[places]
        expected = 0.5 + (x1 + x2) / 4 if task is ADDING else x1 * x2
        assert target == pytest.approx(expected, abs=1e-6)
    q = 1 / 10 + 9 / 10 / (T // 2 - 1)
    assert abs(lost / 500 - q) < 4 * np.sqrt(q * (1 - q) / 500)


def test_values_are_uniform_on_their_interval():
    for task, low in ((ADDING, -1), (PRODUCT, 0)):
        values = np.concatenate([v[1:] for v, _, _ in sequences(draw(task, 40))]).astype(float)
        assert values.min() >= low
        assert values.max() <= 1
        width = 1 - low
        assert abs(values.mean() - (1 + low) / 2) < 4 * width / np.sqrt(12 * len(values))
        assert abs(values.var() - width**2 / 12) < 4 * width**2 / np.sqrt(180 * len(values))


def test_marks_reach_the_ends_of_their_ranges_and_the_lag_is_half_the_length():
    batch = draw(ADDING, 100, 20_000)
    places = [np.flatnonzero(row == 1) for row in batch.inputs[..., 1]]
    pairs = np.array([p for p in places if len(p) == 2])
    assert pairs.min() == 1
    assert pairs[:, 0].max() == 9
    assert pairs[:, 1].max() == 49  # the 49th pair that is unmarked, the 50th of all
    last = batch.mask.argmax(axis=1)
    assert min(n - p.max() for n, p in zip(last, places)) == 50


@pytest.mark.parametrize("T", [20, 100])
def test_the_floors_are_the_variances_of_the_targets_by_enumeration(T: int):
    """Sum over every pair of places; E and Var of a uniform number are known."""
    first_moment, second_moment = 0.0, 0.0
    variance_of_sum = 0.0
    m = T // 2 - 1
    for first in range(10):
        free = [place for place in range(m + 1) if place != first][:m]
        for second in free:
            p = 1 / 10 / m
            counting = (first != 0) + (second != 0)
            first_moment += p * 0.5**counting
            second_moment += p * (1 / 3) ** counting
            variance_of_sum += p * counting / 3
    assert ADDING.chance_loss(T) == pytest.approx(variance_of_sum / 16)
    assert PRODUCT.chance_loss(T) == pytest.approx(second_moment - first_moment**2)
    assert PRODUCT.memoryless(draw(PRODUCT, T, 2))[0, 0, 0] == pytest.approx(first_moment)


def test_the_floors_at_100_steps_are_below_the_ones_that_forget_the_lost_marks():
    assert ADDING.chance_loss(100) == pytest.approx(0.0392, abs=5e-5)
    assert ADDING.chance_loss(100) < 1 / 24
    assert PRODUCT.chance_loss(100) == pytest.approx(0.0592, abs=5e-5)
    assert PRODUCT.chance_loss(100) > 7 / 144


def test_a_constant_half_is_correct_as_often_as_published_when_no_mark_is_lost():
    """The paper's 1997 scale: 15.4 % of sums of two uniform numbers lie within 0.04 of the mean."""
    batch = draw(ADDING, 20, 40_000)
    both = (batch.inputs[..., 1] == 1).sum(axis=1) == 2
    rows = batch.rows(both)
    p = 1 - (1 - 0.08) ** 2  # a triangular density on [-2, 2], within 0.16
    share = ADDING.score(ADDING.memoryless(rows), rows)
    assert p == pytest.approx(0.154, abs=5e-4)
    assert abs(share - p) < 4 * np.sqrt(p * (1 - p) / both.sum())


@BOTH
def test_an_error_of_four_hundredths_is_where_right_ends(task):
    batch = draw(task, 30)
    assert task.score(batch.targets + 0.039, batch) == 1
    assert task.score(batch.targets - 0.041, batch) == 0
    half = batch.targets + 0.05 * (np.arange(500) < 125)[:, None, None]
    assert task.score(half, batch) == 0.75


@BOTH
def test_a_window_is_right_on_average_whatever_it_sees(task):
    """At n = T = 20 a window of 14 starts at pair 6: it sees none, one or both of the marks."""
    batch, k = draw(task, 20, 20_000), 14
    answer = task.window(batch, k)
    last = batch.mask.argmax(axis=1)
    rows = np.flatnonzero(last == 19)  # the window starts at pair 6
    seen = [np.flatnonzero(m[6:20] == 1) + 6 for m in batch.inputs[rows, :, 1]]
    for count in (0, 1, 2):
        chosen = rows[[len(s) == count for s in seen]]
        errors = batch.targets[chosen, 19, 0].astype(float) - answer[chosen, 19, 0]
        assert len(chosen) > 200
        assert abs(errors.mean()) <= 4 * errors.std() / np.sqrt(len(errors)) + 1e-7
        if count == 2:
            assert np.abs(errors).max() < 1e-6
        else:
            assert errors.std() > 0.1
