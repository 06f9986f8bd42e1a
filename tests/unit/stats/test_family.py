"""Groups in place of ranks: two names share a letter just where they are not told apart."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_bench.stats.family import hommel, letters, seeds_to_tell_apart, tie_groups, ties

NAMES = ["a", "b", "c", "d", "e"]
PAIRS = list(combinations(NAMES, 2))


@settings(deadline=None, max_examples=60)
@given(st.sets(st.sampled_from(PAIRS)))
def test_two_names_share_a_letter_just_where_they_are_not_told_apart(apart) -> None:  # type: ignore[no-untyped-def]
    groups = ties(NAMES, apart)
    told = letters(groups)
    for pair in PAIRS:
        assert bool(set(told[pair[0]]) & set(told[pair[1]])) == (pair not in apart)
    assert not any(set(one) < set(other) for one in groups for other in groups)


def test_the_first_letter_is_the_best_ones() -> None:
    assert ties(["x", "y", "z"], [("x", "z")]) == [["x", "y"], ["y", "z"]]
    assert letters(ties(["x", "y", "z"], [("x", "y"), ("x", "z")])) == {
        "x": "a",
        "y": "b",
        "z": "b",
    }
    rng = np.random.default_rng(0)
    values = {
        "low": rng.normal(0, 1, 12),
        "high": rng.normal(9, 1, 12),
        "same": rng.normal(0, 1, 12),
    }
    groups = tie_groups(values)
    assert groups[0] == ["high"]
    assert sorted(groups[1]) == ["low", "same"]


def closed(p: list[float]) -> list[float]:
    """The largest Simes p-value of the sets that hold each hypothesis: what Hommel computes."""
    found = [0.0] * len(p)
    for size in range(1, len(p) + 1):
        for chosen in combinations(range(len(p)), size):
            ordered = sorted(p[i] for i in chosen)
            simes = min(size * value / rank for rank, value in enumerate(ordered, 1))
            for i in chosen:
                found[i] = max(found[i], simes)
    return found


def test_hommel_is_the_closed_test_of_simes() -> None:
    rng = np.random.default_rng(0)
    for size in (1, 2, 3, 5, 7):
        for power in (1, 4):
            p = (rng.random(size) ** power).tolist()
            assert hommel(p) == pytest.approx(closed(p))
    assert hommel([]) == []
    assert hommel([0.01, 0.04, 0.05]) == pytest.approx([0.03, 0.05, 0.05])


def test_so_many_seeds_separate_some_pair_and_one_less_none() -> None:
    need = seeds_to_tell_apart(8)
    assert need == 11
    for n, groups in ((need, 8), (need - 1, 1)):
        apart = {str(name): [float(name)] * n for name in range(8)}
        assert len(tie_groups(apart)) == groups
