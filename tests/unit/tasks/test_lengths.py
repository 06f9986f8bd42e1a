from __future__ import annotations

import numpy as np
import pytest

from lstm_bench.tasks import lengths


@pytest.mark.parametrize("T", [*range(1, 120), 500, 1000, 1009])
def test_the_length_is_read_back_from_the_longest_sequence(T: int):
    assert lengths.shortest(lengths.longest(T)) == T


def test_lengths_are_uniform_from_T_to_a_tenth_more():
    drawn = lengths.draw(np.random.default_rng(0), 11_000, 100)
    counts = np.bincount(drawn, minlength=111)[100:]
    assert len(counts) == 11
    assert counts.sum() == 11_000
    assert np.abs(counts - 1000).max() < 4 * np.sqrt(1000 * 10 / 11)


def test_a_sequence_is_asked_at_its_last_step_and_read_before_it():
    n = np.array([3, 5, 4])
    assert lengths.last_step_mask(n, 5).tolist() == [
        [0, 0, 1, 0, 0],
        [0, 0, 0, 0, 1],
        [0, 0, 0, 1, 0],
    ]
    assert lengths.inside(n, 5).sum(axis=1).tolist() == [3, 5, 4]
    assert lengths.target_steps(20) == (19, 20, 21)
