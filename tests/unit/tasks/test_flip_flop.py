from __future__ import annotations

import numpy as np
import pytest

from lstm_bench.check import tasks as contracts
from lstm_bench.errors import BenchError
from lstm_bench.tasks import Batch, Task, create, generator

LATCH = create("flip_flop")
TOLD = create("flip_flop", {"variant": "instructions", "bits": 2})
PAPER = create("flip_flop", dict(LATCH.presets["liu2023"]))


def draw(task: Task, T: int, size: int = 200) -> Batch:
    return task.sample(generator("test", task, T), size, T)


@pytest.mark.parametrize("T", [2, 3, 20])
def test_a_bit_is_the_sign_of_its_last_pulse(T: int):
    batch = draw(LATCH, T)
    assert set(np.unique(batch.inputs)) <= {-1, 0, 1}
    assert (batch.inputs[:, 0] != 0).all()
    assert batch.mask.all()
    for b in range(200):
        for channel in range(3):
            held = None
            for t in range(T):
                pulse = batch.inputs[b, t, channel]
                held = pulse if pulse else held
                assert batch.targets[b, t, channel] == (held > 0)


@pytest.mark.parametrize("task", [TOLD, PAPER], ids=["two bits", "paper"])
@pytest.mark.parametrize("T", [2, 3, 20])
def test_a_read_asks_for_the_data_of_the_last_write(task: Task, T: int):
    batch = draw(task, T)
    assert (batch.inputs[..., :3].sum(axis=-1) == 1).all()
    told, data = batch.inputs[..., :3].argmax(axis=-1), batch.inputs[..., 3:]
    assert (told[:, 0] == 0).all()
    assert (told[:, -1] == 1).all()
    np.testing.assert_array_equal(batch.mask, told == 1)
    assert ((data == 0).all(axis=-1) == (told == 1)).all()
    assert (np.abs(data[told != 1]) == 1).all()
    for b in range(200):
        for t in range(T):
            if told[b, t] == 0:
                held = data[b, t]
            elif told[b, t] == 1:
                np.testing.assert_array_equal(batch.targets[b, t], held > 0)


def test_writes_are_as_rare_as_hold_says_and_the_paper_ignores_four_in_five():
    size, T = 300, 102
    told = draw(PAPER, T, size).inputs[:, 1:-1, :3].reshape(-1, 3)
    for share, p in zip(told.mean(axis=0), (0.1, 0.1, 0.8)):
        assert abs(share - p) < 4 * np.sqrt(p * (1 - p) / len(told))
    for task, p in ((LATCH, 2 / T), (create("flip_flop", {"hold": 4.0}), 1 / 4)):
        pulses = (draw(task, T, size).inputs[:, 1:] != 0).ravel()
        assert abs(pulses.mean() - p) < 4 * np.sqrt(p * (1 - p) / len(pulses))


def test_what_is_ignored_is_as_random_as_what_is_written():
    batch = draw(TOLD, 40, 500)
    ignored = batch.inputs[batch.inputs[..., 2] > 0][:, 3:]
    assert abs(ignored.mean()) < 4 / np.sqrt(ignored.size)


@pytest.mark.parametrize("task", [LATCH, TOLD, PAPER], ids=["latch", "told", "paper"])
def test_the_contracts_hold_for_every_variant(task: Task):
    contracts.asks_where_it_says(task, 9)
    contracts.simulates_its_floor(task, 9, count=2000)
    contracts.is_beaten_by_no_clock(task, 9, count=2000)
    contracts.forgets_what_left_its_window(task, 9)
    contracts.opens_its_window_from_floor_to_ceiling(task, 9)
    contracts.scores_what_is_asked_alone(task, 9)


@pytest.mark.parametrize("k", [1, 4])
def test_the_window_knows_the_bits_written_in_sight(k: int):
    batch = draw(LATCH, 15, 50)
    logits = LATCH.window(batch, k)
    for t in range(15):
        seen = (batch.inputs[:, max(0, t - k + 1) : t + 1] != 0).any(axis=1)
        np.testing.assert_array_equal(logits[:, t] != 0, seen)
        right = (logits[:, t] > 0) == (batch.targets[:, t] > 0)
        assert right[seen].all()


def test_an_option_that_cannot_be_is_named():
    with pytest.raises(BenchError, match="'flip_flop': option bits is 0"):
        create("flip_flop", {"bits": 0})
    for hold in (1.5, -1.0):
        with pytest.raises(BenchError, match=f"option hold is {hold}, but must be 0 or at least 2"):
            create("flip_flop", {"hold": hold})
    with pytest.raises(BenchError, match="must be one of set_reset, instructions"):
        create("flip_flop", {"variant": "ignore"})
