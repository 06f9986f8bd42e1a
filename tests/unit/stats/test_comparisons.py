from __future__ import annotations

import numpy as np
import pytest

from lstm_bench.stats.comparisons import (
    fewest_to_decide,
    probability_of_improvement,
    sign_flip,
)
from lstm_bench.stats.family import holm, tie_groups

ALPHA, CLAIMS = 0.05, 8


@pytest.mark.parametrize("n", [2, 5, 10])
def test_differences_of_one_sign_have_the_smallest_p_there_is(n: int) -> None:
    assert sign_flip(np.arange(1, n + 1)) == pytest.approx(2 / 2**n)


def test_the_test_is_symmetric_seeded_and_knows_its_threshold() -> None:
    values = np.random.default_rng(0).normal(0.4, 1, 20)
    assert sign_flip(values) == sign_flip(values) == pytest.approx(sign_flip(-values), abs=0.01)
    assert sign_flip([2.0] * 5, threshold=2.0) == 1.0
    assert sign_flip([1.0] * 10, threshold=2.0) == pytest.approx(2 / 1024)
    with pytest.raises(ValueError, match="two differences"):
        sign_flip([1.0])


def test_five_seeds_can_support_nothing_after_holm_over_eight_claims_and_ten_can() -> None:
    best = {n: [sign_flip(np.linspace(1, 2, n))] * CLAIMS for n in (5, 10)}
    assert min(holm(best[5])) > ALPHA
    assert max(holm(best[10])) <= ALPHA
    assert fewest_to_decide(CLAIMS, ALPHA) == 9
    assert 2 / 2**9 * CLAIMS <= ALPHA < 2 / 2**8 * CLAIMS


def test_holm_is_the_step_down_of_the_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.01], claims=8) == pytest.approx([0.08])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    with pytest.raises(ValueError, match="family of 1"):
        holm([0.1, 0.2], claims=1)


def test_the_chance_of_any_false_verdict_is_below_alpha() -> None:
    rng = np.random.default_rng(5)
    simulations, wrong = 120, 0
    for _ in range(simulations):
        n = 10
        first = [rng.normal(0, 1, n) for _ in range(3)]
        first += [rng.lognormal(0, 1, n) - rng.lognormal(0, 1, n) for _ in range(3)]
        first += [(rng.binomial(4, 0.7, n) - rng.binomial(4, 0.7, n)) / 4 for _ in range(2)]
        wrong += min(holm([sign_flip(each) for each in first])) <= ALPHA
    assert wrong / simulations <= ALPHA + 2 * np.sqrt(ALPHA * (1 - ALPHA) / simulations)


def test_the_probability_of_improvement_counts_ties_half_and_tasks_alike() -> None:
    better, low, high = probability_of_improvement([[2, 2], [1, 1]], [[1, 1], [1, 1]])
    assert better == pytest.approx(0.75)
    assert low <= better <= high


def test_cells_that_cannot_be_told_apart_share_a_group() -> None:
    rng = np.random.default_rng(6)
    base = rng.normal(0, 0.1, 12)
    values = {
        "c": base,
        "a": base + 2 + rng.normal(0, 0.01, 12),
        "b": base + 2 + rng.normal(0, 0.01, 12),
    }
    groups = tie_groups(values)
    assert [sorted(group) for group in groups] == [["a", "b"], ["c"]]
    few = tie_groups({name: each[:3] for name, each in values.items()})
    assert [sorted(group) for group in few] == [["a", "b", "c"]]
