"""The expected best of n trials, against laws whose answer is known."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from lstm_bench.stats.search import expected_best, weights


def test_it_is_the_mean_of_the_maximum_over_all_subsets() -> None:
    values = np.random.default_rng(0).normal(size=7)
    for n in range(1, 8):
        every = np.mean([max(subset) for subset in combinations(values, n)])
        assert expected_best(values, n)[0] == pytest.approx(every)
    assert weights(3, 200).sum() == pytest.approx(1)


def test_it_is_unbiased_for_fresh_trials_and_its_interval_covers_them() -> None:
    """Of uniform values the best of n is n / (n + 1) on average."""
    rng, found = np.random.default_rng(1), []
    for _ in range(150):
        found.append([expected_best(rng.uniform(size=40), n) for n in (1, 5, 10)])
    every = np.array(found)
    for place, n in enumerate((1, 5, 10)):
        truth = n / (n + 1)
        mean, low, high = every[:, place].T
        assert mean.mean() == pytest.approx(truth, abs=3 * mean.std() / np.sqrt(150))
        assert ((low <= truth) & (truth <= high)).mean() >= 0.88


def test_n_beyond_the_trials_is_an_error_and_few_trials_have_no_interval() -> None:
    with pytest.raises(ValueError, match="n = 4"):
        weights(4, 3)
    best, low, _ = expected_best([1.0, 3.0], 1)
    assert best == 2
    assert np.isnan(low)
