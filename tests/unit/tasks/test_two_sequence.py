from __future__ import annotations

import numpy as np
import pytest
from scipy import integrate, stats

from lstm_bench.errors import BenchError
from lstm_bench.tasks import Batch, Task, create, generator

CLEAN = create("two_sequence")
SIGNAL = create("two_sequence", {"signal_noise": True})
SIGNAL_1 = create("two_sequence", {"signal_noise": True, "informative": 1})
TARGET = create("two_sequence", {"target_noise": True, "informative": 1})


def draw(task: Task, T: int, size: int = 2000) -> Batch:
    return task.sample(generator("test", task, T), size, T)


def ends(batch: Batch, values: np.ndarray) -> np.ndarray:
    return values[np.arange(len(values)), batch.mask.argmax(axis=1), 0].astype(float)


@pytest.mark.parametrize(("task", "N"), [(CLEAN, 3), (TARGET, 1)], ids=["N=3", "N=1"])
def test_the_first_elements_tell_the_class_and_the_rest_is_noise(task: Task, N: int):
    batch = draw(task, 30)
    x = batch.inputs[..., 0].astype(float)
    assert set(np.unique(x[:, :N])) == {-1, 1}
    assert (x[:, :N] == x[:, :1]).all()
    noise = x[:, N:30].ravel()
    assert abs(noise.mean()) < 4 * np.sqrt(0.2 / len(noise))
    assert abs(noise.var() - 0.2) < 4 * 0.2 * np.sqrt(2 / len(noise))
    assert abs(x[:, 0].mean()) < 4 / np.sqrt(2000)
    truth = batch.targets if batch.clean is None else batch.clean
    high, low = (0.2, 0.8) if task is TARGET else (1, 0)
    assert np.allclose(ends(batch, truth), np.where(x[:, 0] > 0, high, low))


def test_signal_noise_has_variance_a_fifth_about_the_class():
    batch = draw(SIGNAL, 20, 8000)
    offset = batch.inputs[:, :3, 0] - (2 * ends(batch, batch.targets) - 1)[:, None]
    assert abs(offset.mean()) < 4 * np.sqrt(0.2 / offset.size)
    assert abs(offset.var() - 0.2) < 4 * 0.2 * np.sqrt(2 / offset.size)


def test_target_noise_has_variance_a_tenth_about_the_clean_target():
    batch = draw(TARGET, 20, 8000)
    assert batch.clean is not None
    noise = ends(batch, batch.targets) - ends(batch, batch.clean)
    assert abs(noise.mean()) < 4 * np.sqrt(0.1 / 8000)
    assert abs(noise.var() - 0.1) < 4 * 0.1 * np.sqrt(2 / 8000)
    assert CLEAN.sample(np.random.default_rng(0), 2, 20).clean is None


@pytest.mark.parametrize("N", [1, 3])
def test_the_ceiling_under_signal_noise_is_bayes_error_by_another_integral(N: int):
    """p (1 - p) integrated over the mixture of both classes instead of over one of them."""
    up, down = (stats.norm(s * N, np.sqrt(0.2 * N)) for s in (1, -1))

    def doubt(S: float) -> float:
        return up.pdf(S) * down.pdf(S) / (up.pdf(S) + down.pdf(S)) / 2

    expected, _ = integrate.quad(doubt, -15, 15, points=[0], epsabs=1e-13, limit=400)
    task = create("two_sequence", {"signal_noise": True, "informative": N})
    assert task.optimal_loss(20) == pytest.approx(expected, rel=1e-7)


def test_the_ceiling_under_signal_noise_is_what_the_best_answer_costs():
    batch = draw(SIGNAL_1, 12, 100_000)
    each = (ends(batch, SIGNAL_1.perfect(batch)) - ends(batch, batch.targets)) ** 2
    assert abs(each.mean() - SIGNAL_1.optimal_loss(12)) < 4 * each.std() / np.sqrt(len(each))


def test_the_best_answer_under_signal_noise_at_one_element_is_right_in_973_of_1000():
    batch = draw(SIGNAL_1, 12, 40_000)
    share = SIGNAL_1.score(SIGNAL_1.perfect(batch), batch)
    expected = stats.norm.cdf((1 - 0.1 * np.log(4)) / np.sqrt(0.2))
    assert expected == pytest.approx(0.973, abs=5e-4)
    assert abs(share - expected) < 4 * np.sqrt(expected * (1 - expected) / 40_000)
    assert expected > SIGNAL_1.solved_score


@pytest.mark.parametrize(("task", "tolerance"), [(CLEAN, 0.2), (SIGNAL, 0.2), (TARGET, 0.1)])
def test_right_is_measured_from_the_target_without_noise(task: Task, tolerance: float):
    batch = draw(task, 20)
    truth = batch.targets if batch.clean is None else batch.clean
    assert task.score(truth + (tolerance - 0.01), batch) == 1
    assert task.score(truth + (tolerance + 0.01), batch) == 0


def test_floors_of_the_three_forms():
    assert CLEAN.chance_loss(20) == SIGNAL.chance_loss(20) == 0.25
    assert TARGET.chance_loss(20) == pytest.approx(0.09 + 0.1)
    assert TARGET.optimal_loss(20) == pytest.approx(0.1)


def test_a_window_that_misses_the_first_elements_knows_nothing():
    batch = draw(CLEAN, 20, 200)
    assert np.array_equal(CLEAN.window(batch, 15)[:, 19], np.full((200, 1), 0.5))
    one_seen = CLEAN.window(batch, 18)[:, 19]
    assert np.array_equal(one_seen[:, 0], batch.inputs[:, 0, 0] > 0)


@pytest.mark.parametrize("N", [0, 11])
def test_a_number_of_informative_elements_that_cannot_be_is_refused(N: int):
    with pytest.raises(BenchError, match=f"informative is {N}, but must be from 1 to 10"):
        create("two_sequence", {"informative": N})
