from __future__ import annotations

import numpy as np
import pytest

from lstm_bench.errors import BenchError
from lstm_bench.tasks import Batch, Task, create, generator

FREE = create("long_lag", {"variant": "noise_free", "symbols": 12})
NOISY = create("long_lag", {"variant": "noisy", "symbols": 12})
DISTRACTED = create("long_lag", {"variant": "distractors", "symbols": 7})


def draw(task: Task, T: int, size: int = 300) -> Batch:
    return task.sample(generator("test", task, T), size, T)


@pytest.mark.parametrize("T", [2, 5, 12])
def test_noise_free_sequences_are_the_two_of_the_paper(T: int):
    batch = draw(FREE, T)
    tokens, targets = batch.inputs.argmax(-1), batch.targets.argmax(-1)
    middle = list(range(T - 1))
    found = {(*row, target[-1]) for row, target in zip(tokens.tolist(), targets.tolist())}
    assert found == {(x, *middle, x) for x in (11, 12)}
    assert np.array_equal(tokens[:, 1:], targets[:, :-1])
    assert batch.mask.all()


@pytest.mark.parametrize("T", [2, 5, 40])
def test_noisy_sequences_repeat_their_first_symbol_after_random_ones(T: int):
    batch = draw(NOISY, T)
    tokens, targets = batch.inputs.argmax(-1), batch.targets.argmax(-1)
    assert set(tokens[:, 0]) == {11, 12}
    assert np.array_equal(tokens[:, 0], targets[:, -1])
    assert np.array_equal(tokens[:, 1:], targets[:, :-1])
    middle = tokens[:, 1:]
    counts = np.bincount(middle.ravel(), minlength=13)
    assert counts[11:].sum() == 0
    p = 1 / 11
    assert np.abs(counts[:11] / counts.sum() - p).max() < 4 * np.sqrt(p / middle.size)


def test_distractor_sequences_read_b_s_distractors_e_and_are_asked_after_e():
    T, p = 9, 7
    batch = draw(DISTRACTED, T, 4000)
    tails = []
    for inputs, targets, mask in zip(batch.inputs, batch.targets, batch.mask):
        (last,) = np.flatnonzero(mask)
        assert not inputs[last + 1 :].any()
        tokens = inputs[: last + 1].argmax(-1).tolist()
        assert tokens[0] == p + 1
        assert tokens[1] in (p + 2, p + 3)
        assert tokens[-1] == p
        assert all(token < p for token in tokens[2:-1])
        assert targets[last].tolist() == [tokens[1] == p + 2, tokens[1] == p + 3]
        tails.append(len(tokens) - 3 - T)
    assert min(tails) == 0
    k = np.arange(65)
    law = 0.1 * 0.9**k
    law /= law.sum()
    assert law @ k == pytest.approx(8.93, abs=5e-3)
    spread = np.sqrt(law @ k**2 - (law @ k) ** 2)
    assert abs(np.mean(tails) - law @ k) < 4 * spread / np.sqrt(4000)
    assert abs(np.mean(np.array(tails) == 0) - law[0]) < 4 * np.sqrt(0.09 / 4000)


@pytest.mark.parametrize(
    ("task", "tolerance"), [(FREE, 0.25), (NOISY, 0.25), (DISTRACTED, 0.2)], ids=lambda x: str(x)
)
def test_right_means_within_the_tolerance_of_the_paper(task: Task, tolerance: float):
    batch = draw(task, 10)
    at = batch.at(batch.target_steps)
    perfect = task.perfect(batch)[:, batch.target_steps]
    assert task.score(perfect + (tolerance - 0.01), at) == 1
    assert task.score(perfect + (tolerance + 0.01), at) == 0


def test_only_the_noise_free_variant_is_judged_at_every_step():
    for task, expected in ((FREE, 0), (NOISY, 1)):
        batch = draw(task, 10)
        outputs = task.perfect(batch)
        outputs[:, 3] += 5
        assert task.score(outputs, batch) == expected


def test_a_network_that_forgets_the_first_symbol_is_never_right():
    for task in (FREE, NOISY, DISTRACTED):
        batch = draw(task, 10)
        assert task.score(task.memoryless(batch), batch) == 0


def test_knowing_the_first_symbol_is_worth_half_a_squared_error_in_one_step():
    for task, T in ((FREE, 10), (NOISY, 30)):
        gain = task.chance_loss(T) - task.optimal_loss(T)
        assert gain == pytest.approx(1 / 2 / (T * 13))
    assert NOISY.optimal_loss(30) == pytest.approx(29 * (10 / 11) / (30 * 13))


@pytest.mark.parametrize("k", [1, 9, 10, 11])
def test_a_window_shorter_than_the_lag_is_worth_nothing_more_than_the_clock(k: int):
    for task in (FREE, NOISY):
        batch = draw(task, 10)
        best = task.perfect(batch) if k >= 10 else task.memoryless(batch)
        assert np.array_equal(task.window(batch, k)[:, -1], best[:, -1])


def test_lengths_beyond_the_alphabet_are_refused_with_the_reason():
    FREE.require(12)
    with pytest.raises(BenchError, match=r"T=13 .* stands once, so that symbols must be at least"):
        FREE.require(13)
    NOISY.require(13)


def test_options_that_cannot_be_are_refused():
    with pytest.raises(BenchError, match=r"variant is 'quiet', but must be one of noise_free"):
        create("long_lag", {"variant": "quiet"})
    with pytest.raises(BenchError, match="symbols is 2, but must be at least 3"):
        create("long_lag", {"symbols": 2})


def test_the_presets_have_the_sizes_of_the_paper():
    sizes = {
        name: (task.inputs, task.outputs)
        for name, task in (
            (name, create("long_lag", dict(options))) for name, options in FREE.presets.items()
        )
    }
    assert sizes["hochreiter1997_2a"] == sizes["hochreiter1997_2b"] == (101, 101)
    assert sizes["hochreiter1997_2c"] == (54, 2)
