"""Verdicts on values with known answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lstm_bench.claims.base import Claim
from lstm_bench.claims.judge import (
    REFUTED,
    SUPPORTED,
    UNDECIDED,
    Comparison,
    Judged,
    agreement,
    compare,
    lies,
    settle,
    side,
)
from lstm_bench.claims.sentence import answer, plain
from lstm_bench.claims.statistics import rows_where

CLAIM = Claim(
    id="x",
    quote="q",
    statement="s",
    experiment="horizon",
    statistic="share_of_lengths",
    cells=("lstm", "elman"),
    caveats="c",
)
COST = replace(CLAIM, statistic="flops_per_update", experiment="cost")


def values(n: int, effect: float, spread: float = 0.05, tasks: int = 2) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    rows = [
        {"task": f"t{task}", "cell": cell, "seed": seed, "value": up + rng.normal(0, spread)}
        for task in range(tasks)
        for cell, up in (("lstm", effect), ("elman", 0.0))
        for seed in range(n)
    ]
    return pd.DataFrame(rows)


def family(*tables: pd.DataFrame, claims: int = 8, threshold: float = 0.0) -> list[Judged]:
    """The tables as claims in a family of eight; the rest could not be judged."""
    claim = replace(CLAIM, threshold=threshold)
    judged = [Judged(claim, compare(table, claim.cells)) for table in tables]
    judged += [Judged(claim, reason="not trained.") for _ in range(claims - len(judged))]
    assert settle(judged) == claims
    return judged


@pytest.mark.parametrize(("effect", "verdict"), [(0.4, SUPPORTED), (-0.4, REFUTED)])
def test_ten_seeds_decide_a_clear_effect_either_way(effect: float, verdict: str) -> None:
    judged = family(values(10, effect))[0]
    assert judged.verdict == verdict
    assert judged.adjusted == pytest.approx(8 * 2 / 1024)
    assert judged.more is None


def test_ten_seeds_can_support_all_of_eight_claims() -> None:
    assert {each.verdict for each in family(*[values(10, 0.4)] * 8)} == {SUPPORTED}


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_too_few_seeds_leave_it_undecided_with_a_reason_and_no_p(n: int) -> None:
    judged = family(values(n, 0.4))[0]
    assert (judged.verdict, judged.p, judged.adjusted) == (UNDECIDED, None, None)
    assert "at least 9 are needed" in judged.reason
    assert judged.more == 9 - n
    assert replace(judged, block=5).more in (5, 10)
    told = answer(judged)
    assert f"about {9 - n} more replicates needed" in told
    assert ("95 % interval" in told) == (n >= 5)


def test_an_effect_that_drowns_in_its_spread_is_undecided_and_says_how_many_more() -> None:
    judged = family(values(10, 0.03, spread=0.1))[0]
    assert judged.verdict == UNDECIDED
    assert judged.adjusted is not None
    assert judged.adjusted > 0.05
    more = judged.more
    assert more is None or more > 1
    assert judged.smallest is not None


def test_an_effect_below_the_threshold_refutes_a_claim_about_its_size() -> None:
    assert family(values(10, 0.4), threshold=0.6)[0].verdict == REFUTED


def test_nothing_seen_at_all_is_no_support() -> None:
    judged = family(values(10, 0.0, spread=0.0))[0]
    assert (judged.verdict, judged.p) == (UNDECIDED, 1.0)
    assert "no seed shows a difference" in answer(judged)


def test_a_claim_that_could_not_be_judged_counts_in_the_family() -> None:
    alone = [Judged(CLAIM, compare(values(10, 0.4), CLAIM.cells))]
    assert settle(alone) == 1
    assert alone[0].adjusted == pytest.approx(2 / 1024)
    assert family(values(10, 0.4))[0].adjusted == pytest.approx(16 / 1024)


def test_no_value_at_all_is_a_reason_and_no_crash() -> None:
    judged = family(values(10, 0.4).query("cell == 'lstm'"))[0]
    assert judged.verdict == UNDECIDED
    assert judged.p is None
    assert answer(judged).startswith("Undecided: no seed has a value")


def test_a_seed_that_lacks_a_task_is_left_out() -> None:
    table = values(10, 0.4)
    assert compare(table[1:], CLAIM.cells).n == 9


def test_one_cell_is_compared_with_the_threshold() -> None:
    found = compare(values(10, 0.4), ["lstm"])
    assert found.effect == pytest.approx(0.4, abs=0.05)
    assert found.bounds() is not None


def counts(**ratios: float) -> pd.DataFrame:
    rows = [
        {"task": "adding", "cell": cell, "T": T, "width": 8, "value": T + up}
        for T, up in zip((10, 20), ratios.values())
        for cell, up in (("lstm", up), ("elman", 0.0))
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("at_ten", "at_twenty", "verdict"),
    [(2.0, 2.1, SUPPORTED), (-1.0, -2.0, REFUTED), (-1.0, 1.0, UNDECIDED), (0.0, 0.0, REFUTED)],
)
def test_a_count_needs_no_test_but_must_hold_everywhere(
    at_ten: float, at_twenty: float, verdict: str
) -> None:
    judged = Judged(COST, compare(counts(a=at_ten, b=at_twenty), COST.cells, exact=True))
    assert settle([judged]) == 1
    assert (judged.verdict, judged.p) == (verdict, None)
    assert "an exact count, so no test" in answer(judged)


def test_pairs_and_tasks_on_the_other_side_are_named() -> None:
    main = Comparison(("lstm", "elman"), np.array([0.3]), {"adding": 0.7, "copy": -0.1})
    flipped = Comparison(("lstm", "irnn"), np.array([-0.2]))
    told = agreement(CLAIM, main, [flipped])
    assert told == "It points the other way on copy and for lstm against irnn."
    assert agreement(CLAIM, replace(main, by_task={}), []) == ""


def test_a_whole_interval_on_the_other_side_is_a_flip_and_part_of_one_is_none() -> None:
    main = Comparison(("lstm", "elman"), np.linspace(0.2, 0.4, 10))
    clear = Comparison(("gru", "elman"), -np.linspace(0.2, 0.4, 10))
    wide = Comparison(("lstm", "irnn"), np.linspace(-0.5, 0.4, 10))
    same = Comparison(("lstm", "elman"), np.linspace(0.1, 0.2, 10), note="at equal parameters")
    sides = [side(CLAIM, each, main) for each in (clear, wide, same)]
    assert sides == ["beyond, clearly", "beyond", "same"]
    assert agreement(CLAIM, main, [clear, wide, same]) == (
        "It flips for gru against elman. It points the other way for lstm against irnn."
    )
    assert same.name == "lstm against elman (at equal parameters)"
    refuted = Comparison(("lstm", "elman"), -np.linspace(0.2, 0.4, 10))
    assert side(CLAIM, main, refuted) == "beyond, clearly"


@pytest.mark.parametrize(
    ("claim", "effect", "way"),
    [
        (CLAIM, 0.0, 0),
        (CLAIM, 0.004, 0),  # told as +0.00
        (CLAIM, -0.004, 0),
        (CLAIM, 0.01, 1),
        (CLAIM, -0.01, -1),
        (replace(CLAIM, threshold=0.5), 0.504, 0),
        (replace(CLAIM, threshold=0.5), 0.0, -1),
        (replace(CLAIM, statistic="updates_to_solve"), 0.005, 0),  # told as x 1
        (replace(CLAIM, statistic="updates_to_solve"), -0.01, -1),
    ],
)
def test_what_reads_as_the_threshold_lies_on_neither_side(
    claim: Claim, effect: float, way: int
) -> None:
    assert lies(claim, effect) == way
    flat = Comparison(("lstm", "elman"), np.array([effect]))
    clear = Comparison(("lstm", "elman"), np.array([claim.threshold + 1.0]), {"copy": effect})
    assert side(claim, flat, clear) == {0: "level", 1: "same", -1: "beyond"}[way]
    told = "It points the other way on copy." if way < 0 else ""
    assert agreement(claim, clear, []) == told
    if way == 0:
        assert side(claim, clear, flat) == "level"
        assert agreement(claim, flat, [clear]) == ""


MEASURED = pd.DataFrame(
    {
        "task": "adding",
        "cell": ["lstm", "lstm", "lstm", "elman"],
        "seed": [0, 0, 1, 0],
        "T": [10, 20, 10, 10],
        "gap": [4.0, 16.0, 4.0, 0.0],
    }
)
GAP = replace(CLAIM, statistic="column", column="gap", scale="ratio")


def of_column(claim: Claim, *cells: str) -> pd.DataFrame:
    rows = rows_where(MEASURED, {**claim.where, "cell": list(cells)})
    return claim.measure.values(rows, cells)


def test_a_column_is_read_by_seed_under_its_conditions() -> None:
    assert of_column(GAP, "lstm").value.tolist() == [3.0, 2.0]
    assert of_column(GAP, "elman").empty  # a ratio of nothing is no value
    for where in ({"T": 20}, {"T": [20, 30]}):
        assert of_column(replace(GAP, where=where), "lstm").value.tolist() == [4.0]
    for wrong in (replace(GAP, column="nothing"), replace(GAP, where={"nothing": 1})):
        with pytest.raises(KeyError, match="nothing"):
            of_column(wrong, "lstm")


def test_two_cells_are_compared_at_the_lengths_that_both_have() -> None:
    found = of_column(replace(GAP, scale="difference"), "lstm", "elman")
    assert dict(zip(found.cell, found.value)) == {"lstm": 4.0, "elman": 0.0}  # T = 10 alone


def test_a_count_that_was_not_made_is_a_reason() -> None:
    judged = Judged(COST, compare(counts(a=1.0).iloc[:0], COST.cells, exact=True))
    settle([judged])
    assert answer(judged) == "Undecided: no length and width has a value for it."


def test_numbers_are_rounded_so_that_bytes_are_equal() -> None:
    assert plain({"a": (0.1 + 0.2, np.float64("nan"), np.int64(3))}) == {"a": [0.3, None, 3]}
