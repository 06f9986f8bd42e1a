from __future__ import annotations

import numpy as np
import pytest

from lstm_bench.tasks import Batch, create, generator

ADDING = create("adding")
PUBLISHED = {"no number": 1 / 6, "one number": 1 / 12}


def draw(T: int, size: int = 4000) -> Batch:
    return ADDING.sample(generator("test", ADDING, T), size, T)


def squared_errors(guesses: np.ndarray, batch: Batch) -> np.ndarray:
    return (guesses - batch.targets[:, -1, 0].astype(np.float64)) ** 2


@pytest.mark.parametrize("T", [2, 3, 4, 9, 40, 41])
def test_one_mark_stands_in_each_half_and_the_target_is_the_sum_of_the_marked_values(T: int):
    batch = draw(T, 300)
    for inputs, targets in zip(batch.inputs, batch.targets):
        values, marks = inputs.T
        places = [t for t in range(T) if marks[t] == 1]
        assert sum(marks) == 2
        assert places[0] < T // 2 <= places[1]
        assert targets[-1, 0] == values[places[0]] + values[places[1]]
        assert not targets[:-1].any()


def test_marks_reach_the_first_and_the_last_place_of_each_half():
    first, second = np.split(np.argwhere(draw(10).inputs[..., 1] == 1)[:, 1].reshape(-1, 2), 2, 1)
    assert set(first.ravel()) == set(range(5))
    assert set(second.ravel()) == set(range(5, 10))


def test_values_are_uniform_between_0_and_1():
    values = draw(20).inputs[..., 0].astype(np.float64)
    assert values.min() >= 0
    assert values.max() < 1
    error = np.sqrt(1 / 12 / values.size)
    assert abs(values.mean() - 1 / 2) < 4 * error
    assert abs(values.var() - 1 / 12) < 4 * np.sqrt(1 / 180 / values.size)


@pytest.mark.parametrize("known", [0, 1], ids=["first number known", "second number known"])
def test_knowing_one_number_leaves_a_twelfth(known: int):
    batch = draw(20, 40_000)
    rows, places = np.nonzero(batch.inputs[..., 1])
    numbers = batch.inputs[rows, places, 0].reshape(-1, 2).astype(np.float64)
    errors = squared_errors(numbers[:, known] + 1 / 2, batch)
    standard_error = errors.std() / np.sqrt(len(errors))
    assert abs(errors.mean() - PUBLISHED["one number"]) < 4 * standard_error


def test_knowing_nothing_leaves_a_sixth_and_not_the_misprint():
    errors = squared_errors(np.ones(40_000), draw(20, 40_000))
    standard_error = errors.std() / np.sqrt(len(errors))
    assert abs(errors.mean() - PUBLISHED["no number"]) < 4 * standard_error
    assert abs(errors.mean() - 0.1767) > 4 * standard_error
    assert ADDING.chance_loss(20) == PUBLISHED["no number"]


def test_no_constant_is_better_than_1():
    batch = draw(20, 40_000)
    best = squared_errors(np.ones(1), batch).mean()
    for constant in (0.9, 1.1):
        assert squared_errors(np.full(1, constant), batch).mean() > best


def test_milestones_lie_below_each_plateau_and_above_the_next():
    losses = ADDING.milestones(20)
    assert 1 / 12 < losses["left_plateau_1_6"] < 1 / 6
    assert 0.01 < losses["left_plateau_1_12"] < 1 / 12
    assert losses["mse_below_0_01"] == 0.01


def test_the_score_is_the_share_of_the_variance_about_1_explained_in_the_batch():
    batch = draw(20, 50).at([19])
    targets = batch.targets
    assert ADDING.score(np.ones_like(targets), batch) == 0
    assert ADDING.score(np.full_like(targets, 9), batch) == 0
    halfway = (targets + 1) / 2
    assert ADDING.score(halfway, batch) == pytest.approx(3 / 4, rel=1e-6)


def test_solved_is_a_mean_squared_error_of_a_hundredth():
    batch = draw(20, 20_000).at([19])
    targets = batch.targets
    variance = ((targets.astype(np.float64) - 1) ** 2).mean()
    off = np.sqrt((1 - ADDING.solved_score) * variance)
    assert ADDING.score(targets + 0.99 * off, batch) > ADDING.solved_score
    assert ADDING.score(targets + 1.01 * off, batch) < ADDING.solved_score
    assert off**2 == pytest.approx(0.01, rel=0.05)
