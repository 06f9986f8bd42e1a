from __future__ import annotations

import math

import numpy as np

from lstm_bench.stats.ranking import auc


def test_a_perfect_and_a_reversed_order():
    seeds = list(range(6))
    yes = [False, False, False, True, True, True]
    assert auc(seeds, yes, ["a"] * 6, seeds).auc == 1
    assert auc([-s for s in seeds], yes, ["a"] * 6, seeds).auc == 0


def test_ties_count_half_and_groups_are_not_compared():
    found = auc([1, 1, 5, 0], [True, False, True, False], ["a", "a", "b", "b"], range(4))
    assert found.pairs == 2
    assert found.auc == (0.5 + 1) / 2
    apart = auc([1, 0], [True, False], ["a", "b"], [0, 1])
    assert apart.pairs == 0
    assert math.isnan(apart.auc)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """Scores of solvers N(1, 1), of others N(0, 1): the area is Phi(1 / sqrt 2) = 0.760."""
    rng, covered, trials = np.random.default_rng(0), 0, 60
    for _ in range(trials):
        yes = rng.random(60) < 0.5
        found = auc(rng.normal(yes), yes.tolist(), ["a"] * 60, range(60), resamples=200)
        covered += found.low <= 0.760 <= found.high
    assert covered >= 0.85 * trials
