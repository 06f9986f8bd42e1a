from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import pytest

from lstm_bench.stats.ladder import (
    Bracket,
    Rung,
    bracket,
    climb,
    midpoint,
    not_monotone,
    surely_above,
    surely_below,
)

LADDER = [10, 20, 40, 80, 160, 320, 640, 1024]


@pytest.mark.parametrize(("n", "most"), [(6, 0), (12, 3), (20, 6), (3, -1), (0, -1)])
def test_so_many_of_n_exclude_a_share_of_one_half(n: int, most: int) -> None:
    assert [k for k in range(n + 1) if surely_below(k, n)] == list(range(most + 1))
    assert [k for k in range(n + 1) if surely_above(k, n)] == list(range(n - most, n + 1))


def climbed(shares: Mapping[int, list[int]], blocks: int = 2, **how: int) -> tuple[list, list]:
    """The blocks of six tried, when block b at length T solves shares[T][b]; and the rungs."""
    tried = []

    def try_block(T: int, block: int) -> tuple[int, int]:
        tried.append((T, block))
        return shares[T][block], 6

    return tried, climb(LADDER, range(blocks), try_block, **how)


def test_a_rung_of_which_the_first_block_solves_nothing_ends_there_and_one_is_looked_at() -> None:
    tried, rungs = climbed({10: [6, 6], 20: [0, 0], 40: [0, 0]})
    assert tried == [(10, 0), (10, 1), (20, 0), (40, 0)]
    assert rungs[1:4] == [Rung(20, 0, 6), Rung(40, 0, 6), Rung(80, tried=False)]
    assert bracket(rungs) == Bracket(10, 20)


def test_a_rung_surely_below_half_ends_the_climb() -> None:
    tried, rungs = climbed({10: [6, 6], 20: [1, 2], 40: [0, 0]})
    assert tried[2:] == [(20, 0), (20, 1), (40, 0)]
    assert rungs[1] == Rung(20, 3, 12)


def test_two_rungs_in_a_row_below_half_end_the_climb_and_the_bracket_says_they_are_open() -> None:
    tried, rungs = climbed({10: [6, 6], 20: [3, 2], 40: [2, 2]})
    assert tried[-1] == (40, 1)
    assert not rungs[3].tried
    assert bracket(rungs) == Bracket(10, 80)


def test_one_rung_below_half_and_another_above_it_go_on() -> None:
    tried, rungs = climbed({10: [6, 6], 20: [3, 2], 40: [4, 3], 80: [0, 0], 160: [0, 0]})
    assert tried[-1] == (160, 0)
    assert bracket(rungs) == Bracket(10, 80)


def test_beyond_160_nothing_is_looked_at() -> None:
    shares = {T: [6, 6] for T in LADDER[:4]} | {160: [0, 0]}
    assert climbed(shares)[0][-1] == (160, 0)
    assert climbed(shares | {320: [0, 0]}, look_to=320)[0][-1] == (320, 0)


def test_what_is_solved_beyond_a_failing_rung_is_not_monotone_and_widens_the_bracket() -> None:
    rungs = climbed({10: [6, 6], 20: [0, 0], 40: [4, 0]})[1]
    assert not_monotone(rungs) == [40]
    assert bracket(rungs) == Bracket(10, 80)
    assert not_monotone(climbed({10: [6, 6], 20: [1, 2], 40: [1, 0]})[1]) == []


@pytest.mark.parametrize(
    ("rungs", "shown"),
    [
        ([Rung(10, 12, 12), Rung(20, 5, 10), Rung(40, 0, 6)], "10–40"),
        ([Rung(10, 0, 6), Rung(20, 0, 6)], "< 10"),
        ([Rung(10, 6, 12), Rung(20, 0, 6)], "< 20"),
        ([Rung(10, 12, 12), Rung(20, 12, 12)], "> 20"),
        ([Rung(10, 12, 12), Rung(20, 8, 12)], "> 10"),
        ([Rung(10, 6, 12)], "unknown"),
        ([Rung(10, 12, 12), Rung(20, 0, 0)], "> 10"),  # errors of the machine say nothing
        ([Rung(10, 12, 12), Rung(20, tried=False)], "10–20"),
        ([], "unknown"),
    ],
)
def test_a_bracket_without_an_end_is_censored(rungs: list[Rung], shown: str) -> None:
    assert bracket(rungs).shown == shown


def test_a_midpoint_splits_two_neighbouring_rungs_only() -> None:
    assert midpoint([Rung(10, 12, 12), Rung(40, 0, 6)]) == 20
    assert midpoint([Rung(10, 12, 12), Rung(20, 6, 12), Rung(40, 0, 6)]) is None
    assert midpoint([Rung(10, 12, 12), Rung(11, 0, 6)]) is None
    shares = {10: [6, 6], 20: [0, 0], 40: [0, 0], 14: [6, 6], 16: [0, 0]}
    tried, rungs = climbed(shares, midpoints=2)
    assert tried[-3:] == [(14, 0), (14, 1), (16, 0)]
    assert bracket(rungs) == Bracket(14, 16)


def covered(slope: float, blocks: list[int], midpoints: int, runs: int) -> tuple[float, float]:
    """How often the bracket of a climb holds T*, and the mean of its width, log2, in the ladder.

    The share solved is logistic in ln T with this slope (a step where infinite), T* uniform in
    ln T over 15 to 600; censored ends count as those of the ladder in the width.
    """
    rng, inside, width = np.random.default_rng(0), 0, 0.0

    def try_block(T: int, size: int) -> tuple[int, int]:
        away = math.log(star / T)
        share = float(away > 0) if math.isinf(slope) else 1 / (1 + math.exp(-slope * away))
        return int(rng.binomial(size, share)), size

    for _ in range(runs):
        star = math.exp(rng.uniform(math.log(15), math.log(600)))
        found = bracket(climb(LADDER, blocks, try_block, midpoints))
        inside += found.low <= star <= found.high
        ends = max(found.low, LADDER[0]), min(found.high, LADDER[-1])
        width += math.log2(max(ends[1] / ends[0], 1))
    return inside / runs, width / runs


@pytest.mark.parametrize(
    ("blocks", "midpoints"), [([6, 6], 0), ([6, 6], 1), ([6, 6, 6, 2], 0), ([6, 6, 6, 2], 2)]
)
@pytest.mark.parametrize("slope", [0.7, 1, 2, 4, 8, 16, math.inf])
def test_the_bracket_holds_a_known_horizon(slope: float, blocks: list[int], midpoints: int) -> None:
    assert covered(slope, blocks, midpoints, 1000)[0] >= 0.93
