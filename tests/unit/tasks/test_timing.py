from __future__ import annotations

from itertools import pairwise, product

import numpy as np
import pytest

from lstm_bench.check import tasks as contracts
from lstm_bench.errors import BenchError
from lstm_bench.tasks import Batch, Task, create, generator

OPTIONS = [{}, {"intervals": 1}, {"intervals": 4, "choices": 3}]
MEASURE = [create("timing", options) for options in OPTIONS]
GENERATE = [create("timing", {"variant": "generate", **options}) for options in OPTIONS]
LENGTHS = [3, 4, 12]


def draw(task: Task, T: int, size: int = 200) -> Batch:
    return task.sample(generator("test", task, T), size, T)


def trains(task: Task, T: int) -> list[tuple[list[int], tuple[int, ...]]]:
    """Every start and choice of delays: the times of the spikes, and the delays."""
    found = []
    for start in range(T):
        for delays in product(range(task.choices), repeat=task.intervals):
            times = [start]
            for delay in delays:
                times.append(times[-1] + T + delay)
            found.append((times, delays))
    return found


@pytest.mark.parametrize("T", LENGTHS)
@pytest.mark.parametrize("task", MEASURE)
def test_to_measure_is_to_name_the_delay_at_each_spike_but_the_first(task: Task, T: int):
    batch, seen = draw(task, T, 3000), set()
    for b in range(3000):
        times = np.flatnonzero(batch.inputs[b, :, 0]).tolist()
        delays = [later - earlier - T for earlier, later in pairwise(times)]
        assert len(delays) == task.intervals
        assert 0 <= times[0] < T
        assert all(0 <= delay < task.choices for delay in delays)
        assert np.flatnonzero(batch.mask[b]).tolist() == times[1:]
        assert batch.targets[b, times[1:]].tolist() == delays
        seen.add((times[0], *delays))
    every = T * task.choices**task.intervals
    assert len(seen) == every or every > 300
    assert batch.inputs.shape[1] == T - 1 + task.intervals * (T + task.choices - 1) + 1


@pytest.mark.parametrize("T", LENGTHS)
@pytest.mark.parametrize("task", GENERATE)
def test_to_generate_is_to_spike_when_the_delay_named_after_the_last_spike_is_over(
    task: Task, T: int
):
    batch = draw(task, T)
    assert batch.mask.all()
    for b in range(200):
        told, delays = np.nonzero(batch.inputs[b])
        assert len(told) == task.intervals
        times = [told[0] - 1]
        for step, delay in zip(told.tolist(), delays.tolist()):
            assert step == times[-1] + 1
            times.append(times[-1] + T + delay)
        assert 0 <= times[0] < T
        assert np.flatnonzero(batch.targets[b]).tolist() == times[1:]


@pytest.mark.parametrize("T", LENGTHS)
@pytest.mark.parametrize("task", MEASURE)
def test_the_floor_to_measure_is_that_of_all_trains_of_spikes(task: Task, T: int):
    counts = np.zeros((task.steps(T), task.choices))
    for times, delays in trains(task, T):
        for time, delay in zip(times[1:], delays):
            counts[time, delay] += 1
    asked = counts[counts.sum(axis=1) > 0]
    shares = asked / asked.sum(axis=1, keepdims=True)
    surprise = -(asked * np.log(np.where(shares > 0, shares, 1))).sum()
    assert task.chance_loss(T) == pytest.approx(surprise / counts.sum(), rel=1e-12)
    assert task.chance_loss(T) < np.log(task.choices)


@pytest.mark.parametrize("T", LENGTHS)
@pytest.mark.parametrize("task", GENERATE)
def test_the_floor_to_generate_is_that_of_all_trains_of_spikes(task: Task, T: int):
    every = trains(task, T)
    counts = np.zeros(task.steps(T))
    for times, _ in every:
        counts[times[1:]] += 1
    q = counts / len(every)
    surprise = -sum(p * np.log(p) for share in q for p in (share, 1 - share) if p > 0)
    assert task.chance_loss(T) == pytest.approx(surprise / len(q), rel=1e-12)


@pytest.mark.parametrize("task", [*MEASURE, *GENERATE])
def test_the_contracts_hold_for_every_option(task: Task):
    contracts.asks_where_it_says(task, 5)
    contracts.simulates_its_floor(task, 5, count=4000)
    contracts.is_beaten_by_no_clock(task, 5, count=4000)
    contracts.forgets_what_left_its_window(task, 5)
    contracts.opens_its_window_from_floor_to_ceiling(task, 5)
    contracts.scores_what_is_asked_alone(task, 5)


@pytest.mark.parametrize("k", [1, 3, 4, 5, 6, 7])
def test_the_window_answers_with_the_shares_among_all_trains_that_look_the_same(k: int):
    task, T = create("timing", {"intervals": 2, "choices": 3}), 4
    every, L = trains(task, T), task.steps(T)
    inputs = np.zeros((len(every), L, 1), np.float32)
    targets, mask = np.zeros((len(every), L), np.int64), np.zeros((len(every), L), np.float32)
    for row, (times, delays) in enumerate(every):
        inputs[row, times] = 1
        targets[row, times[1:]] = delays
        mask[row, times[1:]] = 1
    logits = task.window(Batch(inputs, targets, mask), k).astype(float)
    chances = np.exp(logits - logits.max(-1, keepdims=True))
    chances /= chances.sum(-1, keepdims=True)
    for row, t in np.argwhere(mask):
        seen = inputs[:, max(0, t - k + 1) : t + 1]
        alike = (seen == seen[row]).all(axis=(1, 2)) & (mask[:, t] > 0)
        shares = np.bincount(targets[alike, t], minlength=3) / alike.sum()
        np.testing.assert_allclose(chances[row, t], shares, atol=1e-6)


def test_a_spike_too_late_or_one_too_many_spoils_its_interval_alone():
    task = create("timing", {"variant": "generate", "intervals": 2})
    batch = draw(task, 6, 10)
    outputs = np.eye(2)[batch.targets]
    assert task.score(outputs, batch) == 1
    second = [np.flatnonzero(row)[1] for row in batch.targets]
    for row in range(4):
        outputs[row, second[row]] = [1, 0]
    assert task.score(outputs, batch) == pytest.approx(1 - 4 / 20)
    for row in range(4, 6):
        outputs[row, second[row] - 2] = [0, 1]
    assert task.score(outputs, batch) == pytest.approx(1 - 6 / 20)
    silent = np.broadcast_to(np.eye(2)[0], outputs.shape)
    assert task.score(silent, batch) == 0


def test_intervals_that_cannot_be_told_apart_are_refused():
    with pytest.raises(BenchError, match="T=4 is too short for task 'timing' with choices=5"):
        create("timing", {"choices": 5}).require(4)
    create("timing", {"choices": 5}).require(5)
    with pytest.raises(BenchError, match="option variant is 'msd', but must be one of measure"):
        create("timing", {"variant": "msd"})
    with pytest.raises(BenchError, match="option choices is 1"):
        create("timing", {"choices": 1})
