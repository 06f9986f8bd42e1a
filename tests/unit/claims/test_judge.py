"""Verdicts on values with known answers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from lstm_bench.claims.base import Claim
from lstm_bench.claims.beside import Against, against, disagreement, lies
from lstm_bench.claims.judge import Comparison, Judged, compare, settle
from lstm_bench.claims.sentence import answer, as_json, plain
from lstm_bench.claims.statistics import rows_where
from lstm_bench.claims.votes import DEPENDS, DOWN, OPEN, REFUTED, SUPPORTED, UP, Vote

CLAIM = Claim(
    id="x",
    quote="q",
    statement="s",
    experiment="horizon",
    statistic="column",
    column="share",
    measured="m",
    told="{first} against {second} {effect}",
    cells=("lstm", "elman"),
    caveats="c",
)
COST = replace(CLAIM, statistic="flops_per_update", experiment="cost", told="")


def values(n: int, *effects: float, spread: float = 0.05) -> pd.DataFrame:
    """Of n seeds and as many tasks as there are effects of lstm against elman."""
    rng = np.random.default_rng(1)
    rows = [
        {"task": f"t{task}", "cell": cell, "seed": seed, "value": up + rng.normal(0, spread)}
        for task, effect in enumerate(effects)
        for cell, up in (("lstm", effect), ("elman", 0.0))
        for seed in range(n)
    ]
    return pd.DataFrame(rows)


def family(*tables: pd.DataFrame, claims: int = 8, threshold: float = 0.0) -> list[Judged]:
    """The tables as claims in a family of eight; the rest could not be judged."""
    claim = replace(CLAIM, threshold=threshold)
    judged = [Judged(claim, compare(table, claim.cells)) for table in tables]
    judged += [Judged(claim, reason="not trained.") for _ in range(claims - len(judged))]
    assert settle(judged) == {"lecture": claims}
    return judged


@pytest.mark.parametrize(
    ("effects", "threshold", "verdict", "said"),
    [
        ([0.4] * 4, 0.0, SUPPORTED, "up on t0, t1, t2, t3 (adjusted p ≤ 0.004)"),
        ([-0.4] * 4, 0.0, REFUTED, "down on t0, t1, t2, t3"),
        ([0.4] * 4, 0.6, REFUTED, "down on t0, t1, t2, t3"),
        ([0.4, 0.4, 0.4, -0.4], 0.0, DEPENDS, "up on t0, t1, t2; down on t3"),
        ([0.4, 0.4, 0.4, 0.0], 0.0, OPEN, "up on t0, t1, t2; open on t3"),
    ],
)
def test_twelve_seeds_decide_by_task(
    effects: list[float], threshold: float, verdict: str, said: str
) -> None:
    judged = family(values(12, *effects), threshold=threshold)[0]
    assert judged.verdict == verdict
    told = answer(judged)
    assert told.startswith(verdict.capitalize())
    assert said in told
    assert "n = 12 seeds" in told


def test_too_few_seeds_leave_it_open_and_say_how_many_decide() -> None:
    judged = family(values(8, *[0.4] * 4))[0]
    assert (judged.verdict, judged.adjusted) == (OPEN, None)
    assert "0 of 4 tasks can vote" in judged.reason
    assert "at least 9 seeds at 8 tested claims" in judged.reason
    assert judged.more == 1
    assert replace(judged, block=6).more == 6
    assert "about 1 more replicates needed" in answer(judged)


def test_an_effect_that_drowns_in_its_spread_asks_for_more_seeds() -> None:
    judged = family(values(12, *[0.4] * 4, 0.05, spread=0.1))[0]
    assert judged.verdict == OPEN
    assert judged.more is not None
    assert judged.more > 10
    hopeless = family(values(12, *[0.4] * 4, 0.05, spread=0.1), threshold=0.02)[0]
    hopeless.votes = [replace(vote, differences=vote.differences * 0) for vote in hopeless.votes]
    hopeless = replace(hopeless, claim=CLAIM)
    assert hopeless.more is None
    assert "more seeds alone would hardly decide it" in answer(hopeless)


def test_tasks_without_room_are_named_and_three_that_vote_are_no_verdict() -> None:
    judged = family(pd.concat([values(12, *[0.4] * 3), flat("t3"), flat("t4")]))[0]
    assert judged.verdict == OPEN
    assert "no room on t3, t4" in answer(judged)
    assert "3 of 5 tasks can vote, and a verdict takes 4." in answer(judged)
    assert judged.more is None


def flat(task: str, n: int = 12) -> pd.DataFrame:
    return values(n, 0.0, spread=0.0).assign(task=task)


def test_a_claim_that_could_not_be_judged_counts_in_the_family() -> None:
    alone = [Judged(CLAIM, compare(values(12, *[0.4] * 4), CLAIM.cells))]
    assert settle(alone) == {"lecture": 1}
    assert alone[0].adjusted == pytest.approx(2 / 2**12)
    assert family(values(12, *[0.4] * 4))[0].adjusted == pytest.approx(16 / 2**12)


def test_a_claim_is_tested_with_those_of_its_family_alone() -> None:
    """Five of one family and a count, beside two of another: p is multiplied by two."""
    table = values(12, *[0.4] * 4)
    claims = [CLAIM] * 5 + [COST] + [replace(CLAIM, family="uses")] * 2
    judged = [Judged(claim, compare(table, CLAIM.cells)) for claim in claims[:5] + claims[6:]]
    judged.append(Judged(COST, reason="not measured."))
    assert settle(judged) == {"lecture": 5, "uses": 2}
    assert judged[0].adjusted == pytest.approx(5 * 2 / 2**12)
    assert judged[5].adjusted == pytest.approx(2 * 2 / 2**12)
    assert [as_json(each)["family"] for each in (judged[0], judged[5])] == ["lecture", "uses"]


def test_no_value_at_all_is_a_reason_and_no_crash() -> None:
    judged = family(values(12, *[0.4] * 4).query("cell == 'lstm'"))[0]
    assert judged.verdict == OPEN
    assert answer(judged) == "Open: no seed has a value."


def test_a_task_takes_the_seeds_it_has_and_the_average_those_that_all_have() -> None:
    found = compare(values(12, 0.4, 0.4)[1:], CLAIM.cells)
    assert [len(each) for each in found.tasks.values()] == [11, 12]
    assert found.n == 11


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
    [(2.0, 2.1, SUPPORTED), (-1.0, -2.0, REFUTED), (-1.0, 1.0, OPEN), (0.0, 0.0, REFUTED)],
)
def test_a_count_needs_no_test_but_must_hold_everywhere(
    at_ten: float, at_twenty: float, verdict: str
) -> None:
    judged = Judged(COST, compare(counts(a=at_ten, b=at_twenty), COST.cells, exact=True))
    assert settle([judged]) == {}
    assert (judged.verdict, judged.adjusted) == (verdict, None)
    assert "an exact count, so no test" in answer(judged)


def compared(*cells: str, note: str = "", **tasks: np.ndarray) -> Comparison:
    return Comparison(cells, tasks, np.mean(list(tasks.values()), axis=0), note=note)


UPWARD = np.linspace(0.2, 0.4, 10)


def test_pairs_on_the_other_side_are_named_by_the_tasks_that_voted() -> None:
    votes = [Vote("adding", UPWARD, UP), Vote("copy", -UPWARD, DOWN), Vote("order", UPWARD, OPEN)]
    other = compared("gru", "elman", adding=-UPWARD, copy=-UPWARD, order=-UPWARD)
    wide = compared("lstm", "irnn", adding=np.linspace(-0.5, 0.4, 10), copy=-UPWARD)
    same = compared("lstm", "elman", note="at equal parameters", adding=UPWARD / 2)
    assert against(CLAIM, votes, other) == Against(flips=("adding",))
    assert against(CLAIM, votes, wide) == Against(leans=("adding",))
    assert against(CLAIM, votes, same) == Against()
    assert same.name == "lstm against elman (at equal parameters)"
    assert disagreement(CLAIM, votes, [other, wide, same]) == (
        "It flips for gru against elman on adding. "
        "It points the other way for lstm against irnn on adding."
    )


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


def test_a_verdict_is_stored_with_a_row_for_each_task() -> None:
    judged = family(pd.concat([values(12, *[0.4] * 4), flat("t4")]))[0]
    judged.others = [compare(values(12, *[-0.4] * 4), CLAIM.cells)]
    stored = as_json(judged)
    assert [row["vote"] for row in stored["by_task"]] == [*["up"] * 4, "no room"]  # type: ignore[attr-defined]
    assert stored["by_task"][0]["effect"] == pytest.approx(0.4, abs=0.05)  # type: ignore[index]
    assert stored["beside"][0]["flips"] == ["t0", "t1", "t2", "t3"]  # type: ignore[index]


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
    assert answer(judged) == "Open: no length and width has a value."


def test_numbers_are_rounded_so_that_bytes_are_equal() -> None:
    assert plain({"a": (0.1 + 0.2, np.float64("nan"), np.int64(3))}) == {"a": [0.3, None, 3]}
