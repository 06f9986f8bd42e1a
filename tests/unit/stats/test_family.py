"""Groups in place of ranks: two names share a letter just where they are not told apart."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lstm_bench.stats.family import letters, tie_groups, ties

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
