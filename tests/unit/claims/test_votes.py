"""What each task says of a claim, and what all of them come to: known answers, size and power."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
import pytest

from lstm_bench.claims import votes
from lstm_bench.claims.votes import (
    DEPENDS,
    DOWN,
    FEW,
    NO_ROOM,
    NONE,
    OPEN,
    REFUTED,
    SUPPORTED,
    UP,
    cast,
    count,
    verdict,
)
from lstm_bench.stats.comparisons import sign_flip

ALPHA, CLAIMS, N = 0.05, 10, 12


def tasks(effects: Sequence[float], n: int = N, seed: int = 0) -> dict[str, np.ndarray]:
    """Differences of n seeds on each task, in units of their standard deviation."""
    rng = np.random.default_rng(seed)
    return {f"t{i}": rng.normal(effect, 1, n) for i, effect in enumerate(effects)}


def judged(differences: dict[str, np.ndarray], threshold: float = 0.0) -> str:
    return verdict(cast(differences, threshold, ALPHA, CLAIMS))


@pytest.mark.parametrize(
    ("effects", "said"),
    [
        ([6] * 4, SUPPORTED),
        ([-6] * 4, REFUTED),
        ([6, 6, 6, -6], DEPENDS),
        ([6, -6, 0, 0], DEPENDS),
        ([6, 6, 6, 0], OPEN),
        ([0] * 6, OPEN),
        ([6] * 3, OPEN),  # three tasks are no verdict
    ],
)
def test_all_tasks_one_way_decide_and_both_ways_depend(effects: list[float], said: str) -> None:
    assert judged(tasks(effects)) == said


def test_a_threshold_is_what_a_task_lies_above() -> None:
    assert judged(tasks([6] * 4), threshold=12.0) == REFUTED


def test_a_task_without_a_difference_has_no_vote_and_blocks_nothing() -> None:
    found = tasks([6] * 4) | {"flat": np.zeros(N), "none": np.array([])}
    by_task = {vote.task: vote for vote in cast(found, 0.0, ALPHA, CLAIMS)}
    assert (by_task["flat"].way, by_task["none"].way) == (NO_ROOM, NONE)
    assert by_task["flat"].p is None
    assert judged(found) == SUPPORTED
    assert judged(tasks([6] * 3) | {"flat": np.zeros(N)}) == OPEN


def test_a_task_of_fewer_seeds_than_any_p_value_needs_has_no_vote() -> None:
    eight, nine = (tasks([9], n)["t0"] for n in (8, 9))
    found = cast({**tasks([9] * 4), "eight": eight, "nine": nine}, 0.0, ALPHA, CLAIMS)
    ways = {vote.task: vote.way for vote in found}
    assert (ways["eight"], ways["nine"]) == (FEW, UP)


def test_p_values_are_those_of_hommel_over_the_tasks_times_the_claims() -> None:
    found = cast(tasks([9] * 5), 0.0, ALPHA, CLAIMS)
    assert {vote.p for vote in found} == {2 / 2**N}
    assert {vote.adjusted for vote in found} == {CLAIMS * 2 / 2**N}


def test_a_count_is_up_where_it_holds_in_every_condition() -> None:
    found = {"a": np.array([1.0, 2.0]), "b": np.array([0.0, -1.0]), "c": np.array([-1.0, 1.0])}
    assert [vote.way for vote in count(found, 0.0)] == [UP, DOWN, OPEN]


SIGNS = np.array(list(product((1.0, -1.0), repeat=N)))


def quick(differences: np.ndarray, threshold: float = 0.0) -> float:
    """`sign_flip` of N differences, a hundred times as fast: all patterns in one product."""
    sums = SIGNS @ (differences - threshold)
    return float(np.mean(np.abs(sums) >= abs(sums[0]) * (1 - 1e-12)))


def test_the_quick_test_is_the_one_in_use() -> None:
    for differences in tasks([0, 0.5, 2], seed=3).values():
        assert quick(differences, 0.2) == pytest.approx(sign_flip(differences, 0.2))


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> Callable[[Sequence[float], str], float]:
    """The share of 600 sweeps of tasks with these effects that come to a verdict."""
    monkeypatch.setattr(votes, "sign_flip", quick)

    def share(effects: Sequence[float], said: str) -> float:
        return float(np.mean([judged(tasks(effects, seed=seed)) == said for seed in range(600)]))

    return share


Share = Callable[[Sequence[float], str], float]


def test_one_task_without_a_difference_is_rarely_called_support(simulated: Share) -> None:
    """The worst case, since the other five are sure to be up: at most alpha over the claims."""
    assert simulated([4] * 5 + [0], SUPPORTED) <= ALPHA / CLAIMS + 0.006


def test_tasks_without_a_difference_rarely_make_it_depend(simulated: Share) -> None:
    assert simulated([4] * 3 + [0] * 3, DEPENDS) <= 0.01
    assert simulated([0] * 6, DEPENDS) == 0


@pytest.mark.parametrize(
    ("effects", "said", "power"),
    [
        ([2] * 6, SUPPORTED, 0.9),
        ([3] * 6, SUPPORTED, 0.98),
        ([1.5] * 4 + [-1.5] * 2, DEPENDS, 0.8),
        ([3] * 3 + [-3] * 2 + [0], DEPENDS, 0.95),
    ],
)
def test_twelve_seeds_find_what_is_there(
    effects: list[float], said: str, power: float, simulated: Share
) -> None:
    assert simulated(effects, said) >= power
